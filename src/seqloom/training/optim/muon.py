"""Muon: momentum whose update of each matrix is made orthogonal (Jordan 2024), all matrices of one shape at once.

Gradients enter, weights are changed. torch has a Muon too, which orthogonalises one matrix after the other, and always in bf16: on
a processor without bf16 units that costs more than the rest of the step.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

# Coefficients of the quintic iteration (Jordan 2024): they bring singular values near 1 fast, not exactly.
_QUINTIC = (3.4445, -4.7750, 2.0315)
# The update's root mean square is made that of AdamW's (Liu 2025, equation 4), so that one learning rate fits both.
_ADAMW_RMS = 0.2


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay, for matrices between layers.

    Args:
        momentum: the share of the old direction that is kept.
        iterations: how often the quintic is applied.
        dtype: what the iteration computes in; by default the matrices' own. bf16 will do (Jordan 2024 computes so), since
            singular values come near 1 only.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        iterations: int = 5,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            list(matrices),
            {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "iterations": iterations},
        )
        self._dtype = dtype
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.ndim != 2:
                    raise ValueError(f"Muon takes matrices, not a tensor of shape {tuple(matrix.shape)}")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Makes one update."""
        if closure is not None:
            raise ValueError("Muon takes no closure: compute the gradients first")
        for group in self.param_groups:
            shapes: dict[tuple[int, ...], list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes.setdefault(tuple(matrix.shape), []).append(matrix)
            for matrices in shapes.values():
                self._update(matrices, group)

    def _update(self, matrices: list[Tensor], group: dict[str, Any]) -> None:
        gradients, buffers = [], []
        for matrix in matrices:
            assert matrix.grad is not None
            gradients.append(matrix.grad)
            state = self.state[matrix]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(matrix)
            buffers.append(state["momentum"])
        momentum = group["momentum"]
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        directions = torch.stack(torch._foreach_lerp(gradients, buffers, momentum))
        rows, columns = directions.shape[1:]
        computed = orthogonalise(directions.to(self._dtype or directions.dtype), group["iterations"])
        updates = computed.to(directions.dtype)
        torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(matrices, updates.unbind(), alpha=-group["lr"] * _ADAMW_RMS * max(rows, columns) ** 0.5)


def orthogonalise(matrices: Float[Tensor, "num rows columns"], iterations: int) -> Float[Tensor, "num rows columns"]:
    """Brings all singular values of each matrix near 1, between about 0.7 and 1.2, and leaves its singular vectors."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(iterations):
        gram = x @ x.mT
        # a x + (b gram + c gram gram) x
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
