"""InferenceTransformer: a trained Transformer with weights and caches laid out for generation.

It has the same contract as its model, and equal results within rounding. Weights that are used together are packed into one matrix,
which includes the scale of attention. Keys and values are written once and not copied, and all hypotheses of a source attend to its
memory in one product. It cannot be trained and captures no activations; the original model does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.models.base import DecoderState, MemoryReader
from seqloom.models.inference_model import InferenceModel, check_no_hooks
from seqloom.models.transformer import Transformer
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.block import InferenceBlock
from seqloom.nn.cache import GroupedCache
from seqloom.nn.dropout import Dropout
from seqloom.nn.linear import LinearMap
from seqloom.nn.multi_head import MultiHeadAttention, PackedAttention
from seqloom.nn.norm import norm_function


@dataclass(frozen=True, slots=True)
class GroupedState(DecoderState):
    """The state of an inference model: one cache for all layers, with groups of hypotheses of the same source.

    Attributes:
        keys_values: the cache of the target positions.
        group_source: (num_groups,), the row of `memory` that belongs to each group; a NumPy array on the host.
    """

    keys_values: GroupedCache | None = None
    group_source: NDArray[np.int64] | None = None

    @classmethod
    def make(
        cls, memory: Mapping[str, Tensor], keys_values: GroupedCache, group_source: NDArray[np.int64]
    ) -> "GroupedState":
        """Makes a state; its rows are the hypotheses of the groups."""
        index = torch.from_numpy(group_source.repeat(keys_values.group_size)).to(keys_values.bias.device)
        return cls(memory, {}, index, keys_values.length, keys_values, group_source)

    @property
    def groups(self) -> tuple[GroupedCache, NDArray[np.int64]]:
        """The cache, and the source of each of its groups."""
        assert self.keys_values is not None
        assert self.group_source is not None
        return self.keys_values, self.group_source

    def select(self, rows: Int[Tensor, "selected"]) -> "GroupedState":
        """Like `DecoderState.select`."""
        keys_values, source = self.groups
        keys_values, kept_groups = keys_values.select(rows.cpu().numpy())
        source, memory = source[kept_groups], self.memory
        kept = np.unique(source)
        if len(kept) < memory["mask"].shape[0]:
            index = torch.from_numpy(kept).to(rows.device)
            memory = {name: tensor.index_select(0, index) for name, tensor in memory.items()}
            source = np.searchsorted(kept, source)
        return GroupedState.make(memory, keys_values, source)


class InferenceTransformer(InferenceModel, Transformer):
    """A Transformer for generation: a snapshot of the weights of `model`."""

    def __init__(self, model: Transformer) -> None:
        super().__init__(model)
        self.settings = model.settings
        self.embeddings, self.positions, self.dropout = model.embeddings, model.positions, Dropout(0.0)
        maps = []
        for block in model.decoder:
            assert isinstance(block.cross_attention, MultiHeadAttention)
            maps.append((block.cross_attention.key_value.weight, block.cross_attention.key_value.bias))
        self.encoder = [InferenceBlock(block) for block in model.encoder]
        self.decoder = [InferenceBlock(block) for block in model.decoder]
        self.encoder_embedding_norm = model.encoder_embedding_norm
        self.decoder_embedding_norm = model.decoder_embedding_norm
        self.encoder_bias, self.decoder_bias = model.encoder_bias, model.decoder_bias
        self.encoder_norm = norm_function(model.encoder_norm)
        self.decoder_norm = norm_function(model.decoder_norm)
        self._memory_maps = LinearMap(maps)

    @torch.no_grad()
    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Like `Transformer.start`.

        Raises:
            ValueError: hooks were passed.
        """
        check_no_hooks(hooks)
        return super().start(sources)

    @torch.no_grad()
    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Like `Transformer.advance`, with the hypotheses of a group as one row of queries.

        Raises:
            ValueError: hooks were passed.
        """
        check_no_hooks(hooks)
        assert isinstance(state, GroupedState)
        cache, source = state.groups
        rows, n = ids.shape
        self.check_length(state.length + n, "target")
        positions = torch.arange(state.length, state.length + n, device=ids.device)[None]
        x = self._embed_target(ids, positions).view(cache.num_groups, cache.group_size * n, -1)
        cache = cache.extended(n)
        bias = cache.self_attention_bias(positions, self.decoder_bias)
        rotation = self.settings.rotation(positions.repeat(1, cache.group_size))
        memory = state.memory
        if len(source) != len(memory["mask"]) or (source != np.arange(len(source))).any():
            index = torch.from_numpy(source).to(ids.device)
            memory = {name: tensor[index] for name, tensor in memory.items()}
        x = self._decode(x, bias, rotation, cache, MemoryReader.of_rows(memory))
        hidden = self.decoder_norm(x).view(rows, n, -1)
        return hidden, GroupedState(state.memory, {}, state.source_index, cache.length, cache, source)

    def _memory_keys_values(self, encoder_output: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """See `Transformer._memory_keys_values`; here one matrix product computes all layers."""
        for layer, parts in enumerate(self._memory_maps(encoder_output).chunk(len(self.decoder), dim=2)):
            attention = self.decoder[layer].cross_attention
            assert isinstance(attention, PackedAttention)
            key, value = parts.unflatten(2, (2, -1, attention.head_dim)).permute(2, 0, 3, 1, 4)
            yield attention.normalise_keys(key).contiguous(), value.contiguous()

    def _initial_state(self, memory: Mapping[str, Tensor]) -> DecoderState:
        """A state with an empty cache and one group per source."""
        key, rows = memory["0.key"], memory["mask"].shape[0]
        cache = GroupedCache.empty(rows, len(self.decoder), key.shape[1], key.shape[3], key)
        return GroupedState.make(memory, cache, np.arange(rows))
