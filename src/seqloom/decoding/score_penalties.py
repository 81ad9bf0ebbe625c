"""Score penalties: logits -> logits, lower for ids that came before. Greedy search and sampling use them.

They change which ids are chosen. Reported log-probabilities stay the model's own. They see how often each id came, and no text,
model or order of ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.decoding.settings import DecodingSettings


@dataclass(frozen=True, slots=True)
class ScorePenalties:
    """Penalties for ids that came before. The result for a row does not depend on the other rows.

    Attributes:
        repetition: divides the positive logits of ids in the prompt or the output, and multiplies negative ones (Keskar 2019,
            section 4.1; the paper divides all, but a negative logit would then become more probable). 1 changes nothing.
        frequency: is subtracted from the logit of an id for each time it is in the output (the definition of OpenAI's API). 0
            changes nothing; a negative value favours repetition.
    """

    repetition: float = 1.0
    frequency: float = 0.0

    @classmethod
    def of(cls, settings: DecodingSettings) -> "ScorePenalties | None":
        """The penalties of decoding settings; None if they change nothing."""
        penalties = cls(settings.repetition_penalty, settings.frequency_penalty)
        return None if penalties == cls() else penalties

    def apply(
        self,
        logits: Float[Tensor, "rows vocab"],
        in_output: Int[Tensor, "rows vocab"],
        in_prompt: Int[Tensor, "#rows #vocab"],
    ) -> Float[Tensor, "rows vocab"]:
        """New logits, first with the repetition penalty, then with the frequency penalty.

        Args:
            logits: those of the model; log-probabilities if it has no output matrix, as an n-gram model or an ensemble.
            in_output: how often each id is in the output so far.
            in_prompt: how often it is in the prompt.
        """
        scaled = torch.where(logits > 0, logits / self.repetition, logits * self.repetition)
        logits = torch.where(in_output + in_prompt > 0, scaled, logits)
        return logits - self.frequency * in_output.to(logits.dtype)


def count_ids(rows: Sequence[Sequence[int]], size: int, device: torch.device) -> Int[Tensor, "rows vocab"]:
    """How often each id below `size` is in each row."""
    counts = torch.zeros(len(rows), size, dtype=torch.int64, device=device)
    for counted_row, ids in zip(counts, rows, strict=True):
        index = torch.tensor(list(ids), dtype=torch.int64, device=device)
        counted_row.scatter_add_(0, index, torch.ones_like(index))
    return counts
