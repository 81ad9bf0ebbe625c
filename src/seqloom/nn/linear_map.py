"""LinearMap: linear maps whose weights do not change any more, multiplied by the library that is quicker for so many rows."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from seqloom import machine

_FEW_ROWS = 32
"""Below, MKL is as quick as oneDNN, unless the matrix is large."""

_LARGE = 2**18
"""Weights of an output matrix, say, which oneDNN passes over three times as fast even for a single row (see `LinearMap`)."""


class LinearMap:
    """Maps of the same input as one product, for generation: a snapshot of their weights, laid out beforehand.

    torch has one setting for all products that says which library multiplies, but its oneDNN map can be called by itself. Measured
    on one thread of an AMD Zen 5, 320 rows of 128 to 384 features: 139 microseconds by oneDNN, 310 by MKL; 5 rows to 6,000: 58 and
    171; 5 rows to 384: 15 and 12. oneDNN prepares each number of rows when it first comes, which costs more than a product (0.3
    to 0.8 milliseconds), so rows are filled up to few numbers.
    """

    def __init__(self, maps: Sequence[tuple[Tensor, Tensor | None]], *, relu: bool = False) -> None:
        """Joins maps.

        Args:
            maps: (weight, bias) pairs, (features out, features in) and (features out,).
            relu: whether what leaves is rectified.
        """
        weight = torch.cat([weight for weight, _ in maps]).detach()
        self.bias = torch.cat([w.new_zeros(w.shape[0]) if b is None else b for w, b in maps]).detach()
        # The weights ready on the right of the product.
        self.weight = weight.t().contiguous()
        self.relu = relu
        self._few = 0 if weight.numel() >= _LARGE else _FEW_ROWS
        fitting = weight.device.type == "cpu" and weight.dtype == torch.float32
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight) if fitting and machine.prefers_onednn() else None

    def __call__(self, x: Float[Tensor, "rows features_in"]) -> Float[Tensor, "rows features_out"]:
        """The maps' values, next to each other."""
        rows = x.shape[0]
        if self._packed is not None and rows >= max(1, self._few):
            filled = F.pad(x, (0, 0, 0, missing)) if (missing := _filled(rows) - rows) else x
            kind = "relu" if self.relu else "none"
            found: Tensor = torch.ops.mkldnn._linear_pointwise(filled, self._packed, self.bias, kind, [], "")
            return found[:rows]
        found = torch.addmm(self.bias, x, self.weight)
        return found.relu_() if self.relu else found


def _filled(rows: int) -> int:
    """Powers of two, then multiples of 32: one number for all that are near."""
    return -(-rows // _FEW_ROWS) * _FEW_ROWS if rows > _FEW_ROWS else 1 << (rows - 1).bit_length()
