"""The recurrent encoder-decoder with attention: multiplicative (Luong 2015) or additive (Bahdanau 2015).

The query of Luong's decoder is its state at the same position. So the recurrence runs over all positions first, and then attention
is computed for all of them at once. Input feeding and Bahdanau's decoder need the context of the previous step, so they run step
by step.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState, MemoryReader, reversal, reverse
from seqloom.models.recurrent_model import RecurrentModel, RecurrentSettings
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.attention import BahdanauAttention, LuongAttention, LuongScore, weighted_context
from seqloom.nn.block import initialise_linear
from seqloom.nn.dropout import Dropout
from seqloom.nn.embedding import Embeddings
from seqloom.nn.linear import Linear
from seqloom.nn.recurrent_stack import LayerState, RecurrentStack, pack_states
from seqloom.nn.stepwise_attention import StepwiseAttention
from seqloom.vocabulary import Vocabulary


class AttentionRNNSettings(RecurrentSettings):
    """Settings of the recurrent encoder-decoder with attention."""

    architecture: Literal["attention-rnn"] = "attention-rnn"
    attention: Literal["luong", "bahdanau"] = "luong"
    score: LuongScore | None = Field(None, description="Luong's score function; default: general")
    input_feeding: bool = Field(
        False, description="feed the last attentional state into the next step (Luong 2015, 3.3)"
    )
    bidirectional: bool = Field(True, description="read the source in both directions, each with half of hidden_size")
    reverse_source: bool = Field(False, description="read the source backwards (Sutskever 2014)")

    @model_validator(mode="after")
    def _fits(self) -> "AttentionRNNSettings":
        if self.attention == "bahdanau" and self.score is not None:
            raise ValueError(
                "score chooses one of Luong's functions; Bahdanau's attention has its own: leave score out"
            )
        if self.attention == "bahdanau" and self.input_feeding:
            raise ValueError("Bahdanau's decoder feeds its context back by itself: leave input_feeding out")
        if self.bidirectional and self.hidden_size % 2:
            raise ValueError(f"hidden_size {self.hidden_size} is shared by two directions, so it must be even")
        return self

    @property
    def stepwise(self) -> bool:
        """Whether a step needs the context of the previous step."""
        return self.input_feeding or self.attention == "bahdanau"


class AttentionRNN(RecurrentModel):
    """A recurrent encoder, and a recurrent decoder that attends to all encoder states at each target position."""

    settings_type = AttentionRNNSettings

    settings: AttentionRNNSettings

    def __init__(self, settings: AttentionRNNSettings, vocab: Vocabulary) -> None:
        super().__init__()
        self.settings = settings
        self.vocab = vocab
        d_model, hidden = settings.d_model, settings.hidden_size
        self.embeddings = Embeddings(
            vocab.src_size, vocab.tgt_size, d_model, tying=settings.tied_embeddings, scaled=True
        )
        self.dropout = Dropout(settings.dropout)
        self.encoder = RecurrentStack(
            settings.cell,
            d_model,
            hidden,
            settings.num_layers,
            dropout=settings.dropout,
            bidirectional=settings.bidirectional,
        )
        additive = settings.attention == "bahdanau"
        self.feed_size = (hidden if additive else d_model) if settings.stepwise else 0
        self.decoder = RecurrentStack(
            settings.cell, d_model + self.feed_size, hidden, settings.num_layers, dropout=settings.dropout
        )
        self.attention = (
            BahdanauAttention(hidden, hidden)
            if additive
            else LuongAttention(hidden, hidden, settings.score or "general")
        )
        # Bahdanau 2015, A.2.2: a deep output with one maxout layer (of s_i, not s_{i-1}); Luong 2015, equation 5: tanh(W_c [c; h]).
        self.readout = Linear(2 * hidden + d_model, 2 * d_model) if additive else Linear(2 * hidden, d_model)
        self.bridge = Linear(hidden, hidden) if additive else None
        initialise_linear(self)

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Encodes the sources; the memory holds the encoder states and the keys of attention."""
        mask = sources.mask
        if self.settings.reverse_source:
            sources = reverse(sources, hooks)
        x = capture(hooks, "encoder.tokens", self.embeddings.src(sources.ids))
        states, last = self.encoder(self.dropout(x), mask, hooks=hooks, name="encoder")
        if self.settings.reverse_source:
            # Restore the order of the text, so that attention weights over the source are in that order too.
            states = states.gather(1, reversal(mask)[:, :, None].expand_as(states))
        states = capture(hooks, "encoder.memory", self.dropout(states))
        cache = pack_states(self._initial_states(last))
        if self.feed_size:
            cache["feed"] = states.new_zeros(len(sources), self.feed_size)
        memory = {"mask": mask, "states": states, "keys": self.attention.keys(states)}
        return DecoderState(memory, cache, torch.arange(len(sources), device=mask.device))

    def _initial_states(self, last: list[LayerState]) -> list[LayerState]:
        if self.bridge is None:
            return last
        # Bahdanau 2015, A.2.2 uses only the backward state; here the states of all directions of the encoder are used.
        return [(torch.tanh(self.bridge(hidden)), *rest) for hidden, *rest in last]

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Runs the decoder and attention over n positions; see `Model.advance`."""
        states = self.decoder_states(state)
        reader = MemoryReader(state)
        x = self.dropout(capture(hooks, "decoder.tokens", self.embeddings.tgt(ids)))
        cache: dict[str, Tensor] = {}
        if not self.settings.stepwise:
            queries, states = self.decoder(x, None, states, hooks=hooks, name="decoder")
            context = self._attend(queries, reader, hooks)
            hidden = torch.tanh(self.readout(torch.cat([context, queries], dim=2)))
        else:
            hidden, states, cache["feed"] = self._advance_stepwise(x, states, state.cache["feed"], reader, hooks)
        if hooks is not None:
            weights = torch.cat(
                hooks.tensors["decoder.attention.attn_weights"][-(ids.shape[1] if self.feed_size else 1) :], 1
            )
            hooks("alignment", weights)
        hidden = capture(hooks, "decoder.hidden", self.dropout(hidden))
        return hidden, state.after(ids.shape[1], cache | pack_states(states))

    def _attend(self, queries: Tensor, reader: MemoryReader, hooks: ActivationHooks | None) -> Tensor:
        scores = self.attention.scores(reader.fold(queries), reader["keys"])
        return reader.unfold(weighted_context(scores, reader["states"], reader["mask"], hooks, "decoder.attention"))

    def _advance_stepwise(
        self, x: Tensor, states: list[LayerState], feed: Tensor, reader: MemoryReader, hooks: ActivationHooks | None
    ) -> tuple[Tensor, list[LayerState], Tensor]:
        additive = self.settings.attention == "bahdanau"
        attend = self._stepwise_attention(x, reader, hooks)
        projected, fed_weight = self.decoder.project(x)
        tops, feeds = [], []
        for step in projected.unbind():
            if additive:
                # The context of s_{i-1} is an input of the step that computes s_i (equations 4 to 6).
                feed = attend(states[-1][0])
            states = self.decoder.step(step, feed, fed_weight, states, hooks=hooks, name="decoder")
            if not additive:
                feed = torch.tanh(self.readout(torch.cat([attend(states[-1][0]), states[-1][0]], dim=1)))
            tops.append(states[-1][0])
            feeds.append(feed)
        all_feeds = torch.stack(feeds, dim=1)
        if not additive:
            return all_feeds, states, feed
        pieces = self.readout(torch.cat([torch.stack(tops, dim=1), all_feeds, x], dim=2))
        return pieces.unflatten(2, (-1, 2)).amax(dim=3), states, feed

    def _stepwise_attention(
        self, x: Tensor, reader: MemoryReader, hooks: ActivationHooks | None
    ) -> Callable[[Tensor], Tensor]:
        """A function that turns one query per row into its context.

        In training it is StepwiseAttention. Hooks, autocast, and memories shared by several rows need plain attention.
        """
        keys, memory = reader["keys"], reader["states"]
        if (
            hooks is None
            and torch.is_grad_enabled()
            and keys.shape[0] == x.shape[0]
            and not torch.is_autocast_enabled(x.device.type)
        ):
            attention = StepwiseAttention(keys, memory, reader["mask"], self.attention.energy_weights)
            return lambda query: attention(self.attention.project_query(query))
        return lambda query: self._attend(query[:, None], reader, hooks)[:, 0]
