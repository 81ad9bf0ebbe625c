"""The fixed mixer: an encoder-decoder without recurrence and without attention; fixed weights mix the positions.

It is a Transformer without queries and keys: the weight of a position depends only on its distance (the slopes of ALiBi, Press
2022), not on its content. With the RNN, the RNN with attention and the Transformer it completes the comparison of models with and
without recurrence and attention.
"""

from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from seqloom.config import LONGEST, MOST_LAYERS, WIDEST
from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState, Model, ModelSettings, reversal, reverse
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.attention import causal_mask, mask_bias
from seqloom.nn.block import initialise_linear
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings, TyingName
from seqloom.nn.feed_forward import FeedForward
from seqloom.nn.linear import Linear
from seqloom.nn.norm import make_norm
from seqloom.nn.positions import AdditivePositions, alibi_bias
from seqloom.vocabulary import Vocabulary


class FixedMixerSettings(ModelSettings):
    """Settings of the fixed mixer."""

    architecture: Literal["fixed-mixer"] = "fixed-mixer"
    d_model: int = Field(128, gt=0, le=WIDEST, description="size of the vector at each position")
    d_ff: int = Field(448, gt=0, le=WIDEST, description="width inside the feed-forward network")
    num_heads: int = Field(4, gt=0, description="groups of features, each with its own slope")
    num_encoder_layers: int = Field(4, gt=0, le=MOST_LAYERS)
    num_decoder_layers: int = Field(4, gt=0, le=MOST_LAYERS)
    dropout: float = Field(0.1, ge=0, lt=1, description="on embeddings and on every sublayer's output")
    max_len: int = Field(
        512, gt=1, le=LONGEST, description="the largest number of positions of a source or a target, with bos and eos"
    )
    tied_embeddings: TyingName = "all"
    reverse_source: bool = Field(False, description="read the source backwards (Sutskever 2014)")

    @model_validator(mode="after")
    def _widths_fit(self) -> "FixedMixerSettings":
        if self.d_model % self.num_heads:
            raise ValueError(
                f"d_model {self.d_model} cannot be divided among {self.num_heads} heads; choose a multiple"
            )
        return self


