"""Readings: the numbers of each update (its loss, its gradient's norm), read off the device as seldom as may be.

Tensors enter, floats leave. On a CPU reading costs nothing and is done at once; an accelerator must finish all work before a
number can be read, so there numbers are kept until somebody needs them. This module does not know models or batches.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# After so many updates numbers are read anyway, so that a loss that is not a number is noticed.
_MOST_KEPT = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers of one update.

    Attributes:
        step: the update, from 1.
        nll: negative log-likelihood, summed over its tokens, in nats.
        norm: the gradient's norm.
        num_tokens: real target tokens.
        place: epoch and number of its last batch, for messages.
    """

    step: int
    nll: float
    norm: float
    num_tokens: int
    place: tuple[int, int]

    @property
    def is_finite(self) -> bool:
        """Whether loss and norm are numbers."""
        return math.isfinite(self.nll) and math.isfinite(self.norm)


class Readings:
    """Keeps the numbers of updates on their device until they are read.

    Args:
        device: where they lie; those on a CPU are due at once.
    """

    def __init__(self, device: torch.device) -> None:
        self._most = 1 if device.type == "cpu" else _MOST_KEPT
        self._kept: list[tuple[Sequence[Tensor], int, int, tuple[int, int]]] = []

    def add(self, step: int, nlls: Sequence[Tensor], norm: Tensor, num_tokens: int, place: tuple[int, int]) -> None:
        """Keeps the numbers of an update, without waiting for them.

        Args:
            nlls: of each of its batches.
        """
        self._kept.append(([*nlls, norm], step, num_tokens, place))

    @property
    def are_due(self) -> bool:
        """Whether it is time to read."""
        return len(self._kept) >= self._most

    def read(self) -> list[Reading]:
        """The numbers that were kept, in order, each once; waits for the device."""
        if not self._kept:
            return []
        kept, self._kept = self._kept, []
        # One copy for all of them.
        flat = iter(torch.stack([number.detach().float() for numbers, *_ in kept for number in numbers]).tolist())
        readings = []
        for numbers, step, num_tokens, place in kept:
            *nlls, norm = (next(flat) for _ in numbers)
            readings.append(Reading(step, sum(nlls), norm, num_tokens, place))
        return readings
