"""MetricBuffer: loss and gradient norm of each update, read from the device as rarely as possible.

It turns tensors into floats. On a CPU, reading costs nothing and is done at once. An accelerator must finish all work before a
number can be read, so there the numbers stay on the device until they are needed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seqloom.training.data_schedule import Cursor
from seqloom.training.distributed import World

# After this number of updates the numbers are read in any case, so that a loss that is not finite is noticed.
_MAX_KEPT = 20


@dataclass(frozen=True, slots=True)
class UpdateMetrics:
    """The numbers of one update.

    Attributes:
        step: the update, from 1.
        nll: negative log-likelihood, the weighted sum over its tokens, in nats.
        norm: the gradient's norm.
        weight: the sum of the loss weights; the number of real target tokens if each has the weight 1.
        cursor: the position in the data schedule after its last batch, for messages.
    """

    step: int
    nll: float
    norm: float
    weight: float
    cursor: Cursor

    @property
    def is_finite(self) -> bool:
        """Whether loss and norm are finite."""
        return math.isfinite(self.nll) and math.isfinite(self.norm)


class MetricBuffer:
    """Keeps the numbers of updates on their device until they are read.

    Args:
        device: the device of the numbers; numbers on a CPU can be read at once.
        world: the processes that train together; `read` sums the losses over them.
    """

    def __init__(self, device: torch.device, world: World | None = None) -> None:
        self._world = world or World()
        self._max_kept = 1 if device.type == "cpu" else _MAX_KEPT
        self._kept: list[tuple[Sequence[Tensor], int, float, Cursor]] = []

    def add(self, step: int, nlls: Sequence[Tensor], norm: Tensor, weight: float, cursor: Cursor) -> None:
        """Stores the numbers of an update, without waiting for the device.

        Args:
            nlls: the negative log-likelihood of each of its batches.
        """
        self._kept.append(([*nlls, norm], step, weight, cursor))

    @property
    def is_due(self) -> bool:
        """Whether the numbers should be read now: always on a CPU, after enough updates on an accelerator."""
        return len(self._kept) >= self._max_kept

    def read(self) -> list[UpdateMetrics]:
        """Removes the stored numbers and returns them in order; waits for the device."""
        if not self._kept:
            return []
        kept, self._kept = self._kept, []
        # One copy for all of them.
        flat = iter(torch.stack([number.detach().float() for numbers, *_ in kept for number in numbers]).tolist())
        metrics = []
        for numbers, step, weight, cursor in kept:
            *own_nlls, norm = (next(flat) for _ in numbers)
            # Every micro-batch has its position, so that the sum is the same, to the bit, on any number of processes.
            nlls = [0.0] * (len(own_nlls) * self._world.size)
            nlls[self._world.rank :: self._world.size] = own_nlls
            nlls = self._world.sum(nlls)
            metrics.append(UpdateMetrics(step, sum(nlls), norm, weight, cursor))
        return metrics
