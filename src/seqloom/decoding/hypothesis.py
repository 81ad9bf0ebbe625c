"""The results of decoding: Hypothesis (ids and a score), Generation (text) and PairScore (the score of a given target)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from seqloom.messages import counted

FinishReason = Literal["stop", "length"]
"""Why a text ends, in the words of OpenAI's API."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A target that search found.

    Attributes:
        ids: target ids, without bos and eos.
        score: the number that ranks hypotheses: the log-probability divided by the length penalty.
        log_prob: the sum of the log-probabilities of its tokens, and of eos if it is finished.
        finished: whether it ends with eos; False if it was cut at the length limit, or if no id could follow.
        token_log_probs: one for each id, and one for eos if it is finished.
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
        """Computes the log-probability and the score: the log-probability divided by `penalty`."""
        log_prob = math.fsum(token_log_probs)
        return cls(tuple(ids), log_prob / penalty, log_prob, finished, tuple(token_log_probs))


@dataclass(frozen=True, slots=True)
class Generation:
    """The outputs for a source.

    Attributes:
        source: the input text.
        texts: the outputs, best first.
        hypotheses: the hypotheses of the texts, in the same order.
        notes: what the user should know: that the source was cut, or was empty.
        alignment: for each target token the position of the source token that it attends to most, if requested.
        num_cut_tokens: tokens of the source or prompt that were not read, because it was too long.
        stops: for each text the stop string that it ends before, or None; empty where there were no stop strings. The ids of its
            hypothesis go on to the token that completed the stop string.
    """

    source: str
    texts: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    notes: tuple[str, ...] = ()
    alignment: tuple[int, ...] | None = None
    num_cut_tokens: int = 0
    stops: tuple[str | None, ...] = ()

    @property
    def finish_reasons(self) -> tuple[FinishReason, ...]:
        """For each text "stop" if it ended with eos or before a stop string, or "length" if it was cut at its length limit."""
        stops = self.stops or (None,) * len(self.hypotheses)
        return tuple(
            "stop" if hypothesis.finished or stop is not None else "length"
            for hypothesis, stop in zip(self.hypotheses, stops, strict=True)
        )

    @property
    def finish_reason(self) -> FinishReason:
        """The finish reason of the best output."""
        return self.finish_reasons[0]

    @property
    def text(self) -> str:
        """The best output."""
        return self.texts[0]

    def __str__(self) -> str:
        return self.text

    def with_limit_note(self, max_tokens: int) -> "Generation":
        """The generation with a note that says which limit cut its outputs, if one did."""
        reasons = zip(self.hypotheses, self.finish_reasons, strict=True)
        cut = [hypothesis for hypothesis, reason in reasons if reason == "length"]
        if not cut:
            return self
        total = len(self.hypotheses)
        which = "the output" if total == 1 else f"{len(cut)} of {total} outputs"
        if all(len(hypothesis.ids) >= max_tokens for hypothesis in cut):
            note = f"{which} reached the limit of {counted(max_tokens, 'token')} (max_tokens) and ended there"
        else:
            note = f"{which} reached the length that the model can hold and ended there"
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True, slots=True)
class PairScore:
    """The probability of a target, given its source.

    Attributes:
        log_prob: the natural logarithm of the probability, eos included.
        token_log_probs: one for each target token, the last one for eos.
        notes: what the user should know: that a side was cut.
        token_ids: the ids of a part of a running text; empty for pairs.
    """

    log_prob: float
    token_log_probs: tuple[float, ...]
    notes: tuple[str, ...] = ()
    token_ids: tuple[int, ...] = ()

    @property
    def num_tokens(self) -> int:
        """Target tokens, eos included."""
        return len(self.token_log_probs)

    @property
    def perplexity(self) -> float:
        """The perplexity of a token; infinite if it is too large for floating point."""
        mean = -self.log_prob / max(1, self.num_tokens)
        return math.exp(mean) if mean < 700 else math.inf


@dataclass(frozen=True, slots=True)
class TokenPrediction:
    """What a model predicted where a token stands.

    Attributes:
        token_id: the token that stands there.
        log_prob: the natural logarithm of its probability.
        rank: its rank among all ids, from 1.
        entropy: of the distribution, in nats.
        top: the most probable ids with their log-probabilities, best first.
        context: the number of tokens before it that the prediction depends on.
    """

    token_id: int
    log_prob: float
    rank: int
    entropy: float
    top: tuple[tuple[int, float], ...]
    context: int = 0
