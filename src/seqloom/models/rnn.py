"""The recurrent encoder-decoder: the decoder gets only the last states of the encoder, of fixed size (Sutskever 2014)."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from seqloom.config import MOST_LAYERS, WIDEST
from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState, Model, ModelSettings, reverse
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.block import initialise_linear
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings, TyingName
from seqloom.nn.linear import Linear
from seqloom.nn.recurrent import CellName
from seqloom.nn.recurrent_stack import RecurrentStack, pack_states, unpack_states
from seqloom.vocabulary import Vocabulary


class RecurrentSettings(ModelSettings):
    """Settings that all recurrent models share."""

    cell: CellName = "lstm"
    d_model: int = Field(128, gt=0, le=WIDEST, description="width of the embeddings and of the output matrix")
    hidden_size: int = Field(256, gt=0, le=WIDEST, description="width of the recurrent states")
    num_layers: int = Field(2, gt=0, le=MOST_LAYERS, description="recurrent layers of the encoder, and of the decoder")
    dropout: float = Field(0.2, ge=0, lt=1, description="on embeddings, between layers and before the vocabulary")
    tied_embeddings: TyingName = "all"


class RNNSettings(RecurrentSettings):
    """Settings of the recurrent encoder-decoder."""

    architecture: Literal["rnn"] = "rnn"
    reverse_source: bool = Field(True, description="read the source backwards (Sutskever 2014, section 3.3)")


class RNN(Model):
    """A recurrent encoder, and a recurrent decoder whose initial states are the encoder's last states."""

    settings_type = RNNSettings

    # torch.compile cannot trace the recurrence, which is an autograd function of its own.
    compiles = False

    def __init__(self, settings: RNNSettings, vocab: Vocabulary) -> None:
        super().__init__()
        self.settings = settings
        self.vocab = vocab
        self.embeddings = Embeddings(
            vocab.src_size, vocab.tgt_size, settings.d_model, tying=settings.tied_embeddings, scaled=True
        )
        self.dropout = Dropout(settings.dropout)
        shape = (settings.cell, settings.d_model, settings.hidden_size, settings.num_layers)
        self.encoder = RecurrentStack(*shape, dropout=settings.dropout)
        self.decoder = RecurrentStack(*shape, dropout=settings.dropout)
        self.readout = Linear(settings.hidden_size, settings.d_model)
        initialise_linear(self)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], None]:
        """The output matrix; it has no bias."""
        return self.embeddings.output, None

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Encodes the sources; the cache holds the last states, and the memory only the mask."""
        if self.settings.reverse_source:
            sources = reverse(sources, hooks)
        x = capture(hooks, "encoder.tokens", self.embeddings.src(sources.ids))
        _, states = self.encoder(self.dropout(x), sources.mask, hooks=hooks, name="encoder")
        index = torch.arange(len(sources), device=sources.ids.device)
        return DecoderState({"mask": sources.mask}, pack_states(states), index)

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Runs the decoder over n positions; see `Model.advance`."""
        num_parts = 2 if self.settings.cell == "lstm" else 1
        states = unpack_states(dict(state.cache), self.settings.num_layers, num_parts)
        x = capture(hooks, "decoder.tokens", self.embeddings.tgt(ids))
        x, states = self.decoder(self.dropout(x), None, states, hooks=hooks, name="decoder")
        hidden = capture(hooks, "decoder.hidden", self.dropout(self.readout(x)))
        return hidden, state.after(ids.shape[1], pack_states(states))
