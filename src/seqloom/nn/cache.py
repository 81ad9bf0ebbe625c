"""Caches of keys and values: what the next positions of a decoder attend to.

A block appends the keys and values of new positions and gets all of its layer so far. `RowCache` keeps them row by row: gradients
pass through it, so training uses it, and everything that captures activations. `GroupedCache` serves generation: the hypotheses of
a source share most of their beginning, so keys and values stay where they were written, and `select` changes only which of them
each hypothesis attends to. Neither knows the weights of layers, the sources or the search.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.nn.attention import causal_mask, mask_bias
from seqloom.nn.positions import PositionBias


class KeyValueCache(Protocol):
    """What a block needs of a cache."""

    def append(
        self,
        layer: int,
        key: Float[Tensor, "rows num_kv_heads n head_dim"],
        value: Float[Tensor, "rows num_kv_heads n head_dim"],
    ) -> tuple[Tensor, Tensor]:
        """Adds the keys and values of new positions; returns all of the layer, new ones included."""
        ...


class RowCache:
    """Keys and values of each row, joined with those of the positions before.

    Args:
        past: the tensors of earlier positions, by layer: "0.key", "0.value", (rows, num_kv_heads, length, head_dim) each.

    Attributes:
        tensors: the same with the new positions.
    """

    def __init__(self, past: Mapping[str, Tensor]) -> None:
        self._past = past
        self.tensors: dict[str, Tensor] = {}

    def append(
        self,
        layer: int,
        key: Float[Tensor, "rows num_kv_heads n head_dim"],
        value: Float[Tensor, "rows num_kv_heads n head_dim"],
    ) -> tuple[Float[Tensor, "rows num_kv_heads length head_dim"], Float[Tensor, "rows num_kv_heads length head_dim"]]:
        """See `KeyValueCache.append`."""
        key_name, value_name = f"{layer}.key", f"{layer}.value"
        if key_name in self._past:
            key = torch.cat([self._past[key_name], key], dim=2)
            value = torch.cat([self._past[value_name], value], dim=2)
        self.tensors[key_name], self.tensors[value_name] = key, value
        return key, value


_CAPACITY = 16
"""Positions that a new cache has memory for; then as many again as are used."""


@dataclass(slots=True)
class _Store:
    """Memory for keys and values.

    Several caches may share a store; each uses its first `length` positions. A cache that is as long as `written` may append in
    place; a shorter one must copy.

    Attributes:
        tensor: (num_layers, 2, groups * num_heads, capacity * width, head_dim).
        written: positions that are in use.
    """

    tensor: Tensor
    written: int


@dataclass(frozen=True, slots=True)
class GroupedCache:
    """Keys and values of `groups` * `width` hypotheses of equal length. Immutable, except that new positions are appended once.

    Attributes:
        groups: the number of groups; the `width` hypotheses of a group follow each other.
        width: hypotheses of a group, and so keys of each of its positions.
        length: positions so far.
        num_heads: heads of keys and values.
        bias: (groups, width, length * width): 0 at keys of the hypothesis itself, minus infinity at those of others.
    """

    groups: int
    width: int
    length: int
    num_heads: int
    bias: Tensor
    _store: _Store

    @classmethod
    def empty(cls, groups: int, num_layers: int, num_heads: int, head_dim: int, like: Tensor) -> "GroupedCache":
        """A cache without positions, of `groups` hypotheses that are a group each."""
        tensor = like.new_empty(num_layers, 2, groups * num_heads, _CAPACITY, head_dim)
        return cls(groups, 1, 0, num_heads, like.new_zeros(groups, 1, 0), _Store(tensor, 0))

    def extended(self, n: int) -> "GroupedCache":
        """The cache with n more positions, whose keys and values `append` has yet to write."""
        length, store = self.length + n, self._store
        if store.written != self.length or length * self.width > store.tensor.shape[3]:
            store = _Store(self._copy(None, max(length, 2 * self.length) + _CAPACITY), self.length)
        store.written = length
        bias = self.bias
        if self.width == 1:
            bias = bias.new_zeros(self.groups, 1, length)
        else:
            own = torch.full((self.width, n, self.width), -math.inf, dtype=bias.dtype, device=bias.device)
            own.diagonal(dim1=0, dim2=2).fill_(0)
            bias = torch.cat([bias, own.flatten(1).expand(self.groups, -1, -1)], dim=2)
        return GroupedCache(self.groups, self.width, length, self.num_heads, bias, store)

    def append(
        self,
        layer: int,
        key: Float[Tensor, "groups num_heads width_n head_dim"],
        value: Float[Tensor, "groups num_heads width_n head_dim"],
    ) -> tuple[Float[Tensor, "groups_heads keys head_dim"], Float[Tensor, "groups_heads keys head_dim"]]:
        """Writes the keys and values of the last positions; returns all of the layer.

        Args:
            key, value: hypothesis by hypothesis, and within each position by position.

        Returns:
            Position by position, and at each position hypothesis by hypothesis.
        """
        groups, heads, width_n, head_dim = key.shape
        used = self.length * self.width
        keys, values = self._store.tensor[layer].narrow(2, 0, used).unbind()
        for all_parts, part in ((keys, key), (values, value)):
            new = all_parts.narrow(1, used - width_n, width_n)
            if self.width == 1:
                new.view(groups, heads, width_n, head_dim).copy_(part)
            else:
                n = width_n // self.width
                part = part.view(groups, heads, self.width, n, head_dim).transpose(2, 3)
                new.view(groups, heads, n, self.width, head_dim).copy_(part)
        return keys, values

    def self_bias(
        self, positions: Int[Tensor, "1 n"], position_bias: PositionBias | None = None
    ) -> Float[Tensor, "#groups #num_heads width_n keys"] | None:
        """What is added to the self-attention scores of the last n positions.

        Args:
            positions: these positions.
            position_bias: see `self_bias`.
        """
        bias = None if self.width == 1 else self.bias[:, None, :, None]
        return self_bias(self.length, positions, self.bias.dtype, position_bias, width=self.width, own=bias)

    def select(self, rows: NDArray[np.int64]) -> tuple["GroupedCache", NDArray[np.int64]]:
        """The cache of the given hypotheses, in their order, in groups as wide as the order allows; which groups they come from."""
        group = rows // self.width
        width = _run_length(group)
        if width == self.width:
            kept = group[::width]
            bias = self.bias
            if self.width > 1:
                index = torch.from_numpy(rows).to(bias.device)
                bias = bias.flatten(0, 1).index_select(0, index).unflatten(0, (len(kept), width))
            else:
                bias = bias[: len(kept)] if len(kept) <= len(bias) else bias.new_zeros(len(kept), 1, self.length)
            store = self._store
            if len(kept) != self.groups or (kept != np.arange(len(kept))).any():
                store = _Store(self._copy(kept, store.tensor.shape[3] // width), self.length)
        elif self.width == 1 and width:
            kept = group[::width]
            bias, store = self._widened(kept, width)
        else:
            kept, width = group, 1
            bias, store = self._ungrouped(rows)
        return GroupedCache(len(kept), width, self.length, self.num_heads, bias, store), kept

    def _copy(self, kept: NDArray[np.int64] | None, capacity: int) -> Tensor:
        """Memory for more positions, with the keys and values of some of the groups."""
        old = self._store.tensor
        layers, two, _, _, head_dim = old.shape
        groups = self.groups if kept is None else len(kept)
        copy = old.new_empty(layers, two, groups * self.num_heads, capacity * self.width, head_dim)
        source = old[:, :, :, : self.length * self.width]
        target = copy[:, :, :, : self.length * self.width]
        if kept is None:
            target.copy_(source)
        else:
            index = torch.from_numpy(kept).to(old.device)
            heads = (index[:, None] * self.num_heads + torch.arange(self.num_heads, device=old.device)).flatten()
            torch.index_select(source, 2, heads, out=target)
        return copy

    def _widened(self, kept: NDArray[np.int64], width: int) -> tuple[Tensor, _Store]:
        """Each hypothesis becomes a group of `width` copies; its keys become those of the first copy at each position."""
        narrow = self._copy(kept, max(1, self.length))[:, :, :, : self.length]
        capacity = self.length + _CAPACITY
        # Keys of the other copies have weight 0; their values are multiplied with it, so they must be numbers.
        wide = narrow.new_zeros(*narrow.shape[:3], capacity * width, narrow.shape[4])
        wide[:, :, :, : self.length * width : width] = narrow
        bias = self.bias.new_full((len(kept), width, self.length * width), -math.inf)
        bias[:, :, ::width] = 0
        return bias, _Store(wide, self.length)

    def _ungrouped(self, rows: NDArray[np.int64]) -> tuple[Tensor, _Store]:
        """Each hypothesis becomes a group of its own, with a copy of its keys and values."""
        index = torch.from_numpy(rows).to(self.bias.device)
        attended = self.bias.flatten(0, 1)[index].unflatten(1, (self.length, self.width))
        positions = attended.argmax(dim=2) + torch.arange(self.length, device=index.device) * self.width
        layers, two, _, _, head_dim = self._store.tensor.shape
        old = self._store.tensor.view(layers, two, self.groups, self.num_heads, -1, head_dim)
        own = old[:, :, index // self.width, :, :][:, :, :, :, : self.length * self.width]
        own = own.gather(
            4, positions[None, None, :, None, :, None].expand(layers, two, -1, self.num_heads, -1, head_dim)
        )
        return attended.new_zeros(len(rows), 1, self.length), _Store(own.flatten(2, 3), self.length)


def _run_length(values: NDArray[np.int64]) -> int:
    """How many equal values stand together each time; 0 where the runs differ in length."""
    last = np.flatnonzero(values[1:] != values[:-1])
    width, rest = divmod(len(values), len(last) + 1)
    equal = not rest and (last == np.arange(1, len(last) + 1) * width - 1).all()
    return width if equal else 0


def self_bias(
    length: int,
    positions: Int[Tensor, "1 n"],
    dtype: torch.dtype,
    position_bias: PositionBias | None = None,
    *,
    width: int = 1,
    own: Float[Tensor, "groups 1 width 1 keys"] | None = None,
) -> Float[Tensor, "#groups #num_heads width_n keys"] | None:
    """What is added to self-attention scores of the last n of `length` positions: the causal mask, and the bias of positions.

    Args:
        position_bias: what positions add: ALiBi, or relative positions.
        width: hypotheses of a group, and so keys of each position.
        own: where a hypothesis may attend within its group.

    Returns:
        The bias, or None where nothing has to be added.
    """
    n, bias = positions.shape[1], own
    if n > 1:
        causal = causal_mask(n, length, positions.device).repeat_interleave(width, dim=1)
        past = mask_bias(causal, dtype)[None, None, None]
        bias = past if bias is None else bias + past
    if position_bias is not None:
        keys = torch.arange(length, device=positions.device)[None]
        added = position_bias(positions, keys).to(dtype).repeat_interleave(width, dim=3)[:, :, None]
        bias = added if bias is None else bias + added
    return None if bias is None else bias.expand(-1, -1, width, n, -1).flatten(2, 3)
