"""Listening: what is written, position by position, while it is written; and a say in whether it goes on.

Ids and log-probabilities enter. It does not know text; `Generator.answer` makes text of what is heard.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Written:
    """One more position of the hypotheses that grow.

    Attributes:
        rows: (growing,), which hypotheses: the source, times hypotheses a source, plus which of them.
        ids: (growing,), the id that each of them got; eos where it ends.
        log_probs: (growing,), the model's own log-probability of that id.
        logits: (rows, vocab), the scores before any filter, also of hypotheses that do not grow.
        places: (growing,), the rows of `logits` that belong to `rows`.
    """

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]
    log_probs: NDArray[np.float64]
    logits: Float[Tensor, "rows vocab"]
    places: NDArray[np.int64]

    def likeliest(self, number: int, count: int) -> list[tuple[int, float]]:
        """The `count` likeliest ids at this position of one of the growing hypotheses, with their log-probabilities."""
        log_probs = self.logits[int(self.places[number])].log_softmax(dim=0)
        best = torch.topk(log_probs, min(count, log_probs.numel()))
        return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


Listener = Callable[[Written], NDArray[np.bool_]]
"""Says for each of the growing hypotheses whether it may go on; one that may not stays as it is, unfinished."""
