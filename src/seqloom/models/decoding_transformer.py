"""DecodingTransformer: a trained Transformer laid out to generate.

A Transformer enters; the same model by the same contract leaves, equal within rounding, whose steps are fewer and larger
operations: weights that are used together lie together, the scale of attention is part of them, keys and values stay where they
were written, and the hypotheses of a source ask its memory together. It does not train, and whoever wants to see inside looks
into the model that it was made of.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from seqloom.batching import PairBatch, Sources
from seqloom.models.base import DecoderState, Model, StepOutput, reverse
from seqloom.models.transformer import Transformer
from seqloom.nn.attention import MultiHeadAttention, causal_mask, mask_bias
from seqloom.nn.block import Block
from seqloom.nn.cache import GroupedCache
from seqloom.nn.linear import LinearMap
from seqloom.nn.positions import alibi_bias, rotate
from seqloom.nn.record import Record

_Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class GroupedState(DecoderState):
    """The state of a model in its decoding form: its cache is one for all layers, and groups of hypotheses belong to a source each.

    Attributes:
        written: keys and values of what the hypotheses wrote.
        group_source: (groups,), the row of `memory` that belongs to each group, on the host.
    """

    written: GroupedCache | None = None
    group_source: NDArray[np.int64] | None = None

    @classmethod
    def make(
        cls, memory: Mapping[str, Tensor], written: GroupedCache, group_source: NDArray[np.int64]
    ) -> "GroupedState":
        """A state whose rows follow from its groups."""
        index = torch.from_numpy(group_source.repeat(written.width)).to(written.bias.device)
        return cls(memory, {}, index, written.length, written, group_source)

    @property
    def groups(self) -> tuple[GroupedCache, NDArray[np.int64]]:
        """The cache, and the source of each of its groups."""
        assert self.written is not None
        assert self.group_source is not None
        return self.written, self.group_source

    def select(self, rows: Int[Tensor, "selected"]) -> "GroupedState":
        """As `DecoderState.select`."""
        written, source = self.groups
        written, kept_groups = written.select(rows.cpu().numpy())
        source, memory = source[kept_groups], self.memory
        kept = np.unique(source)
        if len(kept) < memory["mask"].shape[0]:
            index = torch.from_numpy(kept).to(rows.device)
            memory = {name: tensor.index_select(0, index) for name, tensor in memory.items()}
            source = np.searchsorted(kept, source)
        return GroupedState.make(memory, written, source)


class _Attention:
    """The weights of an attention; the scale of the scores is part of the queries'."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        scale = attention.head_dim**-0.5
        query, key_value = attention.query, attention.key_value
        self.query_norm, self.key_norm = attention.query_norm, attention.key_norm
        # Query norm would undo a scale before it; the scale comes after it then.
        self.scale = scale if self.query_norm is not None else 1.0
        before = 1.0 if self.query_norm is not None else scale
        asking = (query.weight * before, None if query.bias is None else query.bias * before)
        answering = (key_value.weight, key_value.bias)
        self.query = LinearMap([asking])
        self.query_key_value = LinearMap([asking, answering])
        self.out = LinearMap([(attention.out.weight, attention.out.bias)])

    def normed(self, query: Tensor) -> Tensor:
        """Queries as the scores want them."""
        return query if self.query_norm is None else self.query_norm(query) * self.scale


class _Layer:
    """A block's weights, and how its sublayers are put together."""

    def __init__(self, block: Block) -> None:
        self.norm_first = block.norm_first
        self.rotary = block.rotary
        self.own = _Attention(block.self_attention)
        self.own_norm = _norm(block.self_norm)
        self.cross = None if block.cross_attention is None else _Attention(block.cross_attention)
        self.cross_norm = None if block.cross_attention is None else _norm(block.cross_norm)
        self.feed_forward_norm = _norm(block.feed_forward_norm)
        feed_forward = block.feed_forward
        self.feed_forward: _Map = feed_forward
        if feed_forward.activation == "relu":
            expand = LinearMap([(feed_forward.expand.weight, feed_forward.expand.bias)], relu=True)
            contract = LinearMap([(feed_forward.contract.weight, feed_forward.contract.bias)])
            self.feed_forward = lambda x: contract(expand(x))

    def sublayer(self, x: Tensor, norm: _Map, sublayer: _Map) -> Tensor:
        """x and what a sublayer makes of it."""
        return sublayer(norm(x)).add_(x) if self.norm_first else norm(sublayer(x).add_(x))


