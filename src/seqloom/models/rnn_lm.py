"""The recurrent language model (Mikolov 2010; with LSTMs, Zaremba 2014): one recurrent decoder without an encoder."""

from typing import Literal

import torch
from pydantic import Field

from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState
from seqloom.models.recurrent_model import RecurrentModel, RecurrentSettings
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.block import initialise_linear
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings
from seqloom.nn.linear import Linear
from seqloom.nn.recurrent_stack import RecurrentStack, pack_states
from seqloom.vocabulary import Vocabulary


class RecurrentLMSettings(RecurrentSettings):
    """Settings of the recurrent language model."""

    architecture: Literal["rnn-lm"] = "rnn-lm"
    tied_embeddings: Literal["all", "none"] = Field(
        "all", description="whether the output matrix is the embedding matrix (Press & Wolf 2017)"
    )


class RecurrentLM(RecurrentModel):
    """One stack of recurrent layers over prompt and response.

    The source of a pair is the prompt, and its eos marks the beginning of the response. Texts of any length fit, because the state
    has a fixed size.
    """

    settings_type = RecurrentLMSettings

    trains_on_texts = True

    def __init__(self, settings: RecurrentLMSettings, vocab: Vocabulary) -> None:
        super().__init__()
        vocab.check_shared("a decoder-only model")
        self.settings = settings
        self.vocab = vocab
        # 0 source ids: there is no encoder, so prompts use the target embeddings.
        self.embeddings = Embeddings(0, vocab.tgt_size, settings.d_model, tying=settings.tied_embeddings, scaled=True)
        self.dropout = Dropout(settings.dropout)
        self.decoder = RecurrentStack(
            settings.cell, settings.d_model, settings.hidden_size, settings.num_layers, dropout=settings.dropout
        )
        self.readout = Linear(settings.hidden_size, settings.d_model)
        initialise_linear(self)

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Reads the prompts; the cache holds the states after each prompt's last token."""
        rows, length = sources.ids.shape
        # One hypothesis for each source, so hypothesis i belongs to source i.
        source_index = torch.arange(rows, device=sources.ids.device)
        if length == 0:
            states = self.decoder.initial_states(rows)
        else:
            x = capture(hooks, "prompt.tokens", self.embeddings.tgt(sources.ids))
            _, states = self.decoder(self.dropout(x), sources.mask, hooks=hooks, name="prompt")
        return DecoderState({"mask": sources.mask}, pack_states(states), source_index)
