"""Metrics of the server in Prometheus's format. Labels are only names of runs, routes and statuses, never input of clients."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from seqloom.decoding.prefix_cache import PrefixCache

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of a server, in a registry of their own, so that two servers in a process have separate metrics."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "seqloom_requests", "Requests, by route and status.", ["route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "seqloom_request_seconds",
            "Seconds from the arrival of a request to the end of its answer.",
            ["route"],
            registry=registry,
        )
        self.active = Gauge("seqloom_requests_active", "Requests that are being answered.", registry=registry)
        self.texts = Counter("seqloom_texts", "Texts that were decoded.", ["run"], registry=registry)
        self.batches = Histogram(
            "seqloom_batch_texts", "Texts of each batch that was decoded.", ["run"], buckets=_SIZES, registry=registry
        )
        self.decoding = Counter("seqloom_decoding_seconds", "Time spent decoding.", ["run"], registry=registry)
        self.tokens = Counter("seqloom_output_tokens", "Tokens that were generated.", ["run"], registry=registry)
        self.explanations = Counter(
            "seqloom_explanations", "Explanations that were computed.", ["run"], registry=registry
        )
        self.explaining = Counter("seqloom_explaining_seconds", "Time spent explaining.", ["run"], registry=registry)
        self._queued_texts = Gauge("seqloom_queue_texts", "Texts that wait to be decoded.", registry=registry)
        self._queued_explanations = Gauge(
            "seqloom_queue_explanations", "Explanations that wait or are being computed.", registry=registry
        )
        ProcessCollector(registry=self._registry)

    def watch_queue(self, texts: Callable[[], int], explanations: Callable[[], int]) -> None:
        """Sets the functions that return the current queue lengths (texts, explanations)."""
        self._queued_texts.set_function(texts)
        self._queued_explanations.set_function(explanations)

    def watch_prefixes(self, caches: Mapping[str, PrefixCache]) -> None:
        """Sets the prefix caches of the runs, by name."""
        if caches:
            self._registry.register(_PrefixCollector(caches))

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


class _PrefixCollector(Collector):
    """Reads the statistics of prefix caches whenever the metrics are read."""

    _COUNTERS = (
        ("hits", "seqloom_prefix_cache_hits", "Prompts whose beginning was in the cache."),
        ("misses", "seqloom_prefix_cache_misses", "Prompts whose beginning was not in the cache."),
        ("num_reused", "seqloom_prefix_cache_reused_tokens", "Tokens of prompts that were not read again."),
        ("num_read", "seqloom_prefix_cache_read_tokens", "Tokens of prompts that were read."),
    )
    _GAUGES = (
        ("num_bytes", "seqloom_prefix_cache_bytes", "Memory of the prompts in the cache, in bytes."),
        ("num_states", "seqloom_prefix_cache_prompts", "Prompts in the cache."),
    )

    def __init__(self, caches: Mapping[str, PrefixCache]) -> None:
        self._caches = caches

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        statistics = {run: cache.statistics for run, cache in self._caches.items()}
        for attribute, name, description in self._COUNTERS:
            counter = CounterMetricFamily(name, description, labels=["run"])
            for run, values in statistics.items():
                counter.add_metric([run], getattr(values, attribute))
            yield counter
        for attribute, name, description in self._GAUGES:
            gauge = GaugeMetricFamily(name, description, labels=["run"])
            for run, values in statistics.items():
                gauge.add_metric([run], getattr(values, attribute))
            yield gauge
