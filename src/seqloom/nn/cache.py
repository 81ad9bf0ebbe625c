"""Caches of the keys and values of self-attention in a decoder.

A block appends the keys and values of new positions and gets all positions of its layer. `RowCache` keeps them row by row, and
gradients pass through it; training and activation hooks use it. `GroupedCache` is for generation: the hypotheses of a source share
most of their prefix, so keys and values are written once, and `select` changes only which of them each hypothesis attends to. The
caches know nothing about weights, sources or search.
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
    """The interface of a cache that a block uses."""

    def append(
        self,
        layer: int,
        key: Float[Tensor, "rows num_kv_heads n head_dim"],
        value: Float[Tensor, "rows num_kv_heads n head_dim"],
    ) -> tuple[Tensor, Tensor]:
        """Appends the keys and values of new positions; returns those of all positions of the layer."""
        ...


class RowCache:
    """Keys and values of each row, concatenated with those of earlier positions.

    Args:
        past: the tensors of earlier positions, by layer: "0.key", "0.value", (rows, num_kv_heads, length, head_dim) each.

    Attributes:
        tensors: the same tensors with the new positions.
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
"""The capacity of a new cache in positions; a full cache doubles it."""


@dataclass(slots=True)
class _Store:
    """Allocated memory for keys and values.

    Several caches may share a store; each uses its first `length` positions. Only a cache whose length is `written` may append in
    place; a shorter one copies first.

    Attributes:
        tensor: (num_layers, 2, groups * num_heads, capacity * width, head_dim).
        written: the number of positions that are in use.
    """

    tensor: Tensor
    written: int


@dataclass(frozen=True, slots=True)
class GroupedCache:
    """Keys and values of `groups` * `width` hypotheses of equal length. Immutable, except that `append` writes once.

    Attributes:
        groups: the number of groups; the hypotheses of a group are consecutive rows.
        width: the number of hypotheses of a group, and so the number of its keys at each position.
        length: the number of positions.
        num_heads: the number of heads of keys and values.
        bias: (groups, width, length * width), 0 at keys of the hypothesis itself, minus infinity at keys of the others.
    """

    groups: int
    width: int
    length: int
    num_heads: int
    bias: Tensor
    _store: _Store

    @classmethod
    def empty(cls, groups: int, num_layers: int, num_heads: int, head_dim: int, like: Tensor) -> "GroupedCache":
        """A cache without positions for `groups` groups of one hypothesis each."""
        tensor = like.new_empty(num_layers, 2, groups * num_heads, _CAPACITY, head_dim)
        return cls(groups, 1, 0, num_heads, like.new_zeros(groups, 1, 0), _Store(tensor, 0))

    @classmethod
    def of_rows(
        cls, past: Mapping[str, Tensor], rows: int, num_layers: int, num_heads: int, head_dim: int, like: Tensor
    ) -> "GroupedCache":
        """A cache of rows that are a group each, with copies of keys and values.

        Args:
            past: see `RowCache`; empty where there are no positions yet.
            like: has the type and the device of keys and values.
        """
        if not past:
            return cls.empty(rows, num_layers, num_heads, head_dim, like)
        length = past["0.key"].shape[2]
        tensor = past["0.key"].new_empty(num_layers, 2, rows * num_heads, length + _CAPACITY, head_dim)
        for layer in range(num_layers):
            for part, name in enumerate(("key", "value")):
                tensor[layer, part, :, :length] = past[f"{layer}.{name}"].flatten(0, 1)
        return cls(rows, 1, length, num_heads, tensor.new_zeros(rows, 1, length), _Store(tensor, length))

    def extended(self, n: int) -> "GroupedCache":
        """The cache with n more positions; `append` must then write their keys and values."""
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
        """Writes the keys and values of the last n positions; returns those of all positions of the layer.

        Args:
            key, value: `width_n` is width * n, ordered by hypothesis, then by position.

        Returns:
            `keys` is length * width, ordered by position, then by hypothesis.
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
        """The bias of the self-attention scores of the last n positions; see the function `self_bias`.

        Args:
            positions: the numbers of these positions.
        """
        bias = None if self.width == 1 else self.bias[:, None, :, None]
        return self_bias(self.length, positions, self.bias.dtype, position_bias, width=self.width, own=bias)

    def select(self, rows: NDArray[np.int64]) -> tuple["GroupedCache", NDArray[np.int64]]:
        """Repeats, reorders or drops hypotheses.

        Args:
            rows: the hypotheses to keep, in their new order.

        Returns:
            The new cache, with groups that are as wide as the order allows, and for each new group the number of its old group.
        """
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

    def select_separate(self, rows: NDArray[np.int64]) -> "GroupedCache":
        """The cache of the given hypotheses, each a group with a copy of its keys and values; they are groups already.

        Where hypotheses share most of their positions but seldom change, that costs less than groups.
        """
        if len(rows) == self.groups and (rows == np.arange(len(rows))).all():
            return self
        store = _Store(self._copy(rows, self._store.tensor.shape[3]), self.length)
        bias = self.bias.new_zeros(len(rows), 1, self.length)
        return GroupedCache(len(rows), 1, self.length, self.num_heads, bias, store)

    def _copy(self, kept: NDArray[np.int64] | None, capacity: int) -> Tensor:
        """Allocates memory for `capacity` positions and copies the keys and values of the groups in `kept`; None: of all groups."""
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
        """Makes a group of `width` copies from each hypothesis in `kept`. All copies attend to the keys of the first one."""
        narrow = self._copy(kept, max(1, self.length))[:, :, :, : self.length]
        capacity = self.length + _CAPACITY
        # The unused values get the weight 0, so they must be finite.
        wide = narrow.new_zeros(*narrow.shape[:3], capacity * width, narrow.shape[4])
        wide[:, :, :, : self.length * width : width] = narrow
        bias = self.bias.new_full((len(kept), width, self.length * width), -math.inf)
        bias[:, :, ::width] = 0
        return bias, _Store(wide, self.length)

    def _ungrouped(self, rows: NDArray[np.int64]) -> tuple[Tensor, _Store]:
        """Makes a group of one from each hypothesis in `rows`, with a copy of its keys and values."""
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
    """The length of the runs of equal values; 0 if the runs differ in length."""
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
    """The bias of self-attention scores of the last n of `length` positions: the causal mask plus the bias of positions.

    Args:
        position_bias: the bias of ALiBi or of relative positions.
        width: the number of hypotheses of a group, and so the number of keys at each position.
        own: 0 at keys that a hypothesis may attend to within its group, minus infinity elsewhere.

    Returns:
        The bias; None if there is none.
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
