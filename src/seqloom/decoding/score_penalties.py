"""Score penalties: logits -> logits, lower for ids that came before. Greedy search and sampling use them.

They change which ids are chosen. Reported log-probabilities stay the model's own. They see how often each id came, and no text,
model or order of ids.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.decoding.settings import DecodingSettings


class ScorePenalty(Protocol):
    """A change of logits that depends on the ids so far. The result for a row must not depend on the other rows."""

    def __call__(
        self,
        logits: Float[Tensor, "rows vocab"],
        in_output: Int[Tensor, "rows vocab"],
        in_prompt: Int[Tensor, "#rows #vocab"],
    ) -> Float[Tensor, "rows vocab"]:
        """The changed logits; the input stays as it is.

        Args:
            logits: those of the model; log-probabilities if it has no output matrix, as an n-gram model or an ensemble.
            in_output: how often each id is in the output so far.
            in_prompt: how often it is in the prompt.
        """


class RepetitionPenalty:
    """Divides the positive logits of ids in the prompt or the output, and multiplies negative ones (Keskar 2019, section 4.1).

    The paper divides by the penalty. A negative logit is multiplied, or it would become more probable.
    """

    def __init__(self, penalty: float) -> None:
        """Takes the penalty; 1 changes nothing."""
        self._penalty = penalty

    def __call__(
        self,
        logits: Float[Tensor, "rows vocab"],
        in_output: Int[Tensor, "rows vocab"],
        in_prompt: Int[Tensor, "#rows #vocab"],
    ) -> Float[Tensor, "rows vocab"]:
        """See `ScorePenalty`."""
        changed = torch.where(logits > 0, logits / self._penalty, logits * self._penalty)
        return torch.where(in_output + in_prompt > 0, changed, logits)


class FrequencyPenalty:
    """Subtracts the penalty from the logit of an id for each time it is in the output (the definition of OpenAI's API)."""

    def __init__(self, penalty: float) -> None:
        """Takes the penalty; 0 changes nothing, and a negative one favours repetition."""
        self._penalty = penalty

    def __call__(
        self,
        logits: Float[Tensor, "rows vocab"],
        in_output: Int[Tensor, "rows vocab"],
        in_prompt: Int[Tensor, "#rows #vocab"],
    ) -> Float[Tensor, "rows vocab"]:
        """See `ScorePenalty`."""
        return logits - self._penalty * in_output.to(logits.dtype)


def score_penalties(settings: DecodingSettings) -> tuple[ScorePenalty, ...]:
    """The penalties that decoding settings ask for."""
    penalties: list[ScorePenalty] = []
    if settings.repetition_penalty != 1:
        penalties.append(RepetitionPenalty(settings.repetition_penalty))
    if settings.frequency_penalty:
        penalties.append(FrequencyPenalty(settings.frequency_penalty))
    return tuple(penalties)


def count_ids(rows: Sequence[Sequence[int]], size: int, device: torch.device) -> Int[Tensor, "rows vocab"]:
    """How often each id below `size` is in each row."""
    counts = torch.zeros(len(rows), size, dtype=torch.int64, device=device)
    for counted_row, ids in zip(counts, rows, strict=True):
        index = torch.tensor(list(ids), dtype=torch.int64, device=device)
        counted_row.scatter_add_(0, index, torch.ones_like(index))
    return counts
