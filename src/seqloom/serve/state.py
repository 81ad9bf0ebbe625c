"""The state that all endpoints share: runs, batcher, explainer, limits, keys, metrics and access log."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqloom.decoding.hypothesis import Generation
from seqloom.serve.access_log import AccessLog
from seqloom.serve.batcher import Batcher, TextRequest
from seqloom.serve.explainer import Explainer
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.keys import Keys
from seqloom.serve.limits import RequestLimits
from seqloom.serve.metrics import Metrics
from seqloom.serve.run_registry import RunRegistry


@dataclass(frozen=True)
class ServerState:
    """The shared state of a server. `server.make_state` creates it."""

    registry: RunRegistry
    batcher: Batcher
    explainer: Explainer
    limits: RequestLimits
    keys: Keys
    metrics: Metrics
    access_log: AccessLog

    def close(self) -> None:
        """Accepts no more work. Work in the queues is still done."""
        self.batcher.close()
        self.explainer.close()

    def deadline(self) -> float:
        """The time by which a request that arrives now must be answered (`time.monotonic`, in seconds)."""
        return time.monotonic() + self.limits.max_seconds

    def check_text(self, text: str, param: str) -> None:
        """Checks the length of a text.

        Args:
            param: the field of the request that contains the text.

        Raises:
            HTTPError: 400 if it has more than `limits.max_chars` characters.
        """
        if len(text) > self.limits.max_chars:
            raise HTTPError(
                400,
                f"Invalid request: a text of {len(text):,} characters exceeds the text limit of {self.limits.max_chars:,}",
                code="text_too_long",
                param=param,
            )

    def check_count(self, count: int) -> None:
        """Checks the number of texts of a request.

        Raises:
            HTTPError: 400 if it is above `limits.max_texts`.
        """
        if count > self.limits.max_texts:
            raise HTTPError(
                400,
                f"Invalid request: {count:,} texts (lines and samples count) exceed the limit of {self.limits.max_texts:,}",
                code="too_many_texts",
            )

    def count(
        self, text_requests: Sequence[TextRequest], generations: Sequence[Generation], log_fields: dict[str, Any]
    ) -> None:
        """Adds the number of generated tokens to the metrics and to the fields of the access log."""
        total = 0
        for text_request, generation in zip(text_requests, generations, strict=True):
            tokens = sum(num_written(hypothesis) for hypothesis in generation.hypotheses)
            self.metrics.tokens.labels(text_request.decoder.run).inc(tokens)
            total += tokens
        log_fields["tokens"] = total


def num_written(hypothesis: Any) -> int:
    """The number of tokens of a hypothesis; eos counts if it was generated."""
    return len(hypothesis.ids) + int(hypothesis.finished)
