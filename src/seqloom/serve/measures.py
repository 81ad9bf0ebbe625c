"""Measures: what the server counts, as Prometheus reads it. No texts, no addresses, no names that a request chose."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Measures:
    """Counters of one server; in a registry of their own, so that two servers in a process do not mix."""

    def __init__(self) -> None:
        self._registry = known = CollectorRegistry()
        self.requests = Counter(
            "seqloom_requests", "Requests, by route and status.", ["route", "status"], registry=known
        )
        self.seconds = Histogram(
            "seqloom_request_seconds", "From a request's arrival to the end of its answer.", ["route"], registry=known
        )
        self.active = Gauge("seqloom_requests_active", "Requests that are being answered.", registry=known)
        self.texts = Counter("seqloom_texts", "Texts that were decoded.", ["run"], registry=known)
        self.batches = Histogram(
            "seqloom_batch_texts", "Texts that were decoded together.", ["run"], buckets=_SIZES, registry=known
        )
        self.decoding = Counter("seqloom_decoding_seconds", "Time spent decoding.", ["run"], registry=known)
        self.tokens = Counter("seqloom_output_tokens", "Tokens that were written.", ["run"], registry=known)
        self._waiting = Gauge("seqloom_queue_texts", "Texts that wait to be decoded.", registry=known)
        ProcessCollector(registry=self._registry)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Says how to find out how many texts wait."""
        self._waiting.set_function(length)

    def decoded(self, run: str, size: int, seconds: float) -> None:
        """Counts a batch."""
        self.texts.labels(run).inc(size)
        self.batches.labels(run).observe(size)
        self.decoding.labels(run).inc(seconds)

    def page(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)
