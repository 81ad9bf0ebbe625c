"""Shortlisted: a model that generates, for each source of a batch, only ids on the source's shortlist.

Input: a model and shortlists; output: a model by the contract. Its ids are positions on the shortlist, so search uses it like any
other model, and `in_vocabulary_ids` converts the results. It multiplies only with the rows of the output matrix that a source
needs, and probabilities are over these. It does not know the architecture, nor where shortlists come from.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.errors import DecodingError
from seqloom.models.base import DecoderState, MemoryReader, Model, StepOutput
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.vocabulary import Vocabulary

_IDS, _WEIGHTS, _BIAS = "shortlist.ids", "shortlist.weights", "shortlist.bias"


class Shortlisted(Model):
    """A model for one batch of sources, restricted to their shortlists. It generates; it cannot be trained and does not score."""

    def __init__(self, model: Model, shortlists: NDArray[np.int64]) -> None:
        """Restricts a model.

        Args:
            shortlists: (sources, longest): pad, bos, eos, then other ids, then -1 where a source has no more.
        """
        super().__init__()
        vocab, width = model.vocab, shortlists.shape[1]
        self.model = model
        self.max_len = model.max_len
        self.vocab = Vocabulary(vocab.src_size, width, shared=False, pad_id=0, bos_id=1, eos_id=2)
        self.training = model.training
        self._shortlists = shortlists

    def max_tgt_len(self, src_len: int) -> int | None:
        """The limit of the model."""
        return self.model.max_tgt_len(src_len)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """Each source has its own output matrix.

        Raises:
            DecodingError: always; use `step`.
        """
        raise DecodingError(
            "a model with shortlists has an output matrix for each source: it generates, but it cannot be trained"
        )

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """The state of the model, with the output matrix of each source added to its memory."""
        state = self.model.start(sources, hooks)
        weight, bias = self.model.output_weights()
        ids = torch.from_numpy(np.maximum(self._shortlists, 0)).to(weight.device)
        absent = torch.from_numpy(self._shortlists < 0).to(weight.device)
        biases = weight.new_zeros(ids.shape) if bias is None else bias[ids]
        rows = weight.index_select(0, ids.flatten()).unflatten(0, ids.shape)
        own = {_IDS: ids, _WEIGHTS: rows, _BIAS: biases.masked_fill(absent, -math.inf)[:, None]}
        return replace(state, memory={**state.memory, **own})

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Feeds positions on the shortlists."""
        return self.model.advance(state.memory[_IDS][state.source_index[:, None], ids], state, hooks)

    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None) -> StepOutput:
        """Feeds positions on the shortlists, and computes the logits of the positions that may follow."""
        hidden, state = self.advance(ids, state, hooks)
        memory = MemoryReader(state)
        logits = torch.baddbmm(memory[_BIAS], memory.fold(hidden), memory[_WEIGHTS].transpose(1, 2))
        return StepOutput(memory.unfold(logits), state)


def in_vocabulary_ids(
    hypotheses: Sequence[Sequence[Hypothesis]], shortlists: NDArray[np.int64]
) -> list[list[Hypothesis]]:
    """Hypotheses of each source with ids of the vocabulary instead of positions on the source's shortlist."""
    return [
        [replace(item, ids=tuple(shortlist[np.array(item.ids, dtype=np.int64)].tolist())) for item in of_source]
        for shortlist, of_source in zip(shortlists, hypotheses, strict=True)
    ]
