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
        self.explanations = Counter("seqloom_explanations", "Explanations that were made.", ["run"], registry=known)
        self.explaining = Counter("seqloom_explaining_seconds", "Time spent explaining.", ["run"], registry=known)
        self._waiting = Gauge("seqloom_queue_texts", "Texts that wait to be decoded.", registry=known)
        self._explaining = Gauge(
            "seqloom_queue_explanations", "Explanations that wait or are being made.", registry=known
        )
        ProcessCollector(registry=self._registry)

    def watch_queue(self, texts: Callable[[], int], explanations: Callable[[], int]) -> None:
        """Says how to find out how many texts and explanations wait."""
        self._waiting.set_function(texts)
        self._explaining.set_function(explanations)

    def decoded(self, run: str, size: int, seconds: float) -> None:
        """Counts a batch."""
        self.texts.labels(run).inc(size)
        self.batches.labels(run).observe(size)
        self.decoding.labels(run).inc(seconds)

    def explained(self, run: str, seconds: float) -> None:
        """Counts an explanation."""
        self.explanations.labels(run).inc()
        self.explaining.labels(run).inc(seconds)

    def page(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)
