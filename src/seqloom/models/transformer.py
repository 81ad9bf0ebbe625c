"""The Transformer: encoder and decoder (Vaswani 2017), with the options that came after it."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from seqloom.batching import Sources
from seqloom.config import LONGEST, MOST_LAYERS, WIDEST, Settings
from seqloom.models.base import DecoderState, MemoryReader, Model, reversal, reverse
from seqloom.nn.attention import MultiHeadAttention, attend, causal_mask, mask_bias
from seqloom.nn.block import Block, NormPlace, initialise_linear
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings, TyingName
from seqloom.nn.feed_forward import ActivationName
from seqloom.nn.norm import NormName, make_norm
from seqloom.nn.positions import MOST_WAVES, AdditivePositions, PositionName, alibi_bias
from seqloom.nn.record import Record, see
from seqloom.vocabulary import Vocabulary


class BlockSettings(Settings):
    """What the encoder-decoder and the decoder-only Transformer have in common."""

    d_model: int = Field(128, gt=0, le=WIDEST, description="width of every position")
    d_ff: int = Field(256, gt=0, le=WIDEST, description="width inside the feed-forward network")
    num_heads: int = Field(4, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1, description="on embeddings and on every sublayer's output")
    attention_dropout: float = Field(0.0, ge=0, lt=1, description="on attention weights")
    activation_dropout: float = Field(0.0, ge=0, lt=1, description="inside the feed-forward network")
    norm: NormName = "layer"
    norm_place: NormPlace = Field("pre", description="before each sublayer, or after each sum as in the paper")
    activation: ActivationName = "relu"
    positions: PositionName = "sinusoidal"
    max_len: int = Field(
        512, gt=1, le=LONGEST, description="the most positions of a source or a target, bos and eos included"
    )
    qk_norm: bool = Field(False, description="normalise queries and keys of each head")

    @model_validator(mode="after")
    def _widths_fit(self) -> "BlockSettings":
        if self.d_model % self.num_heads:
            raise ValueError(
                f"d_model {self.d_model} cannot be divided among {self.num_heads} heads; choose a multiple"
            )
        if self.positions == "sinusoidal" and self.max_len * self.d_model > MOST_WAVES:
            raise ValueError(
                f"sinusoidal positions keep max_len x d_model numbers, {self.max_len:,} x {self.d_model:,}; at most "
                f"{MOST_WAVES:,}: lower max_len, or choose rotary or alibi positions"
            )
        if self.positions == "rotary" and (self.d_model // self.num_heads) % 2:
            raise ValueError("rotary positions turn pairs of features, so d_model / num_heads must be even")
        return self

    def make_block(self, *, cross: bool) -> Block:
        """One block of these settings."""
        return Block(
            self.d_model,
            self.d_ff,
            self.num_heads,
            cross=cross,
            norm=self.norm,
            norm_place=self.norm_place,
            activation=self.activation,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
            qk_norm=self.qk_norm,
            rotary=self.positions == "rotary",
        )

    def make_final_norm(self) -> nn.Module:
        """Pre-norm blocks leave their sum without a norm, so one follows the last block."""
        return make_norm(self.norm, self.d_model) if self.norm_place == "pre" else nn.Identity()


class TransformerSettings(BlockSettings):
    """Settings of the encoder-decoder Transformer."""

    architecture: Literal["transformer"] = "transformer"
    num_encoder_layers: int = Field(4, gt=0, le=MOST_LAYERS)
    num_decoder_layers: int = Field(4, gt=0, le=MOST_LAYERS)
    tied_embeddings: TyingName = "all"
    reverse_source: bool = Field(False, description="read the source backwards (Sutskever 2014)")


class Transformer(Model):
    """Encoder and decoder of self-attention, joined by attention from the decoder to the encoder's memory."""

    def __init__(self, settings: TransformerSettings, vocab: Vocabulary) -> None:
        super().__init__()
        self.settings = settings
        self.vocab = vocab
        self.max_len = settings.max_len
        self.embeddings = Embeddings(
            vocab.src_size, vocab.tgt_size, settings.d_model, tying=settings.tied_embeddings, scaled=True
        )
        self.positions = AdditivePositions(settings.positions, settings.max_len, settings.d_model)
        self.dropout = Dropout(settings.dropout)
        self.encoder = nn.ModuleList(settings.make_block(cross=False) for _ in range(settings.num_encoder_layers))
        self.decoder = nn.ModuleList(settings.make_block(cross=True) for _ in range(settings.num_decoder_layers))
        self.encoder_norm = settings.make_final_norm()
        self.decoder_norm = settings.make_final_norm()
        initialise_linear(self)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], None]:
        """The output matrix."""
        return self.embeddings.output, None

    def start(self, sources: Sources, record: Record | None = None) -> DecoderState:
        """Encodes; the memory holds each decoder layer's keys and values of the source."""
        if self.settings.reverse_source:
            sources = reverse(sources, record)
        length = sources.ids.shape[1]
        self.check_length(length, "source")
        places = torch.arange(length, device=sources.ids.device)[None]
        x = see(record, "encoder.tokens", self.embeddings.src(sources.ids))
        x = see(record, "encoder.embedded", self.positions(x, places))
        x = self.dropout(x)
        bias = mask_bias(sources.mask, x.dtype)[:, None, None]
        if self.settings.positions == "alibi":
            bias = bias + alibi_bias(places, places, self.settings.num_heads).to(x.dtype)
        for number, block in enumerate(self.encoder):
            x, _ = block(x, places, bias, record=record, name=f"encoder.{number}")
        x = self.encoder_norm(x)
        if self.settings.reverse_source:
            # Back in the order of the text, so that attention weights speak of it.
            x = x.gather(1, reversal(sources.mask)[:, :, None].expand_as(x))
        x = see(record, "encoder.memory", x)
        memory = {"mask": sources.mask, "bias": mask_bias(sources.mask, x.dtype)[:, None, None]}
        for number, block in enumerate(self.decoder):
            assert isinstance(block, Block)
            assert block.cross_attention is not None
            key, value = block.cross_attention.keys_values(x)
            memory |= {f"{number}.key": key, f"{number}.value": value}
        return DecoderState(memory, {}, torch.arange(len(sources), device=sources.ids.device))

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, record: Record | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Decodes n positions after those that the state has seen."""
        n = ids.shape[1]
        self.check_length(state.length + n, "target")
        places = torch.arange(state.length, state.length + n, device=ids.device)[None]
        x = see(record, "decoder.tokens", self.embeddings.tgt(ids))
        x = see(record, "decoder.embedded", self.positions(x, places))
        x = self.dropout(x)
        bias = None
        if n > 1:
            bias = mask_bias(causal_mask(n, state.length + n, ids.device), x.dtype)[None, None]
        if self.settings.positions == "alibi":
            keys = torch.arange(state.length + n, device=ids.device)[None]
            slope = alibi_bias(places, keys, self.settings.num_heads).to(x.dtype)
            bias = slope if bias is None else bias + slope
        reader = MemoryReader(state)
        cache: dict[str, Tensor] = {}
        for number, block in enumerate(self.decoder):
            past = (state.cache[f"{number}.key"], state.cache[f"{number}.value"]) if state.length else None

            def attend_memory(cross: MultiHeadAttention, y: Tensor, layer: int = number) -> Tensor:
                context = attend(
                    cross.queries(reader.fold(y)),
                    reader[f"{layer}.key"],
                    reader[f"{layer}.value"],
                    reader["bias"],
                    dropout=cross.dropout,
                    record=record,
                    name=f"decoder.{layer}.cross",
                )
                return reader.unfold(see(record, f"decoder.{layer}.cross.joined", cross.join(context)))

            x, (key, value) = block(
                x, places, bias, past=past, attend_memory=attend_memory, record=record, name=f"decoder.{number}"
            )
            if past is not None:
                key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
            cache |= {f"{number}.key": key, f"{number}.value": value}
        if record is not None:
            # The last layer but one aligns best (Garg 2019); the mean of its heads.
            layer = max(0, len(self.decoder) - 2)
            weights = record.tensors[f"decoder.{layer}.cross.attn_weights"][-1].mean(dim=1)
            record("alignment", reader.unfold(weights))
        return see(record, "decoder.hidden", self.decoder_norm(x)), state.after(n, cache)

    def decoding_form(self) -> Model:
        """See `Model.decoding_form`."""
        # It is built of this class.
        from seqloom.models.decoding_transformer import DecodingTransformer

        return DecodingTransformer(self)