class DecodingTransformer(Model):
    """A Transformer that generates: a snapshot of the weights of `model`."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model
        self.settings = model.settings
        self.vocab = model.vocab
        self.max_len = model.max_len
        self._num_heads = model.settings.num_heads
        self._head_dim = model.settings.d_model // model.settings.num_heads
        blocks = list(_blocks(model.decoder))
        self._encoder = [_Layer(block) for block in _blocks(model.encoder)]
        self._decoder = [_Layer(block) for block in blocks]
        maps = [block.cross_attention.key_value for block in blocks if block.cross_attention is not None]
        self._output = LinearMap([model.output_weights()])
        self._memory_maps = LinearMap([(one.weight, one.bias) for one in maps])
        self._encoder_norm, self._decoder_norm = _norm(model.encoder_norm), _norm(model.decoder_norm)
        # A module begins in training mode; whoever puts this one back as it was must not put the model into it.
        self.training = model.training

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The model's own."""
        return self.model.output_weights()

    def forward(self, batch: PairBatch, record: Record | None = None) -> Float[Tensor, "batch tgt_len d_model"]:
        """Teacher forcing by the model itself, whose layers can be recorded."""
        hidden: Tensor = self.model(batch, record)
        return hidden

    @torch.no_grad()
    def start(self, sources: Sources, record: Record | None = None) -> DecoderState:
        """As `Transformer.start`.

        Raises:
            ValueError: a record is given.
        """
        _refuse(record)
        if self.settings.reverse_source:
            sources = reverse(sources)
        rows, length = sources.ids.shape
        self.model.check_length(length, "source")
        places = torch.arange(length, device=sources.ids.device)[None]
        x = self.model.positions(self.model.embeddings.src(sources.ids), places).flatten(0, 1)
        padding = mask_bias(sources.mask, x.dtype)[:, None, None]
        bias = padding
        if self.settings.positions == "alibi":
            bias = bias + alibi_bias(places, places, self._num_heads).to(x.dtype)
        for layer in self._encoder:
            x = layer.sublayer(x, layer.own_norm, partial(self._encode, layer, places, bias))
            x = layer.sublayer(x, layer.feed_forward_norm, layer.feed_forward)
        x = self._encoder_norm(x)
        memory = {"mask": sources.mask, "bias": padding}
        heads = self._memory_maps(x).view(rows, length, len(self._decoder), 2, self._num_heads, self._head_dim)
        for number, layer in enumerate(self._decoder):
            assert layer.cross is not None
            key, value = heads[:, :, number].permute(2, 0, 3, 1, 4)
            key = key if layer.cross.key_norm is None else layer.cross.key_norm(key)
            memory |= {f"{number}.key": key.contiguous(), f"{number}.value": value.contiguous()}
        written = GroupedCache.empty(rows, len(self._decoder), self._num_heads, self._head_dim, x)
        return GroupedState.make(memory, written, np.arange(rows))

    @torch.no_grad()
    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, record: Record | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """As `Transformer.advance`.

        Raises:
            ValueError: a record is given.
        """
        _refuse(record)
        assert isinstance(state, GroupedState)
        written, source = state.groups
        rows, n = ids.shape
        self.model.check_length(state.length + n, "target")
        written = written.extended(n)
        places = torch.arange(state.length, written.length, device=ids.device)[None]
        x = self.model.positions(self.model.embeddings.tgt(ids), places).flatten(0, 1)
        bias = self._self_bias(written, n, places)
        memory = state.memory
        if len(source) != len(memory["mask"]) or (source != np.arange(len(source))).any():
            index = torch.from_numpy(source).to(ids.device)
            memory = {name: tensor[index] for name, tensor in memory.items()}
        for number, layer in enumerate(self._decoder):
            x = layer.sublayer(
                x,
                layer.own_norm,
                partial(self._attend_written, layer, number, written, places, bias),
            )
            assert layer.cross_norm is not None
            x = layer.sublayer(
                x,
                layer.cross_norm,
                partial(self._attend_memory, layer, number, memory),
            )
            x = layer.sublayer(x, layer.feed_forward_norm, layer.feed_forward)
        hidden = self._decoder_norm(x).view(rows, n, -1)
        return hidden, GroupedState(state.memory, {}, state.source_index, written.length, written, source)

    @torch.no_grad()
    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, record: Record | None = None) -> StepOutput:
        """As `Model.step`: with few rows, an output matrix that lies ready on the right takes half the time."""
        hidden, state = self.advance(ids, state, record)
        return StepOutput(self._output(hidden.flatten(0, 1)).unflatten(0, ids.shape), state)

    def _encode(self, layer: _Layer, places: Tensor, bias: Tensor, x: Tensor) -> Tensor:
        """Self-attention over whole sources."""
        heads = layer.own.query_key_value(x).view(-1, places.shape[1], 3, self._num_heads, self._head_dim)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        query, key = self._placed(layer, query, key, places)
        return layer.own.out(_attend(query, key, value, bias))

    def _attend_written(
        self, layer: _Layer, number: int, written: GroupedCache, places: Tensor, bias: Tensor | None, x: Tensor
    ) -> Tensor:
        """Self-attention from the new positions to everything that their group wrote."""
        groups, width, n = written.groups, written.width, places.shape[1]
        heads = layer.own.query_key_value(x).view(groups, width, n, 3, self._num_heads, self._head_dim)
        query, key, value = heads.permute(3, 0, 4, 1, 2, 5)
        if layer.own.key_norm is None and not layer.rotary:
            written.write(number, heads[:, :, :, 1:].permute(3, 0, 4, 2, 1, 5))
        else:
            query, key = self._placed(layer, query, key, places)
            written.write(number, torch.stack([key, value]).transpose(3, 4))
        keys, values = written.keys_values(number)
        return layer.own.out(_attend(query.flatten(2, 3), keys, values, bias))

    def _attend_memory(self, layer: _Layer, number: int, memory: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Attention from the new positions to the memory of their group's source."""
        assert layer.cross is not None
        key = memory[f"{number}.key"]
        query = layer.cross.query(x).view(len(key), -1, self._num_heads, self._head_dim).transpose(1, 2)
        query = layer.cross.normed(query)
        return layer.cross.out(_attend(query, key, memory[f"{number}.value"], memory["bias"]))

    def _placed(self, layer: _Layer, query: Tensor, key: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys, normed and turned as the settings say; positions stand last but one."""
        query = layer.own.normed(query)
        key = key if layer.own.key_norm is None else layer.own.key_norm(key)
        if layer.rotary:
            shape = query.shape
            flat = (-1, 1, *shape[-2:])
            query, key = (rotate(x.reshape(flat), places).view(shape) for x in (query, key))
        return query, key

    def _self_bias(self, written: GroupedCache, n: int, places: Tensor) -> Tensor | None:
        """What is added to the scores of self-attention, (groups or 1, num_heads or 1, width * n, length * width)."""
        width, length = written.width, written.length
        bias = None if width == 1 else written.bias[:, None, :, None]
        if n > 1:
            # (n, length * width): every hypothesis of a group has a key at each position.
            causal = causal_mask(n, length, places.device).repeat_interleave(width, dim=1)
            past = mask_bias(causal, written.bias.dtype)
            bias = past[None, None, None] if bias is None else bias + past
        if self.settings.positions == "alibi":
            keys = torch.arange(length, device=places.device)[None]
            slope = alibi_bias(places, keys, self._num_heads).to(written.bias.dtype).repeat_interleave(width, dim=3)
            bias = slope[:, :, None] if bias is None else bias + slope[:, :, None]
        if bias is None:
            return None
        return bias.expand(-1, -1, width, n, -1).flatten(2, 3)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Softmax of the scores over the keys, times the values.

    Args:
        query: (batch, num_heads, query_len, head_dim), scaled.
        key, value: (batch, num_heads, key_len, head_dim), or the first two as one.
        bias: (batch or 1, num_heads or 1, query_len or 1, key_len).

    Returns:
        (batch * query_len, num_heads * head_dim)
    """
    batch, num_heads, length, head_dim = query.shape
    key, value = (x if x.ndim == 3 else x.flatten(0, 1) for x in (key, value))
    scores = torch.bmm(query.flatten(0, 1), key.transpose(1, 2))
    if bias is not None:
        scores.view(batch, num_heads, length, -1).add_(bias)
    context = torch.bmm(scores.softmax(dim=2), value)
    return context.view(batch, num_heads, length, head_dim).transpose(1, 2).reshape(batch * length, -1)


def _norm(module: nn.Module) -> _Map:
    """A norm without the detours of a module."""
    if isinstance(module, nn.LayerNorm):
        shape, weight, bias, eps = list(module.normalized_shape), module.weight, module.bias, module.eps
        return lambda x: torch.layer_norm(x, shape, weight, bias, eps)
    return module


def _blocks(modules: Iterable[nn.Module]) -> Iterable[Block]:
    for module in modules:
        assert isinstance(module, Block)
        yield module


def _refuse(record: Record | None) -> None:
    if record is not None:
        raise ValueError("a model in its decoding form is not recorded; record the model that it was made of")
