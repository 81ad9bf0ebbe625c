"""Metrics of the server in Prometheus's format. Labels hold only names of runs, routes and statuses, never a client's input."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters of one server. They have their own registry, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "seqloom_requests", "Requests, by route and status.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "seqloom_request_seconds",
            "From a request's arrival to the end of its answer.",
            ["route"],
            registry=registry,
        )
        self.active = Gauge("seqloom_requests_active", "Requests that are being answered.", registry=registry)
        self.texts = Counter("seqloom_texts", "Texts that were decoded.", ["run"], registry=registry)
        self.batches = Histogram(
            "seqloom_batch_texts", "Texts that were decoded together.", ["run"], buckets=_SIZES, registry=registry
        )
        self.decoding = Counter("seqloom_decoding_seconds", "Time spent decoding.", ["run"], registry=registry)
        self.tokens = Counter("seqloom_output_tokens", "Tokens that were written.", ["run"], registry=registry)
        self.explanations = Counter("seqloom_explanations", "Explanations that were made.", ["run"], registry=registry)
        self.explaining = Counter("seqloom_explaining_seconds", "Time spent explaining.", ["run"], registry=registry)
        self._queued_texts = Gauge("seqloom_queue_texts", "Texts that wait to be decoded.", registry=registry)
        self._queued_explanations = Gauge(
            "seqloom_queue_explanations", "Explanations that wait or are being made.", registry=registry
        )
        ProcessCollector(registry=self._registry)

    def watch_queue(self, texts: Callable[[], int], explanations: Callable[[], int]) -> None:
        """Sets the functions that return the current queue lengths (texts, explanations)."""
        self._queued_texts.set_function(texts)
        self._queued_explanations.set_function(explanations)

    def decoded(self, run: str, size: int, seconds: float) -> None:
        """Counts a decoded batch: its run, its number of texts, its duration in seconds."""
        self.texts.labels(run).inc(size)
        self.batches.labels(run).observe(size)
        self.decoding.labels(run).inc(seconds)

    def explained(self, run: str, seconds: float) -> None:
        """Counts an explanation: its run, its duration in seconds."""
        self.explanations.labels(run).inc()
        self.explaining.labels(run).inc(seconds)

    def page(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry)
