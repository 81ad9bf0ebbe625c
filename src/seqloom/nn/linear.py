"""Linear layers and maps. Without gradients each product uses the library that is faster for its number of rows."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from seqloom import machine

_FEW_ROWS = 32
"""With fewer rows MKL is as fast as oneDNN, unless the matrix is large."""

_LARGE = 2**18
"""A matrix with at least this many weights, such as an output matrix, is faster with oneDNN even for a single row."""


def multiply(
    x: Float[Tensor, "*rows features_in"], weight: Float[Tensor, "features_out features_in"], bias: Tensor | None = None
) -> Float[Tensor, "*rows features_out"]:
    """x @ weight.T + bias, as `F.linear`; without gradients by the faster library.

    torch has one setting for all products that chooses the library, but its oneDNN operation can be called directly. Microseconds
    measured on one thread of an AMD Zen 5, oneDNN and MKL: 320 rows of 128 to 384 features 139 and 310; 5 rows of 128 to 6,000
    features 104 (58 with packed weights) and 171; 5 rows of 128 to 384 features 18 and 12.
    """
    if _suits_onednn(x, weight):
        return _by_onednn(x.reshape(-1, x.shape[-1]), weight, bias).view(*x.shape[:-1], -1)
    return F.linear(x, weight, bias)


def multiply_and_add(
    added: Float[Tensor, "rows features_out"],
    x: Float[Tensor, "rows features_in"],
    weight: Float[Tensor, "features_out features_in"],
) -> Float[Tensor, "rows features_out"]:
    """added + x @ weight.T, by the library that `multiply` would choose."""
    if _suits_onednn(x, weight):
        return _by_onednn(x, weight, None).add_(added)
    return torch.addmm(added, x, weight.t())


class Linear(nn.Linear):
    """torch's linear layer, computed by `multiply`."""

    def forward(self, x: Float[Tensor, "*rows features_in"]) -> Float[Tensor, "*rows features_out"]:
        """x @ weight.T + bias."""
        return multiply(x, self.weight, self.bias)


class LinearMap:
    """Several linear maps of the same input as one product: a snapshot of their weights, stored for both libraries."""

    def __init__(self, maps: Sequence[tuple[Tensor, Tensor | None]], *, relu: bool = False) -> None:
        """Concatenates the maps.

        Args:
            maps: (weight, bias) pairs, (features out, features in) and (features out,).
            relu: whether a ReLU follows.
        """
        self.weight = torch.cat([weight for weight, _ in maps]).detach()
        self.bias = torch.cat([w.new_zeros(w.shape[0]) if b is None else b for w, b in maps]).detach()
        self.relu = relu
        # The same matrix with the memory layout that is fast as the right operand.
        self._right = self.weight.t().contiguous().t()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(self.weight) if _fits(self.weight) else None

    def __call__(self, x: Float[Tensor, "*rows features_in"]) -> Float[Tensor, "*rows features_out"]:
        """The outputs of the maps, concatenated along the last axis."""
        if self._packed is not None and _is_quicker(self.weight, x.shape[:-1].numel()):
            flat = _by_onednn(x.reshape(-1, x.shape[-1]), self._packed, self.bias, "relu" if self.relu else "none")
            return flat.view(*x.shape[:-1], -1)
        values = F.linear(x, self._right, self.bias)
        return values.relu_() if self.relu else values


def _fits(weight: Tensor) -> bool:
    """Whether oneDNN can compute the product and is faster on this processor."""
    return machine.prefers_onednn() and weight.device.type == "cpu" and weight.dtype == torch.float32


def _suits_onednn(x: Tensor, weight: Tensor) -> bool:
    if torch.is_grad_enabled() or not _fits(weight) or x.dtype != weight.dtype:
        return False
    return _is_quicker(weight, x.shape[:-1].numel())


def _is_quicker(weight: Tensor, rows: int) -> bool:
    return rows >= (1 if weight.numel() >= _LARGE else _FEW_ROWS)


def _by_onednn(x: Tensor, weight: Tensor, bias: Tensor | None, kind: str = "none") -> Tensor:
    """The product by oneDNN.

    oneDNN prepares a kernel for each new number of rows, which takes longer than the product (0.3 to 0.8 milliseconds). So the rows
    are padded to a power of two, or to a multiple of 32.
    """
    rows = x.shape[0]
    padded = -(-rows // _FEW_ROWS) * _FEW_ROWS if rows > _FEW_ROWS else 1 << (rows - 1).bit_length()
    if padded > rows:
        x = F.pad(x, (0, 0, 0, padded - rows))
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, kind, [], "")
    return product[:rows]
