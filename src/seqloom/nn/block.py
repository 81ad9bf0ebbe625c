"""A Transformer block: self-attention, in decoders attention to the memory, and a feed-forward network (Vaswani 2017, figure 1)."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqloom.nn.attention import MultiHeadAttention, attend
from seqloom.nn.dropout import Dropout
from seqloom.nn.feed_forward import ActivationName, FeedForward
from seqloom.nn.norm import NormName, make_norm
from seqloom.nn.positions import rotate
from seqloom.nn.record import Record, see

NormPlace = Literal["pre", "post"]


class Block(nn.Module):
    """Sublayers with residual connections; norms before each sublayer (pre) or after each sum (post, as in the paper)."""

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        num_heads: int,
        *,
        cross: bool,
        norm: NormName,
        norm_place: NormPlace,
        activation: ActivationName,
        dropout: float,
        attention_dropout: float,
        activation_dropout: float,
        qk_norm: bool,
        rotary: bool,
    ) -> None:
        super().__init__()
        self.norm_first = norm_place == "pre"
        self.rotary = rotary
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout=attention_dropout, qk_norm=qk_norm)
        self.self_norm = make_norm(norm, d_model)
        self.cross_attention = None
        if cross:
            self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout=attention_dropout, qk_norm=qk_norm)
            self.cross_norm = make_norm(norm, d_model)
        self.feed_forward = FeedForward(d_model, d_ff, activation=activation, dropout=activation_dropout)
        self.feed_forward_norm = make_norm(norm, d_model)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "rows n d_model"],
        positions: Int[Tensor, "#rows n"],
        bias: Float[Tensor, "#rows #num_heads #n key_len"] | None,
        *,
        past: tuple[Tensor, Tensor] | None = None,
        attend_memory: Callable[[MultiHeadAttention, Tensor], Tensor] | None = None,
        record: Record | None = None,
        name: str = "",
    ) -> tuple[Float[Tensor, "rows n d_model"], tuple[Tensor, Tensor]]:
        """Runs the sublayers.

        Args:
            x: the positions that are new.
            positions: where they stand, for rotary embeddings.
            bias: added to the self-attention scores, over past and new keys.
            past: keys and values of earlier positions, (rows, num_heads, past_len, head_dim) each.
            attend_memory: attention from normalised positions to the encoder's memory, for blocks that have it.

        Returns:
            The new positions, and the keys and values of the new positions alone.
        """
        new: list[tuple[Tensor, Tensor]] = []

        def self_attend(y: Tensor) -> Tensor:
            query, key, value = self.self_attention.self_projections(y)
            if self.rotary:
                query, key = rotate(query, positions), rotate(key, positions)
            new.append((key, value))
            if past is not None:
                key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
            context = attend(
                query, key, value, bias, dropout=self.self_attention.dropout, record=record, name=f"{name}.self"
            )
            return see(record, f"{name}.self.joined", self.self_attention.join(context))

        x = self._sublayer(x, self.self_norm, self_attend)
        if self.cross_attention is not None and attend_memory is not None:
            cross, reach = self.cross_attention, attend_memory
            x = self._sublayer(x, self.cross_norm, lambda y: reach(cross, y))
        x = self._sublayer(x, self.feed_forward_norm, self.feed_forward)
        return see(record, f"{name}.out", x), new[0]

    def _sublayer(self, x: Tensor, norm: nn.Module, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        if self.norm_first:
            return x + self.dropout(sublayer(norm(x)))
        summed: Tensor = norm(x + self.dropout(sublayer(x)))
        return summed


def initialise_linear(module: nn.Module) -> None:
    """Glorot's uniform initialisation and no bias, for every linear map below `module`."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
