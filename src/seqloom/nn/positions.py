"""How a model is told where a token stands: sinusoidal, learned, rotary, ALiBi, or not at all.

Additive positions join the token embeddings; rotary positions turn queries and keys; ALiBi adds a bias to the attention scores.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

MOST_WAVES = 1 << 26
"""Numbers that sinusoidal positions may take: 256 MiB."""

PositionName = Literal["sinusoidal", "learned", "rotary", "alibi", "none"]


class AdditivePositions(nn.Module):
    """Position embeddings that are added to the token embeddings (Vaswani 2017, section 3.5), or nothing at all."""

    def __init__(self, name: PositionName, max_len: int, d_model: int) -> None:
        super().__init__()
        self.name = name
        if name == "learned":
            self.table = nn.Embedding(max_len, d_model)
            nn.init.normal_(self.table.weight, std=d_model**-0.5)
        elif name == "sinusoidal":
            self.register_buffer("waves", sinusoids(max_len, d_model), persistent=False)

    def forward(
        self, x: Float[Tensor, "batch length d_model"], positions: Int[Tensor, "#batch length"]
    ) -> Float[Tensor, "batch length d_model"]:
        """Adds each token's position, which counts from 0."""
        if self.name == "learned":
            return x + self.table(positions)
        if self.name == "sinusoidal":
            waves: Tensor = self.get_buffer("waves")
            return x + waves[positions].to(x.dtype)
        return x


def sinusoids(max_len: int, d_model: int) -> Float[Tensor, "length d_model"]:
    """Sines in the first half of the width, cosines in the second; wavelengths from 2 pi to 10,000 * 2 pi.

    The paper interleaves the two; a fixed permutation of the width changes nothing for a trained model, and the halves are what
    other libraries read (Marian's layout).
    """
    half = (d_model + 1) // 2
    # On the CPU also where a model is outlined on the meta device: weights do not bring them.
    rates = torch.exp(torch.arange(half, dtype=torch.float64, device="cpu") * (-math.log(10_000.0) / (d_model / 2)))
    angles = torch.arange(max_len, dtype=torch.float64, device="cpu")[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()[:, : d_model // 2]], dim=1).float()


Rotation = tuple[Float[Tensor, "#batch 1 length half"], Float[Tensor, "#batch 1 length half"]]
"""Cosines and sines of the angles by which rotary positions turn the pairs of features of a head."""


def rotary_angles(positions: Int[Tensor, "#batch length"], head_dim: int, base: float = 10_000.0) -> Rotation:
    """The angles of rotary positions (Su 2021): they grow with the position, more slowly for each next pair of features.

    Args:
        base: the ratio of the largest wavelength to the smallest.
    """
    half = head_dim // 2
    rates = base ** (-torch.arange(half, device=positions.device, dtype=torch.float32) / half)
    angles = positions[:, None, :, None].to(torch.float32) * rates
    return angles.cos(), angles.sin()


def rotate(
    x: Float[Tensor, "batch num_heads length head_dim"], angles: Rotation
) -> Float[Tensor, "batch num_heads length head_dim"]:
    """Turns pairs of features: the first half of a head holds their first members, the second half their second members."""
    cos, sin = angles[0].to(x.dtype), angles[1].to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def alibi_bias(
    query_positions: Int[Tensor, "#batch query_len"], key_positions: Int[Tensor, "#batch key_len"], num_heads: int
) -> Float[Tensor, "#batch num_heads query_len key_len"]:
    """ALiBi (Press 2022): a penalty proportional to the distance, with a slope of its own for each head."""
    slopes = 2.0 ** (-8.0 * torch.arange(1, num_heads + 1, device=query_positions.device) / num_heads)
    distance = (query_positions[:, None, :, None] - key_positions[:, None, None, :]).abs()
    return -slopes[:, None, None] * distance
