"""The Transformer: encoder and decoder (Vaswani 2017), with later options."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, cast

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from seqloom.config import LONGEST, MOST_LAYERS, WIDEST
from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState, MemoryReader, Model, ModelSettings, reversal, reverse
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.attention import mask_bias
from seqloom.nn.block import Block, BlockOptions, NormPlace, initialise_linear
from seqloom.nn.cache import KeyValueCache, RowCache, self_attention_bias
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings, TyingName
from seqloom.nn.feed_forward import ActivationName
from seqloom.nn.multi_head import MultiHeadAttention
from seqloom.nn.norm import NormName
from seqloom.nn.positions import (
    MAX_SINUSOIDS,
    AdditivePositions,
    PositionBias,
    PositionName,
    RelativeBias,
    Rotation,
    alibi_bias,
    rotary_angles,
)
from seqloom.vocabulary import Vocabulary


class BlockSettings(ModelSettings):
    """Settings that the encoder-decoder and the decoder-only Transformer share."""

    d_model: int = Field(128, gt=0, le=WIDEST, description="size of the vector at each position")
    d_ff: int = Field(256, gt=0, le=WIDEST, description="width inside the feed-forward network")
    num_heads: int = Field(4, gt=0)
    num_kv_heads: int | None = Field(
        None,
        gt=0,
        description="heads of keys and values, shared by heads of queries (Ainslie 2023); default: num_heads",
    )
    head_dim: int | None = Field(None, gt=0, le=WIDEST, description="width of a head; default: d_model / num_heads")
    dropout: float = Field(0.1, ge=0, lt=1, description="on embeddings and on every sublayer's output")
    attention_dropout: float = Field(0.0, ge=0, lt=1, description="on attention weights")
    activation_dropout: float = Field(0.0, ge=0, lt=1, description="inside the feed-forward network")
    norm: NormName = "layer"
    norm_place: NormPlace = Field(
        "pre", description="pre: a norm before each sublayer; post: a norm after each residual sum, as in Vaswani 2017"
    )
    norm_eps: float | None = Field(
        None, gt=0, lt=1, description="added to the variance; default: 1e-5 for layer, 1e-6 for rms"
    )
    bias: bool = Field(True, description="biases of linear maps and of LayerNorms")
    activation: ActivationName = Field(
        "relu",
        description="gelu is exact, gelu_tanh its approximation; swiglu is gated, and its inner width is two thirds of d_ff",
    )
    gated: bool = Field(
        False,
        description="use a gated feed-forward network (Shazeer 2020) whose inner width is d_ff, not two thirds of it",
    )
    positions: PositionName = "sinusoidal"
    rope_base: float | None = Field(None, gt=1, description="base of rotary positions; default: 10,000")
    max_len: int = Field(
        512, gt=1, le=LONGEST, description="the largest number of positions of a source or a target, with bos and eos"
    )
    qk_norm: bool = Field(False, description="normalise queries and keys of each head")
    embedding_scale: bool = Field(True, description="multiply token embeddings by the square root of d_model")
    embedding_norm: bool = Field(False, description="a norm on embeddings with positions added, as in BART")
    output_bias: bool = Field(False, description="a bias for each id of the vocabulary, as in Marian")

    @model_validator(mode="after")
    def _widths_fit(self) -> "BlockSettings":
        if self.head_dim is None and self.d_model % self.num_heads:
            raise ValueError(
                f"d_model {self.d_model} cannot be divided among {self.num_heads} heads; choose a multiple, or set head_dim"
            )
        if self.num_heads * self.width_of_head > WIDEST:
            raise ValueError(
                f"num_heads x head_dim is {self.num_heads} x {self.width_of_head}; the product may be at most {WIDEST:,}"
            )
        if self.num_kv_heads is not None and self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_heads {self.num_heads} cannot be divided among num_kv_heads {self.num_kv_heads}; choose a divisor"
            )
        if self.gated and self.activation == "swiglu":
            raise ValueError(
                "activation swiglu is gated already, with an inner width of two thirds of d_ff; for a gated network of width d_ff "
                "keep gated and choose silu"
            )
        if self.positions == "sinusoidal" and self.max_len * self.d_model > MAX_SINUSOIDS:
            raise ValueError(
                f"sinusoidal positions need a table of max_len x d_model numbers, {self.max_len:,} x {self.d_model:,}; at most "
                f"{MAX_SINUSOIDS:,}: lower max_len, or choose rotary or alibi positions"
            )
        if self.positions == "rotary" and self.width_of_head % 2:
            raise ValueError(
                "rotary positions rotate pairs of features, so head_dim (d_model / num_heads) must be even"
            )
        if self.rope_base is not None and self.positions != "rotary":
            raise ValueError(f"rope_base is for rotary positions, and positions is {self.positions}: leave it out")
        return self

    @property
    def width_of_head(self) -> int:
        """The width of a head: `head_dim`, or its default."""
        return self.head_dim or self.d_model // self.num_heads

    def block_options(self) -> BlockOptions:
        """The options of all blocks."""
        return BlockOptions(
            d_model=self.d_model,
            d_ff=self.d_ff,
            num_heads=self.num_heads,
            num_kv_heads=self.num_kv_heads,
            head_dim=self.head_dim,
            norm=self.norm,
            norm_place=self.norm_place,
            norm_eps=self.norm_eps,
            bias=self.bias,
            activation=self.activation,
            gated=self.gated,
            qk_norm=self.qk_norm,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
        )

    def make_blocks(self, number: int, *, cross: bool) -> Sequence[Block]:
        """A stack of blocks, as a module list."""
        options = self.block_options()
        blocks: Any = nn.ModuleList(Block(options, cross=cross) for _ in range(number))
        return cast(Sequence[Block], blocks)

    def make_final_norm(self) -> nn.Module:
        """The norm after the last block. Only pre-norm needs it: there, no norm follows the last residual sum."""
        return self.block_options().make_norm() if self.norm_place == "pre" else nn.Identity()

    def make_embedding_norm(self) -> nn.Module:
        """The norm on embeddings, or the identity."""
        return self.block_options().make_norm() if self.embedding_norm else nn.Identity()

    def make_output_bias(self, vocab: Vocabulary) -> nn.Parameter | None:
        """The bias of each target id, or None."""
        return nn.Parameter(torch.zeros(vocab.tgt_size)) if self.output_bias else None

    def make_position_bias(self, *, bidirectional: bool) -> PositionBias | None:
        """The function that computes the position bias of self-attention scores; None for positions without a bias."""
        if self.positions == "relative":
            return RelativeBias(self.num_heads, bidirectional=bidirectional)
        return partial(alibi_bias, num_heads=self.num_heads) if self.positions == "alibi" else None

    def rotation(self, positions: Int[Tensor, "#rows n"]) -> Rotation | None:
        """The angles of rotary positions; None for other positions."""
        if self.positions != "rotary":
            return None
        return rotary_angles(positions, self.width_of_head, self.rope_base or 10_000.0)


class TransformerSettings(BlockSettings):
    """Settings of the encoder-decoder Transformer."""

    architecture: Literal["transformer"] = "transformer"
    num_encoder_layers: int = Field(4, gt=0, le=MOST_LAYERS)
    num_decoder_layers: int = Field(4, gt=0, le=MOST_LAYERS)
    tied_embeddings: TyingName = "all"
    reverse_source: bool = Field(False, description="read the source backwards (Sutskever 2014)")


class Transformer(Model):
    """The encoder-decoder Transformer; its decoder attends to the output of the encoder."""

    settings_type = TransformerSettings

    encoder: Sequence[Block]
    decoder: Sequence[Block]
    encoder_norm: Callable[[Tensor], Tensor]
    decoder_norm: Callable[[Tensor], Tensor]
    # The position biases of self-attention scores.
    encoder_bias: PositionBias | None
    decoder_bias: PositionBias | None

    def __init__(self, settings: TransformerSettings, vocab: Vocabulary) -> None:
        super().__init__()
        self.settings = settings
        self.vocab = vocab
        self.max_len = settings.max_len
        self.embeddings = Embeddings(
            vocab.src_size,
            vocab.tgt_size,
            settings.d_model,
            tying=settings.tied_embeddings,
            scaled=settings.embedding_scale,
        )
        self.positions = AdditivePositions(settings.positions, settings.max_len, settings.d_model)
        self.dropout = Dropout(settings.dropout)
        self.encoder = settings.make_blocks(settings.num_encoder_layers, cross=False)
        self.decoder = settings.make_blocks(settings.num_decoder_layers, cross=True)
        self.encoder_norm = settings.make_final_norm()
        self.decoder_norm = settings.make_final_norm()
        self.encoder_embedding_norm = settings.make_embedding_norm()
        self.decoder_embedding_norm = settings.make_embedding_norm()
        self.encoder_bias = settings.make_position_bias(bidirectional=True)
        self.decoder_bias = settings.make_position_bias(bidirectional=False)
        self.output_bias = settings.make_output_bias(vocab)
        initialise_linear(self)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The output matrix, and its bias if the settings ask for one."""
        return self.embeddings.output, self.output_bias

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Encodes the sources; the memory holds their keys and values for each decoder layer."""
        if self.settings.reverse_source:
            sources = reverse(sources, hooks)
        length = sources.ids.shape[1]
        self.check_length(length, "source")
        positions = torch.arange(length, device=sources.ids.device)[None]
        x = capture(hooks, "encoder.tokens", self.embeddings.src(sources.ids))
        x = self.encoder_embedding_norm(self.positions(x, positions))
        x = self.dropout(capture(hooks, "encoder.embedded", x))
        padding = mask_bias(sources.mask, x.dtype)[:, None, None]
        bias = padding
        if self.encoder_bias is not None:
            bias = bias + self.encoder_bias(positions, positions).to(x.dtype)
        rotation = self.settings.rotation(positions)
        for layer, block in enumerate(self.encoder):
            x = block(x, bias, rotation=rotation, hooks=hooks, name=f"encoder.{layer}")
        x = self.encoder_norm(x)
        if self.settings.reverse_source:
            # Restore the order of the text, so that attention weights over the source are in that order too.
            x = x.gather(1, reversal(sources.mask)[:, :, None].expand_as(x))
        x = capture(hooks, "encoder.memory", x)
        memory = {"mask": sources.mask, "bias": padding}
        for layer, (key, value) in enumerate(self._memory_keys_values(x)):
            memory |= {f"{layer}.key": key, f"{layer}.value": value}
        return self._initial_state(memory)

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Decodes n positions after those of the state; see `Model.advance`."""
        n = ids.shape[1]
        self.check_length(state.length + n, "target")
        positions = torch.arange(state.length, state.length + n, device=ids.device)[None]
        x = self._embed_target(ids, positions, hooks)
        bias = self_attention_bias(state.length + n, positions, x.dtype, self.decoder_bias)
        cache, memory = RowCache(state.cache), MemoryReader(state)
        x = self._decode(x, bias, self.settings.rotation(positions), cache, memory, hooks)
        if hooks is not None:
            # Alignment is the mean cross-attention over the heads of the second-last layer: that layer aligns best (Garg 2019).
            layer = max(0, self.settings.num_decoder_layers - 2)
            weights = hooks.tensors[f"decoder.{layer}.cross.attn_weights"][-1].mean(dim=1)
            hooks("alignment", memory.unfold(weights))
        return capture(hooks, "decoder.hidden", self.decoder_norm(x)), state.after(n, cache.tensors)

    def inference_model(self) -> Model:
        """See `Model.inference_model`."""
        # An import at the top would be circular.
        from seqloom.models.inference_transformer import InferenceTransformer

        return InferenceTransformer(self)

    def _embed_target(self, ids: Tensor, positions: Tensor, hooks: ActivationHooks | None = None) -> Tensor:
        """Embeddings of target ids with positions added, after dropout."""
        x = capture(hooks, "decoder.tokens", self.embeddings.tgt(ids))
        x = self.decoder_embedding_norm(self.positions(x, positions))
        embedded: Tensor = self.dropout(capture(hooks, "decoder.embedded", x))
        return embedded

    def _decode(
        self,
        x: Tensor,
        bias: Tensor | None,
        rotation: Rotation | None,
        cache: KeyValueCache,
        memory: MemoryReader,
        hooks: ActivationHooks | None = None,
    ) -> Tensor:
        """Runs the blocks of the decoder."""
        for layer, block in enumerate(self.decoder):
            name = f"decoder.{layer}"
            x = block(x, bias, rotation=rotation, cache=cache, memory=memory, layer=layer, hooks=hooks, name=name)
        return x

    def _memory_keys_values(self, encoder_output: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The keys and values of the encoder output for each decoder layer."""
        for block in self.decoder:
            assert isinstance(block.cross_attention, MultiHeadAttention)
            yield block.cross_attention.keys_values(encoder_output)

    def _initial_state(self, memory: Mapping[str, Tensor]) -> DecoderState:
        """The state before the first target position."""
        mask = memory["mask"]
        return DecoderState(memory, {}, torch.arange(mask.shape[0], device=mask.device))
