"""Normalisation by name."""

from typing import Literal

from torch import nn

NormName = Literal["layer", "rms"]


def make_norm(name: NormName, width: int) -> nn.Module:
    """LayerNorm (Ba 2016) or RMSNorm (Zhang & Sennrich 2019) over the last axis."""
    return nn.LayerNorm(width) if name == "layer" else nn.RMSNorm(width, eps=1e-6)
