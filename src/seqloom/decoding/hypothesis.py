"""The nouns of the decoding room: Hypothesis (ids and a score) and Generation (text)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


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
    """

    source: str
    texts: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    notes: tuple[str, ...] = ()
    alignment: tuple[int, ...] | None = None

    @property
    def text(self) -> str:
        """The best output."""
        return self.texts[0]

    def __str__(self) -> str:
        return self.text