class FixedMixing(nn.Module):
    """Weighted means of positions with fixed weights: attention without queries and keys."""

    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.value = Linear(d_model, d_model)
        self.out = Linear(d_model, d_model)

    def values(self, x: Float[Tensor, "rows length d_model"]) -> Float[Tensor, "rows num_heads length head_dim"]:
        """Projects positions to values."""
        split: Tensor = self.value(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        return split

    def forward(
        self,
        values: Float[Tensor, "rows num_heads key_len head_dim"],
        weights: Float[Tensor, "#rows num_heads n key_len"],
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> Float[Tensor, "rows n d_model"]:
        """The weighted means of the values, concatenated and projected."""
        weights = capture(hooks, f"{name}.attn_weights", weights)
        context = capture(hooks, f"{name}.context", weights @ values)
        mixed: Tensor = self.out(context.transpose(1, 2).flatten(2))
        return mixed


class MixerBlock(nn.Module):
    """Mixing of the block's own positions, in decoders mixing of the memory, and a feed-forward network; pre-norm."""

    def __init__(self, settings: FixedMixerSettings, *, cross: bool) -> None:
        super().__init__()
        width = settings.d_model
        self.mixing = FixedMixing(width, settings.num_heads)
        self.mixing_norm = make_norm("layer", width)
        self.cross = FixedMixing(width, settings.num_heads) if cross else None
        self.feed_forward = FeedForward(width, settings.d_ff)
        self.feed_forward_norm = make_norm("layer", width)
        self.dropout = Dropout(settings.dropout)

    def forward(
        self,
        x: Float[Tensor, "rows n d_model"],
        weights: Float[Tensor, "#rows num_heads n key_len"],
        past: Tensor | None = None,
        context: Float[Tensor, "rows n d_model"] | None = None,
        *,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> tuple[Float[Tensor, "rows n d_model"], Tensor]:
        """Runs the sublayers.

        Args:
            past: values of earlier positions.
            context: the mixed memory for each position; None in encoders.

        Returns:
            The new positions, and the values of all positions so far.
        """
        values = self.mixing.values(self.mixing_norm(x))
        if past is not None:
            values = torch.cat([past, values], dim=2)
        x = x + self.dropout(self.mixing(values, weights, hooks, f"{name}.self"))
        if context is not None:
            x = x + self.dropout(context)
        x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return capture(hooks, f"{name}.out", x), values


class FixedMixer(Model):
    """Encoder and decoder whose positions are mixed by fixed weights."""

    settings_type = FixedMixerSettings

    def __init__(self, settings: FixedMixerSettings, vocab: Vocabulary) -> None:
        super().__init__()
        self.settings = settings
        self.vocab = vocab
        self.max_len = settings.max_len
        self.embeddings = Embeddings(
            vocab.src_size, vocab.tgt_size, settings.d_model, tying=settings.tied_embeddings, scaled=True
        )
        self.positions = AdditivePositions("sinusoidal", settings.max_len, settings.d_model)
        self.dropout = Dropout(settings.dropout)
        self.encoder = nn.ModuleList(MixerBlock(settings, cross=False) for _ in range(settings.num_encoder_layers))
        self.decoder = nn.ModuleList(MixerBlock(settings, cross=True) for _ in range(settings.num_decoder_layers))
        self.encoder_norm = make_norm("layer", settings.d_model)
        self.decoder_norm = make_norm("layer", settings.d_model)
        initialise_linear(self)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], None]:
        """The output matrix; it has no bias."""
        return self.embeddings.output, None

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Encodes the sources; the memory holds the values of each decoder layer."""
        if self.settings.reverse_source:
            sources = reverse(sources, hooks)
        length = sources.ids.shape[1]
        self.check_length(length, "source")
        positions = torch.arange(length, device=sources.ids.device)[None]
        x = capture(hooks, "encoder.tokens", self.embeddings.src(sources.ids))
        x = self.dropout(capture(hooks, "encoder.embedded", self.positions(x, positions)))
        bias = mask_bias(sources.mask, x.dtype)[:, None, None]
        weights = (bias + self._slopes(positions, positions, x.dtype)).softmax(dim=-1)
        for number, block in enumerate(self.encoder):
            x, _ = block(x, weights, hooks=hooks, name=f"encoder.{number}")
        x = self.encoder_norm(x)
        if self.settings.reverse_source:
            # Restore the order of the text, so that the weights over the source are in that order too.
            x = x.gather(1, reversal(sources.mask)[:, :, None].expand_as(x))
        x = capture(hooks, "encoder.memory", x)
        memory = {"mask": sources.mask, "bias": bias}
        for number, block in enumerate(self.decoder):
            assert isinstance(block, MixerBlock)
            assert block.cross is not None
            memory[f"{number}.value"] = block.cross.values(x)
        return DecoderState(memory, {}, torch.arange(len(sources), device=sources.ids.device))

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Decodes n positions after those of the state; see `Model.advance`."""
        n, length = ids.shape[1], state.length
        self.check_length(length + n, "target")
        positions = torch.arange(length, length + n, device=ids.device)[None]
        x = capture(hooks, "decoder.tokens", self.embeddings.tgt(ids))
        x = self.dropout(capture(hooks, "decoder.embedded", self.positions(x, positions)))
        keys = torch.arange(length + n, device=ids.device)[None]
        causal = mask_bias(causal_mask(n, length + n, ids.device), x.dtype)
        own = (causal + self._slopes(positions, keys, x.dtype)).softmax(dim=-1)
        src_positions = torch.arange(state.memory["mask"].shape[1], device=ids.device)[None]
        cross = (state.memory["bias"] + self._slopes(positions, src_positions, x.dtype)).softmax(dim=-1)
        if self.settings.reverse_source:
            cross = cross.gather(3, reversal(state.memory["mask"])[:, None, None].expand_as(cross))
        if hooks is not None:
            hooks("alignment", cross.mean(dim=1)[state.source_index])
        cache: dict[str, Tensor] = {}
        for number, block in enumerate(self.decoder):
            assert isinstance(block, MixerBlock)
            assert block.cross is not None
            # The weights do not depend on the target, so all hypotheses of a source have the same context.
            name = f"decoder.{number}"
            context = block.cross(state.memory[f"{number}.value"], cross, hooks, f"{name}.cross")[state.source_index]
            past = state.cache.get(f"{number}.value")
            x, cache[f"{number}.value"] = block(x, own, past, context, hooks=hooks, name=name)
        return capture(hooks, "decoder.hidden", self.decoder_norm(x)), state.after(n, cache)

    def _slopes(self, queries: Tensor, keys: Tensor, dtype: torch.dtype) -> Tensor:
        return alibi_bias(queries, keys, self.settings.num_heads).to(dtype)
