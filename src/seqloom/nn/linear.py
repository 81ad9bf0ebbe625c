"""Linear layers and maps; where no gradient is wanted, each product by the library that is quicker for so many rows."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from seqloom import machine

_FEW_ROWS = 32
"""Below, MKL is as quick as oneDNN, unless the matrix is large."""

_LARGE = 2**18
"""Weights of an output matrix, say, which oneDNN passes over faster even for a single row."""


def multiply(
    x: Float[Tensor, "*rows features_in"], weight: Float[Tensor, "features_out features_in"], bias: Tensor | None = None
) -> Float[Tensor, "*rows features_out"]:
    """x @ weight.T + bias, as `F.linear`; where no gradient is wanted, by the quicker library.

    torch has one setting for all products that says which library multiplies, but its oneDNN map can be called by itself. Measured
    on one thread of an AMD Zen 5, 320 rows of 128 to 384 features: 139 microseconds by oneDNN, 310 by MKL; 5 rows to 6,000: 104
    (58 with the weights packed beforehand) and 171; 5 rows to 384: 18 and 12.
    """
    if _suits_onednn(x, weight):
        return _by_onednn(x.reshape(-1, x.shape[-1]), weight, bias).view(*x.shape[:-1], -1)
    return F.linear(x, weight, bias)


def multiply_and_add(
    added: Float[Tensor, "rows features_out"],
    x: Float[Tensor, "rows features_in"],
    weight: Float[Tensor, "features_out features_in"],
) -> Float[Tensor, "rows features_out"]:
    """added + x @ weight.T, by the same choice."""
    if _suits_onednn(x, weight):
        return _by_onednn(x, weight, None).add_(added)
    return torch.addmm(added, x, weight.t())


class Linear(nn.Linear):
    """torch's linear layer, multiplied by `multiply`."""

    def forward(self, x: Float[Tensor, "*rows features_in"]) -> Float[Tensor, "*rows features_out"]:
        """The layer's values."""
        return multiply(x, self.weight, self.bias)


class LinearMap:
    """Maps of the same input as one product: a snapshot of their weights, laid out for both libraries."""

    def __init__(self, maps: Sequence[tuple[Tensor, Tensor | None]], *, relu: bool = False) -> None:
        """Joins maps.

        Args:
            maps: (weight, bias) pairs, (features out, features in) and (features out,).
            relu: whether what leaves is rectified.
        """
        self.weight = torch.cat([weight for weight, _ in maps]).detach()
        self.bias = torch.cat([w.new_zeros(w.shape[0]) if b is None else b for w, b in maps]).detach()
        self.relu = relu
        # The same matrix, in memory as the right side of the product needs it.
        self._right = self.weight.t().contiguous().t()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(self.weight) if _fits(self.weight) else None

    def __call__(self, x: Float[Tensor, "*rows features_in"]) -> Float[Tensor, "*rows features_out"]:
        """The maps' values, next to each other."""
        if self._packed is not None and _is_quicker(self.weight, x.shape[:-1].numel()):
            flat = _by_onednn(x.reshape(-1, x.shape[-1]), self._packed, self.bias, "relu" if self.relu else "none")
            return flat.view(*x.shape[:-1], -1)
        values = F.linear(x, self._right, self.bias)
        return values.relu_() if self.relu else values


def _fits(weight: Tensor) -> bool:
    """Whether oneDNN may take the product, on a processor where that pays."""
    return machine.prefers_onednn() and weight.device.type == "cpu" and weight.dtype == torch.float32


def _suits_onednn(x: Tensor, weight: Tensor) -> bool:
    if torch.is_grad_enabled() or not _fits(weight) or x.dtype != weight.dtype:
        return False
    return _is_quicker(weight, x.shape[:-1].numel())


def _is_quicker(weight: Tensor, rows: int) -> bool:
    return rows >= (1 if weight.numel() >= _LARGE else _FEW_ROWS)


def _by_onednn(x: Tensor, weight: Tensor, bias: Tensor | None, kind: str = "none") -> Tensor:
    """The product by oneDNN.

    It prepares each number of rows when that first comes, which costs more than a product (0.3 to 0.8 milliseconds); so rows are
    filled up to powers of two and multiples of 32.
    """
    rows = x.shape[0]
    filled = -(-rows // _FEW_ROWS) * _FEW_ROWS if rows > _FEW_ROWS else 1 << (rows - 1).bit_length()
    if filled > rows:
        x = F.pad(x, (0, 0, 0, filled - rows))
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, kind, [], "")
    return product[:rows]
