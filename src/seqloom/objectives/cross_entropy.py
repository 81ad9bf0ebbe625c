"""CrossEntropy: the negative log-likelihood of the targets, with label smoothing and weights for each position."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.data.batching import PairBatch
from seqloom.models.base import Model
from seqloom.objectives.linear_cross_entropy import linear_cross_entropy
from seqloom.objectives.objective import Loss


@dataclass(frozen=True)
class CrossEntropy:
    """Teacher forcing: each target id is predicted from those before it.

    Attributes:
        label_smoothing: the share of the target's probability that is spread evenly over the vocabulary.
        precision: the precision of the matrix products, "fp32" or "bf16".
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
        # Padding and positions of weight 0 are left out before the product with the output matrix, half of a small model's work.
        weights = batch.loss_weights
        counted = batch.tgt_mask if weights is None else weights > 0
        row_weights = None if weights is None else weights[counted]
        total = (batch.tgt_mask if weights is None else weights).sum()
        if not model.has_output_matrix:
            if not self.label_smoothing:
                row_nll = -model.target_log_probs(hidden[counted], batch.tgt_out[counted])
                nll = (row_nll if row_weights is None else row_nll * row_weights).sum()
                return Loss(nll, nll.detach(), total)
            log_probs = model.log_probs(hidden[counted])
            return Loss(
                *label_cross_entropy(log_probs, batch.tgt_out[counted], self.label_smoothing, row_weights), total
            )
        weight, bias = model.output_weights()
        loss, nll = linear_cross_entropy(
            hidden[counted].to(torch.bfloat16 if self.precision == "bf16" else weight.dtype),
            weight,
            bias,
            batch.tgt_out[counted],
            label_smoothing=self.label_smoothing,
            row_weights=row_weights,
        )
        return Loss(loss, nll, total)


def label_cross_entropy(
    log_probs: Float[Tensor, "tokens vocab"],
    targets: Int[Tensor, "tokens"],
    label_smoothing: float,
    row_weights: Float[Tensor, "tokens"] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Cross-entropy with label smoothing from log-probabilities, for models without an output matrix.

    Returns:
        The loss, and the negative log-likelihood in nats without smoothing, detached.
    """
    row_nll = -log_probs.gather(1, targets[:, None])[:, 0]
    row_loss = (1 - label_smoothing) * row_nll
    if label_smoothing:
        row_loss = row_loss - label_smoothing * log_probs.mean(dim=1)
    if row_weights is not None:
        row_loss, row_nll = row_loss * row_weights, row_nll * row_weights
    return row_loss.sum(), row_nll.detach().sum()
