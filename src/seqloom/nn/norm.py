"""Normalisation by name."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

NormName = Literal["layer", "rms"]


class RMSNorm(nn.RMSNorm):
    """RMSNorm (Zhang & Sennrich 2019) that computes in the precision of its weights, also where autocast hands it bf16."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """Divides by the root mean square over the last axis."""
        return super().forward(x.to(self.weight.dtype))


def make_norm(name: NormName, width: int) -> nn.Module:
    """LayerNorm (Ba 2016) or RMSNorm over the last axis."""
    return nn.LayerNorm(width) if name == "layer" else RMSNorm(width)
