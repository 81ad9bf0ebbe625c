"""CrossEntropy: the negative log-likelihood of the targets, with label smoothing and weights for each position."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from seqloom.batching import PairBatch
from seqloom.models.base import Model
from seqloom.objectives.linear_cross_entropy import linear_cross_entropy
from seqloom.objectives.objective import Loss


@dataclass(frozen=True)
class CrossEntropy:
    """Teacher forcing: each target id is predicted from those before it.

    Attributes:
        label_smoothing: the share of the target's probability that is spread evenly over the vocabulary.
        precision: "fp32" or "bf16", of the matrix products.
    """

    label_smoothing: float = 0.0
    precision: str = "fp32"

    def __call__(self, model: Model, batch: PairBatch) -> Loss:
        """The loss, summed over the positions whose loss weight is not 0."""
        mixed: AbstractContextManager[Any] = nullcontext()
        if self.precision == "bf16":
            mixed = torch.autocast(batch.tgt_in.device.type, torch.bfloat16)
        with mixed:
            hidden = model(batch)
        weight, bias = model.output_weights()
        # Positions without weight are left out before the product with the vocabulary, which is half of a small model's work.
        weights = batch.loss_weights
        counted = batch.tgt_mask if weights is None else weights > 0
        loss, nll = linear_cross_entropy(
            hidden[counted].to(torch.bfloat16 if self.precision == "bf16" else weight.dtype),
            weight,
            bias,
            batch.tgt_out[counted],
            label_smoothing=self.label_smoothing,
            row_weights=None if weights is None else weights[counted],
        )
        return Loss(loss, nll, (batch.tgt_mask if weights is None else weights).sum())
