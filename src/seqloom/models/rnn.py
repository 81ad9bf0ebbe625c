"""The recurrent encoder-decoder: the decoder gets only the last states of the encoder, of fixed size (Sutskever 2014)."""

from typing import Literal

import torch
from pydantic import Field

from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState, reverse
from seqloom.models.recurrent_model import RecurrentModel, RecurrentSettings
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.block import initialise_linear
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings
from seqloom.nn.linear import Linear
from seqloom.nn.recurrent_stack import RecurrentStack, pack_states
from seqloom.vocabulary import Vocabulary


class RNNSettings(RecurrentSettings):
    """Settings of the recurrent encoder-decoder."""

    architecture: Literal["rnn"] = "rnn"
    reverse_source: bool = Field(True, description="read the source backwards (Sutskever 2014, section 3.3)")


class RNN(RecurrentModel):
    """A recurrent encoder, and a recurrent decoder whose initial states are the encoder's last states."""

    settings_type = RNNSettings

    settings: RNNSettings

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

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Encodes the sources; the cache holds the last states, and the memory only the mask."""
        if self.settings.reverse_source:
            sources = reverse(sources, hooks)
        x = capture(hooks, "encoder.tokens", self.embeddings.src(sources.ids))
        _, states = self.encoder(self.dropout(x), sources.mask, hooks=hooks, name="encoder")
        index = torch.arange(len(sources), device=sources.ids.device)
        return DecoderState({"mask": sources.mask}, pack_states(states), index)
