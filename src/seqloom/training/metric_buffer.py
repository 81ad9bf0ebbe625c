"""MetricBuffer: the numbers of each update (its loss, its gradient's norm), read from the device as seldom as possible.

Tensors enter, floats leave. On a CPU, reading costs nothing and is done at once. An accelerator must finish all work before a
number can be read, so there the numbers stay on the device until they are needed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seqloom.training.data_schedule import Cursor

# After so many updates numbers are read anyway, so that a loss that is not a number is noticed.
_MAX_KEPT = 20


@dataclass(frozen=True, slots=True)
class UpdateMetrics:
    """The numbers of one update.

    Attributes:
        step: the update, from 1.
        nll: negative log-likelihood, the weighted sum over its tokens, in nats.
        norm: the gradient's norm.
        weight: the sum of the loss weights: the real target tokens where all weigh the same.
        cursor: where the data schedule stood after its last batch, for messages.
    """

    step: int
    nll: float
    norm: float
    weight: float
    cursor: Cursor

    @property
    def is_finite(self) -> bool:
        """Whether loss and norm are numbers."""
        return math.isfinite(self.nll) and math.isfinite(self.norm)


class MetricBuffer:
    """Keeps the numbers of updates on their device until they are read.

    Args:
        device: where they are; those on a CPU are due at once.
    """

    def __init__(self, device: torch.device) -> None:
        self._max_kept = 1 if device.type == "cpu" else _MAX_KEPT
        self._kept: list[tuple[Sequence[Tensor], int, float, Cursor]] = []

    def add(self, step: int, nlls: Sequence[Tensor], norm: Tensor, weight: float, cursor: Cursor) -> None:
        """Keeps the numbers of an update, without waiting for them.

        Args:
            nlls: of each of its batches.
        """
        self._kept.append(([*nlls, norm], step, weight, cursor))

    @property
    def is_due(self) -> bool:
        """Whether it is time to read."""
        return len(self._kept) >= self._max_kept

    def read(self) -> list[UpdateMetrics]:
        """The numbers that were kept, in order, each once; waits for the device."""
        if not self._kept:
            return []
        kept, self._kept = self._kept, []
        # One copy for all of them.
        flat = iter(torch.stack([number.detach().float() for numbers, *_ in kept for number in numbers]).tolist())
        metrics = []
        for numbers, step, weight, cursor in kept:
            *nlls, norm = (next(flat) for _ in numbers)
            metrics.append(UpdateMetrics(step, sum(nlls), norm, weight, cursor))
        return metrics
