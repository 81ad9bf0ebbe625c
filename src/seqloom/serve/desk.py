"""Desk: what every endpoint works with: the runs, what decodes and explains, the limits, the keys, and the counts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqloom.decoding.hypothesis import Generation
from seqloom.serve.batcher import Batcher, Ticket
from seqloom.serve.directory import Directory
from seqloom.serve.explainer import Explainer
from seqloom.serve.journal import Journal
from seqloom.serve.keys import Keys
from seqloom.serve.limits import Limits
from seqloom.serve.measures import Measures
from seqloom.serve.refusals import RefusedError


@dataclass(frozen=True)
class Desk:
    """Made once a server."""

    directory: Directory
    batcher: Batcher
    explainer: Explainer
    limits: Limits
    keys: Keys
    measures: Measures
    journal: Journal

    def close(self) -> None:
        """Takes no more work; what was taken is still done."""
        self.batcher.close()
        self.explainer.close()

    def deadline(self) -> float:
        """When a request that arrives now must be answered (`time.monotonic`)."""
        return time.monotonic() + self.limits.max_seconds

    def check_text(self, text: str, param: str) -> None:
        """Refuses a text that is too long.

        Raises:
            RefusedError: 400.
        """
        if len(text) > self.limits.max_chars:
            raise RefusedError(
                400,
                f"Invalid request: a text of {len(text):,} characters exceeds the text limit of {self.limits.max_chars:,}",
                code="text_too_long",
                param=param,
            )

    def check_count(self, count: int) -> None:
        """Refuses a request with too many texts.

        Raises:
            RefusedError: 400.
        """
        if count > self.limits.max_texts:
            raise RefusedError(
                400,
                f"Invalid request: {count:,} texts (lines and samples count) exceed the limit of {self.limits.max_texts:,}",
                code="too_many_texts",
            )

    def count(self, tickets: Sequence[Ticket], found: Sequence[Generation], facts: dict[str, Any]) -> None:
        """Counts what was written, for the measures and the journal."""
        total = 0
        for ticket, generation in zip(tickets, found, strict=True):
            tokens = sum(num_written(hypothesis) for hypothesis in generation.hypotheses)
            self.measures.tokens.labels(ticket.manner.run).inc(tokens)
            total += tokens
        facts["tokens"] = total


def num_written(hypothesis: Any) -> int:
    """Tokens of a hypothesis, eos included where it was reached."""
    return len(hypothesis.ids) + int(hypothesis.finished)
