"""The Transformer block: self-attention, in decoders attention to the memory, and a feed-forward network (Vaswani 2017, figure 1).

All Transformers consist of this block. `InferenceBlock` is the same block with packed weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from jaxtyping import Float
from torch import Tensor, nn

from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.attention import Mask
from seqloom.nn.cache import KeyValueCache
from seqloom.nn.dropout import Dropout
from seqloom.nn.feed_forward import ActivationName, FeedForward
from seqloom.nn.multi_head import MultiHeadAttention, PackedAttention
from seqloom.nn.norm import NormName, make_norm, norm_function
from seqloom.nn.positions import Rotation

NormPlace = Literal["pre", "post"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockOptions:
    """Options of a block; see `MultiHeadAttention`, `FeedForward` and `make_norm` for their meaning.

    Attributes:
        norm_place: a norm before each sublayer ("pre"), or after each residual sum ("post", as in Vaswani 2017).
        dropout: probability on the output of each sublayer.
    """

    d_model: int
    d_ff: int
    num_heads: int
    num_kv_heads: int | None = None
    head_dim: int | None = None
    norm: NormName = "layer"
    norm_place: NormPlace = "pre"
    norm_eps: float | None = None
    bias: bool = True
    activation: ActivationName = "relu"
    gated: bool = False
    qk_norm: bool = False
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0

    def make_attention(self) -> MultiHeadAttention:
        """A new attention layer with these options."""
        return MultiHeadAttention(
            self.d_model,
            self.num_heads,
            num_kv_heads=self.num_kv_heads,
            head_dim=self.head_dim,
            dropout=self.attention_dropout,
            bias=self.bias,
            qk_norm=self.qk_norm,
            norm_eps=self.norm_eps,
        )

    def make_norm(self) -> nn.Module:
        """A new norm with these options."""
        return make_norm(self.norm, self.d_model, eps=self.norm_eps, bias=self.bias)

    def make_feed_forward(self) -> FeedForward:
        """A new feed-forward network with these options."""
        return FeedForward(
            self.d_model,
            self.d_ff,
            activation=self.activation,
            gated=self.gated,
            dropout=self.activation_dropout,
            bias=self.bias,
        )


class SourceMemory(Protocol):
    """The keys, values and mask of the sources, as cross-attention reads them (see `models.base.MemoryReader`)."""

    def fold(self, x: Tensor) -> Tensor:
        """Target positions, (rows, n, d_model), with the positions of all rows of a source in one row."""
        ...

    def unfold(self, x: Tensor) -> Tensor:
        """The inverse of `fold`."""
        ...

    def __getitem__(self, name: str) -> Tensor:
        """A tensor of the memory by name: "0.key", "0.value", "bias"."""
        ...


class Block(nn.Module):
    """Sublayers with residual connections.

    Args:
        cross: whether the block attends to a memory.
    """

    self_attention: MultiHeadAttention | PackedAttention
    cross_attention: MultiHeadAttention | PackedAttention | None
    self_norm: Callable[[Tensor], Tensor]
    cross_norm: Callable[[Tensor], Tensor]
    feed_forward_norm: Callable[[Tensor], Tensor]
    feed_forward: Callable[[Tensor], Tensor]
    dropout: Callable[[Tensor], Tensor]
    norm_first: bool

    def __init__(self, options: BlockOptions, *, cross: bool) -> None:
        super().__init__()
        self.norm_first = options.norm_place == "pre"
        self.self_attention = options.make_attention()
        self.self_norm = options.make_norm()
        self.cross_attention = None
        if cross:
            self.cross_attention = options.make_attention()
            self.cross_norm = options.make_norm()
        self.feed_forward = options.make_feed_forward()
        self.feed_forward_norm = options.make_norm()
        self.dropout = Dropout(options.dropout)

    def forward(
        self,
        x: Float[Tensor, "rows n d_model"],
        bias: Float[Tensor, "#rows #num_heads #n key_len"] | Mask | None,
        *,
        rotation: Rotation | None = None,
        cache: KeyValueCache | None = None,
        memory: SourceMemory | None = None,
        layer: int = 0,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> Float[Tensor, "rows n d_model"]:
        """Runs the sublayers.

        Args:
            x: the new positions.
            bias: added to the self-attention scores, over past and new keys; or a mask, where there are no past keys.
            rotation: the angles of rotary positions.
            cache: appends the keys and values of the new positions to those of earlier positions; None if there are no earlier
                positions and no later calls.
            memory: the sources that a decoder block attends to; None in encoders.
            layer: the number of the block, its index in cache and memory.
            name: the prefix of the names of captured tensors.
        """

        def attend_self(y: Tensor) -> Tensor:
            attention = self.self_attention
            query, key, value = attention.self_projections(y, rotation)
            if cache is not None:
                key, value = cache.append(layer, key, value)
            context = attention.attend(query, key, value, bias, hooks, f"{name}.self")
            return capture(hooks, f"{name}.self.joined", attention.join(context))

        def attend_memory(y: Tensor) -> Tensor:
            attention = self.cross_attention
            assert attention is not None
            assert memory is not None
            query = attention.queries(memory.fold(y))
            key, value = memory[f"{layer}.key"], memory[f"{layer}.value"]
            context = attention.attend(query, key, value, memory["bias"], hooks, f"{name}.cross")
            return memory.unfold(capture(hooks, f"{name}.cross.joined", attention.join(context)))

        x = self._add(x, self.self_norm, attend_self)
        if memory is not None:
            x = self._add(x, self.cross_norm, attend_memory)
        x = self._add(x, self.feed_forward_norm, self.feed_forward)
        return capture(hooks, f"{name}.out", x)

    def _add(self, x: Tensor, norm: Callable[[Tensor], Tensor], sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """x plus the output of a sublayer, with the norm before the sublayer or after the sum."""
        if self.norm_first:
            return x + self.dropout(sublayer(norm(x)))
        return norm(x + self.dropout(sublayer(x)))


class InferenceBlock(Block):
    """A block for generation: a snapshot of the weights of `block`, packed; without dropout and activation capture."""

    def __init__(self, block: Block) -> None:
        nn.Module.__init__(self)
        assert isinstance(block.self_attention, MultiHeadAttention)
        assert isinstance(block.feed_forward, FeedForward)
        self.norm_first = block.norm_first
        self.self_attention = PackedAttention(block.self_attention)
        self.self_norm = norm_function(block.self_norm)
        self.cross_attention = None
        if block.cross_attention is not None:
            assert isinstance(block.cross_attention, MultiHeadAttention)
            self.cross_attention = PackedAttention(block.cross_attention)
            self.cross_norm = norm_function(block.cross_norm)
        self.feed_forward = block.feed_forward.packed()
        self.feed_forward_norm = norm_function(block.feed_forward_norm)

    def _add(self, x: Tensor, norm: Callable[[Tensor], Tensor], sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """As in `Block`, but added in place to the sublayer's output, which no gradient and no hook needs."""
        return sublayer(norm(x)).add_(x) if self.norm_first else norm(sublayer(x).add_(x))


def initialise_linear(module: nn.Module) -> None:
    """Initialises every linear layer in `module`: weights uniform (Glorot 2010), biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
