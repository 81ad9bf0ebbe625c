"""Positions: sinusoidal, learned, rotary, ALiBi, relative, or none.

Sinusoidal and learned positions are added to the token embeddings. Rotary positions rotate queries and keys. ALiBi and relative
positions add a bias to the scores of self-attention.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

MAX_SINUSOIDS = 1 << 26
"""The largest number of elements of a table of sinusoidal positions: 256 MiB."""

PositionName = Literal["sinusoidal", "learned", "rotary", "alibi", "relative", "none"]

PositionBias = Callable[[Int[Tensor, "#batch query_len"], Int[Tensor, "#batch key_len"]], Float[Tensor, "..."]]
"""Positions of queries and keys -> the bias of their scores, (batch, num_heads, query_len, key_len)."""


class AdditivePositions(nn.Module):
    """Position embeddings that are added to token embeddings (Vaswani 2017, section 3.5); other kinds add nothing."""

    def __init__(self, name: PositionName, max_len: int, d_model: int) -> None:
        super().__init__()
        self.name = name
        if name == "learned":
            self.table = nn.Embedding(max_len, d_model)
            nn.init.normal_(self.table.weight, std=d_model**-0.5)
        elif name == "sinusoidal":
            self.register_buffer("sinusoids", sinusoids(max_len, d_model), persistent=False)

    def forward(
        self, x: Float[Tensor, "batch length d_model"], positions: Int[Tensor, "#batch length"]
    ) -> Float[Tensor, "batch length d_model"]:
        """Adds the position embeddings; positions count from 0."""
        if self.name == "learned":
            return x + self.table(positions)
        if self.name == "sinusoidal":
            sinusoids: Tensor = self.get_buffer("sinusoids")
            return x + sinusoids[positions].to(x.dtype)
        return x


def sinusoids(max_len: int, d_model: int) -> Float[Tensor, "length d_model"]:
    """Sines in the first half of the width, cosines in the second; wavelengths from 2 pi to 10,000 * 2 pi.

    The paper interleaves sines and cosines. The order makes no difference to a trained model, and other libraries read halves
    (Marian's layout).
    """
    half = (d_model + 1) // 2
    # Always on the CPU, even if the model is made on the meta device, because the table is not saved with the weights.
    rates = torch.exp(torch.arange(half, dtype=torch.float64, device="cpu") * (-math.log(10_000.0) / (d_model / 2)))
    angles = torch.arange(max_len, dtype=torch.float64, device="cpu")[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()[:, : d_model // 2]], dim=1).float()


Rotation = tuple[Float[Tensor, "#batch 1 length half"], Float[Tensor, "#batch 1 length half"]]
"""Cosines and sines of the angles by which rotary positions rotate the pairs of features of a head."""


def rotary_angles(positions: Int[Tensor, "#batch length"], head_dim: int, base: float = 10_000.0) -> Rotation:
    """The angles of rotary positions (Su 2021): they grow with the position, and more slowly for later pairs of features.

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
    """Rotates pairs of features. Feature i of the first half of a head and feature i of the second half are a pair."""
    cos, sin = angles[0].to(x.dtype), angles[1].to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def alibi_bias(
    query_positions: Int[Tensor, "#batch query_len"], key_positions: Int[Tensor, "#batch key_len"], num_heads: int
) -> Float[Tensor, "#batch num_heads query_len key_len"]:
    """ALiBi (Press 2022): a penalty proportional to the distance, with a different slope for each head."""
    slopes = 2.0 ** (-8.0 * torch.arange(1, num_heads + 1, device=query_positions.device) / num_heads)
    distance = (query_positions[:, None, :, None] - key_positions[:, None, None, :]).abs()
    return -slopes[:, None, None] * distance


class RelativeBias(nn.Module):
    """A learned bias for each head and distance (Raffel 2020, section 2.1, as in T5).

    Each short distance has its own bias. Longer distances share the biases of logarithmic ranges up to `max_distance`. All longer
    ones share the last bias.

    Args:
        bidirectional: whether keys may come after queries; then half of the biases are for such keys.
    """

    def __init__(self, num_heads: int, *, bidirectional: bool, num_buckets: int = 32, max_distance: int = 128) -> None:
        super().__init__()
        self.bidirectional = bidirectional
        self.max_distance = max_distance
        self.table = nn.Embedding(num_buckets, num_heads)
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(
        self, query_positions: Int[Tensor, "#batch query_len"], key_positions: Int[Tensor, "#batch key_len"]
    ) -> Float[Tensor, "#batch num_heads query_len key_len"]:
        """The bias for each head and pair of positions."""
        distance = query_positions[:, :, None] - key_positions[:, None, :]
        bias: Tensor = self.table(self.buckets(distance))
        return bias.permute(0, 3, 1, 2)

    def buckets(self, distance: Int[Tensor, "*shape"]) -> Int[Tensor, "*shape"]:
        """The index of the bias of each distance; distances to keys after the query are negative."""
        count = self.table.num_embeddings
        offset = torch.zeros_like(distance)
        if self.bidirectional:
            count //= 2
            offset = (distance < 0) * count
            distance = distance.abs()
        distance = distance.clamp(min=0)
        exact = count // 2
        ratio = torch.log(distance.clamp(min=1) / exact) / math.log(self.max_distance / exact)
        far = exact + (ratio * (count - exact)).long()
        return offset + torch.where(distance < exact, distance, far.clamp(max=count - 1))
