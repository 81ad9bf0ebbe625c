"""Layer normalisation and RMSNorm, chosen by name."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

NormName = Literal["layer", "rms"]


class RMSNorm(nn.RMSNorm):
    """RMSNorm (Zhang & Sennrich 2019) that computes in the precision of its weights, even if autocast passes bf16."""

    def __init__(self, width: int, eps: float | None = None) -> None:
        super().__init__(width, eps=1e-6 if eps is None else eps)

    def forward(self, x: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """Divides by the root mean square over the last axis."""
        x = x.to(self.weight.dtype)
        if x.device.type == "cpu":
            normed: Tensor = _RootMeanSquare.apply(x, self.weight, self.eps)
            return normed
        return super().forward(x)


class _RootMeanSquare(torch.autograd.Function):
    """RMSNorm for CPUs, with a gradient written by hand. torch uses several small operations there and is four times slower."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        inverse = norm.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
        unit = x * inverse
        ctx.save_for_backward(unit, inverse, weight)
        return unit * weight

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        unit, inverse, weight = ctx.saved_tensors
        # Gradients of heads have another memory layout than `unit`. One copy is faster than operations on two layouts.
        grad = grad.contiguous()
        weight_terms = grad * unit
        # The length of `unit` is constant, so the part of the gradient along `unit` is removed.
        projection = (weight_terms @ weight).div_(-len(weight)).unsqueeze(-1)
        grad_x = torch.addcmul(grad * weight, unit, projection).mul_(inverse)
        return grad_x, weight_terms.view(-1, len(weight)).sum(dim=0), None


def make_norm(name: NormName, width: int, *, eps: float | None = None, bias: bool = True) -> nn.Module:
    """LayerNorm (Ba 2016) or RMSNorm over the last axis.

    Args:
        eps: added to the variance or mean square; None for 1e-5 (LayerNorm) and 1e-6 (RMSNorm).
        bias: whether a LayerNorm has a bias; RMSNorm never has one.
    """
    if name == "rms":
        return RMSNorm(width, eps)
    return nn.LayerNorm(width, eps=1e-5 if eps is None else eps, bias=bias)


def norm_function(norm: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A norm for generation: a function with a snapshot of the weights, which is cheaper to call than a module."""
    if isinstance(norm, RMSNorm):
        return partial(root_mean_square_norm, weight=norm.weight.detach(), eps=norm.eps)
    if not isinstance(norm, nn.LayerNorm):
        return norm
    shape, weight, bias, eps = list(norm.normalized_shape), norm.weight, norm.bias, norm.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, eps)


def root_mean_square_norm(
    x: Float[Tensor, "*rows width"], weight: Float[Tensor, "width"] | None, eps: float | None
) -> Float[Tensor, "*rows width"]:
    """RMSNorm as a function: half as expensive to call as the module, which computes a gradient."""
    return torch.rms_norm(x, x.shape[-1:], weight, eps)
