"""The nouns of the decoding room: Hypothesis (ids and a score) and Generation (text)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length"]
"""Why a text ends, in the words of OpenAI's API."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A target that search found.

    Attributes:
        ids: target ids, without bos and eos.
        score: what ranked it: the log-probability divided by the length penalty.
        log_prob: the sum of the log-probabilities of its tokens, eos included where it was reached.
        finished: whether it ends with eos; False where the length limit cut it.
        token_log_probs: one for each id, and one for eos where it was reached.
    """

    ids: tuple[int, ...]
    score: float
    log_prob: float
    finished: bool
    token_log_probs: tuple[float, ...]

    @classmethod
    def make(
        cls, ids: Sequence[int], token_log_probs: Sequence[float], *, finished: bool, penalty: float = 1.0
    ) -> "Hypothesis":
        """Sums up and scores: the log-probability divided by `penalty`."""
        log_prob = math.fsum(token_log_probs)
        return cls(tuple(ids), log_prob / penalty, log_prob, finished, tuple(token_log_probs))


@dataclass(frozen=True, slots=True)
class Generation:
    """What a source became.

    Attributes:
        source: the input text.
        texts: the outputs, best first.
        hypotheses: the hypotheses behind the texts, in the same order.
        notes: what the user should know: that the source was cut, or was empty.
        alignment: for each target token the position of the source token that it attends to most, where asked for.
        num_cut_tokens: tokens of the source or prompt that were not read, because it was too long.
    """

    source: str
    texts: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    notes: tuple[str, ...] = ()
    alignment: tuple[int, ...] | None = None
    num_cut_tokens: int = 0

    @property
    def finish_reasons(self) -> tuple[FinishReason, ...]:
        """For each text "stop", if it ended by itself, or "length", if its length limit cut it."""
        return tuple("stop" if one.finished else "length" for one in self.hypotheses)

    @property
    def finish_reason(self) -> FinishReason:
        """That of the best output."""
        return self.finish_reasons[0]

    @property
    def text(self) -> str:
        """The best output."""
        return self.texts[0]

    def __str__(self) -> str:
        return self.text
