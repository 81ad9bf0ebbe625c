"""Cross-entropy of a linear layer's outputs from hidden states and target ids, without the whole matrix of logits in memory.

A pure function of tensors. It does not know models or batches.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

# Rows of logits that are computed together: 512 rows of 10,000 logits are 20 MB, about the size of a processor's last cache.
BLOCK_ROWS = 512
# If the target's probability is below this, its logarithm is computed from the logits: the probability may be rounded to 0.
_RARE = 1e-30


class _LinearCrossEntropy(torch.autograd.Function):
    """Matrix product, softmax and cross-entropy in blocks of rows; the gradient overwrites the logits of a block.

    The whole matrix of logits (tokens x vocabulary) never exists, and only the softmax reads a block of it. Label smoothing adds
    the same amount for every id. So its part of the loss is a product with the mean row of the weights, and its part of the
    gradients has rank one; neither needs the block.

    The forward pass computes the gradients, and the backward pass only scales them. So this function must be the last node of the
    graph, apart from sums of losses.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        row_weights: Tensor | None,
        smoothing: float,
        wanted: bool,
    ) -> tuple[Tensor, Tensor]:
        size = weight.shape[0]
        matrix = weight.to(hidden.dtype)
        offset = None if bias is None else bias.to(hidden.dtype)
        nll = hidden.new_zeros((), dtype=torch.float32)
        uniform = hidden.new_zeros((), dtype=torch.float32)
        grad_hidden = torch.empty_like(hidden) if wanted else None
        grad_weight = torch.zeros_like(weight) if wanted else None
        grad_bias = torch.zeros_like(bias) if wanted and bias is not None else None
        # The mean of a row of logits over the vocabulary is the product of the hidden state with the mean row of the weights.
        mean_weight = weight.mean(dim=0)
        mean_bias = 0.0 if bias is None else bias.mean()
        for at in range(0, hidden.shape[0], BLOCK_ROWS):
            rows = hidden[at : at + BLOCK_ROWS]
            ids = targets[at : at + BLOCK_ROWS, None]
            logits = F.linear(rows, matrix, offset)
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            chosen = logits.gather(1, ids)
            probs = torch.softmax(logits, dim=1, out=logits)
            chosen_probs = probs.gather(1, ids)
            log_norm = chosen - chosen_probs.log()
            rare = (chosen_probs < _RARE)[:, 0].nonzero()[:, 0]
            if rare.numel():
                log_norm[rare] = F.linear(rows[rare], matrix, offset).to(chosen.dtype).logsumexp(dim=1, keepdim=True)
            weights = None if row_weights is None else row_weights[at : at + BLOCK_ROWS]
            nll += _weighted_sum(log_norm[:, 0] - chosen[:, 0], weights)
            if smoothing:
                uniform += _weighted_sum(log_norm[:, 0] - (rows.to(weight.dtype) @ mean_weight + mean_bias), weights)
            if grad_hidden is None or grad_weight is None:
                continue
            probs.scatter_add_(1, ids, probs.new_full((), -(1 - smoothing)).expand(ids.shape))
            if weights is not None:
                probs *= weights[:, None]
            grad = probs.to(rows.dtype)
            torch.mm(grad, matrix, out=grad_hidden[at : at + BLOCK_ROWS])
            if matrix.dtype == weight.dtype:
                grad_weight.addmm_(grad.t(), rows)
            else:
                # Sums over blocks have the precision of the weights.
                grad_weight += grad.t() @ rows
            if grad_bias is not None:
                grad_bias += probs.sum(dim=0)
        if grad_hidden is not None and grad_weight is not None:
            if smoothing and row_weights is None:
                grad_hidden.sub_(smoothing * mean_weight)
                grad_weight.sub_(smoothing / size * hidden.sum(dim=0, dtype=weight.dtype))
                if grad_bias is not None:
                    grad_bias -= smoothing / size * hidden.shape[0]
            elif smoothing and row_weights is not None:
                grad_hidden.sub_((smoothing * row_weights[:, None] * mean_weight).to(hidden.dtype))
                grad_weight.sub_(smoothing / size * (row_weights.to(weight.dtype) @ hidden.to(weight.dtype)))
                if grad_bias is not None:
                    grad_bias -= smoothing / size * row_weights.sum()
            ctx.save_for_backward(grad_hidden, grad_weight, *([] if grad_bias is None else [grad_bias]))
        ctx.mark_non_differentiable(nll)
        return (1 - smoothing) * nll + smoothing * uniform if smoothing else nll.clone(), nll

    @staticmethod
    def backward(ctx: Any, grad_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_weight, *rest = ctx.saved_tensors
        grad_bias = rest[0] * grad_loss if rest else None
        return grad_hidden * grad_loss, grad_weight * grad_loss, grad_bias, None, None, None, None


def _weighted_sum(values: Tensor, weights: Tensor | None) -> Tensor:
    return values.sum() if weights is None else (values * weights).sum()


def linear_cross_entropy(
    hidden: Float[Tensor, "tokens d_model"],
    weight: Float[Tensor, "vocab d_model"],
    bias: Float[Tensor, "vocab"] | None,
    targets: Int[Tensor, "tokens"],
    *,
    label_smoothing: float = 0.0,
    row_weights: Float[Tensor, "tokens"] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Cross-entropy of softmax(hidden @ weight.T + bias) against the targets, summed over real tokens.

    Args:
        hidden: hidden states; their precision is that of the matrix products. Sums, the softmax and the gradient of the weights
                have the precision of the weights.
        label_smoothing: the share of the target's probability that is spread evenly over the vocabulary (Szegedy 2016; Vaswani
            2017, section 5.4).
        row_weights: the weight of each token in the sums; None: 1.

    Returns:
        The loss to minimise, and the negative log-likelihood in nats without smoothing, for logs only.
    """
    # Inside the autograd function gradients are always off, so whether they are needed is checked here.
    wanted = torch.is_grad_enabled()
    loss, nll = _LinearCrossEntropy.apply(hidden, weight, bias, targets, row_weights, label_smoothing, wanted)
    return loss, nll
