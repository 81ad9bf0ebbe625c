"""The contract of objectives: (model, batch) -> Loss. The training loop uses only this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from jaxtyping import Float, Num
from torch import Tensor

from seqloom.data.batching import PairBatch
from seqloom.models.base import Model


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a batch.

    It holds sums, not means: an update may have several batches, and its gradient is divided by the weight of all of them.

    Attributes:
        sum: the quantity to minimise, summed over the batch with its loss weights.
        nll: the negative log-likelihood in nats, summed with the same weights; for logs only.
        weight: the sum of the loss weights; the number of real target tokens where each counts 1. It stays on the device.
        logs: further sums to log, by name.
    """

    sum: Float[Tensor, ""]
    nll: Float[Tensor, ""]
    weight: Num[Tensor, ""]
    logs: Mapping[str, Float[Tensor, ""]] = field(default_factory=dict)


class Objective(Protocol):
    """A function that training minimises."""

    def __call__(self, model: Model, batch: PairBatch) -> Loss:
        """The loss of a batch. Its weight must be the batch's (`PairBatch.weight`), known before the forward pass."""
