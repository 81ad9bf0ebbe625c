"""Packing: the real tokens of a padded batch in the order in which a recurrent layer reads them, without padding.

The rows are sorted by length, longest first. All first tokens come first, then all second tokens, and so on. So the tokens of a
step are a slice, later steps have fewer rows, and no step needs a mask.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable


class _GatherRows(torch.autograd.Function):
    """Gathers the rows of a matrix at the positions in `index`.

    No position occurs twice, so the backward pass copies gradients and need not add them up.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.size = rows.shape[0]
        return rows.index_select(0, index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        return grad.new_zeros(ctx.size, *grad.shape[1:]).index_copy_(0, index, grad), None


class _ScatterRows(torch.autograd.Function):
    """The inverse of `_GatherRows`: writes rows to their positions in a matrix of zeros."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(index)
        return rows.new_zeros(size, *rows.shape[1:]).index_copy_(0, index, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return grad.index_select(0, index), None, None


@dataclass(frozen=True, slots=True)
class Packing:
    """The order of the packed tokens of a batch.

    Attributes:
        shape: rows and padded length of the batch.
        rows_per_step: the number of rows at each step; later steps never have more rows.
        flat_index: for each packed token its position in the flattened batch; None if the batch has no padding.
        order: the rows sorted by length, longest first; None if the batch has no padding.
    """

    shape: tuple[int, int]
    rows_per_step: list[int]
    flat_index: Int[Tensor, "tokens"] | None = None
    order: Int[Tensor, "batch"] | None = None

    @classmethod
    def of(cls, shape: tuple[int, int], mask: Bool[Tensor, "batch length"] | None) -> "Packing":
        """The packing of a batch.

        Args:
            shape: rows and padded length.
            mask: True at a real token; padding is on the right. None if there is no padding.
        """
        if mask is None or bool(mask.all()):
            return cls(shape, [shape[0]] * shape[1])
        order = mask.sum(dim=1).argsort(descending=True, stable=True)
        mask_by_step = mask[order].t()
        step, row = mask_by_step.nonzero(as_tuple=True)
        return cls(shape, mask_by_step.sum(dim=1).tolist(), order[row] * shape[1] + step, order)

    def pack(self, x: Float[Tensor, "batch length dim"]) -> Float[Tensor, "tokens dim"]:
        """The vectors of the real tokens, in packed order."""
        if self.flat_index is None:
            return x.transpose(0, 1).flatten(0, 1)
        packed: Tensor = _GatherRows.apply(x.flatten(0, 1), self.flat_index)
        return packed

    def unpack(self, tokens: Float[Tensor, "tokens dim"]) -> Float[Tensor, "batch length dim"]:
        """The inverse of `pack`: the padded batch, with zeros at its padding."""
        batch, length = self.shape
        if self.flat_index is None:
            return tokens.unflatten(0, (length, batch)).transpose(0, 1)
        padded: Tensor = _ScatterRows.apply(tokens, self.flat_index, batch * length)
        return padded.unflatten(0, (batch, length))

    def sort(self, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Sorts the rows of a state by length, longest first."""
        return state if self.order is None else tuple(_GatherRows.apply(part, self.order) for part in state)

    def restore(self, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The inverse of `sort`."""
        order = self.order
        return state if order is None else tuple(_ScatterRows.apply(part, order, self.shape[0]) for part in state)
