"""Caches of the keys and values of self-attention in a decoder.

A block appends the keys and values of new positions and gets all positions of its layer. `RowCache` keeps them row by row, and
gradients pass through it; training and activation hooks use it. `GroupedCache` is for generation: the hypotheses of a source share
most of their prefix, so keys and values are written once, and `select` changes only which of them each hypothesis attends to. The
caches do not depend on weights, sources or search.
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
    """Allocated storage for keys and values.

    Several caches may share a store; each uses its first `length` positions. Only a cache whose length is `num_written` may append
    in place. A shorter cache would overwrite positions of the others, so it copies first.

    Attributes:
        tensor: (num_layers, 2, num_groups * num_heads, capacity * group_size, head_dim).
        num_written: the number of positions that are in use.
    """

    tensor: Tensor
    num_written: int


@dataclass(frozen=True, slots=True)
class GroupedCache:
    """Keys and values of `num_groups` * `group_size` hypotheses of equal length.

    Immutable, except that after `extended`, `append` writes the new positions of each layer once.

    Attributes:
        num_groups: the number of groups; the hypotheses of a group are consecutive rows.
        group_size: the number of hypotheses of a group, and so the number of its keys at each position.
        length: the number of positions.
        num_heads: the number of heads of keys and values.
        bias: (num_groups, group_size, length * group_size), 0 at keys of the hypothesis itself, minus infinity at keys of
            the others.
    """

    num_groups: int
    group_size: int
    length: int
    num_heads: int
    bias: Tensor
    _store: _Store

    @classmethod
    def empty(cls, num_groups: int, num_layers: int, num_heads: int, head_dim: int, like: Tensor) -> "GroupedCache":
        """A cache without positions for `num_groups` groups of one hypothesis each."""
        tensor = like.new_empty(num_layers, 2, num_groups * num_heads, _CAPACITY, head_dim)
        return cls(num_groups, 1, 0, num_heads, like.new_zeros(num_groups, 1, 0), _Store(tensor, 0))

    @classmethod
    def of_rows(
        cls, past: Mapping[str, Tensor], rows: int, num_layers: int, num_heads: int, head_dim: int, like: Tensor
    ) -> "GroupedCache":
        """A cache in which each row is a group of its own; keys and values are copied.

        Args:
            past: see `RowCache`; empty if there are no positions yet.
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
        if store.num_written != self.length or length * self.group_size > store.tensor.shape[3]:
            store = _Store(self._copy(None, max(length, 2 * self.length) + _CAPACITY), self.length)
        store.num_written = length
        bias = self.bias
        if self.group_size == 1:
            bias = bias.new_zeros(self.num_groups, 1, length)
        else:
            own = torch.full((self.group_size, n, self.group_size), -math.inf, dtype=bias.dtype, device=bias.device)
            own.diagonal(dim1=0, dim2=2).fill_(0)
            bias = torch.cat([bias, own.flatten(1).expand(self.num_groups, -1, -1)], dim=2)
        return GroupedCache(self.num_groups, self.group_size, length, self.num_heads, bias, store)

    def append(
        self,
        layer: int,
        key: Float[Tensor, "num_groups num_heads new_keys head_dim"],
        value: Float[Tensor, "num_groups num_heads new_keys head_dim"],
    ) -> tuple[Float[Tensor, "groups_heads keys head_dim"], Float[Tensor, "groups_heads keys head_dim"]]:
        """Writes the keys and values of the last n positions; returns those of all positions of the layer.

        Args:
            key, value: `new_keys` is group_size * n, ordered by hypothesis, then by position.

        Returns:
            `keys` is length * group_size, ordered by position, then by hypothesis.
        """
        groups, heads, new_keys, head_dim = key.shape
        used = self.length * self.group_size
        keys, values = self._store.tensor[layer].narrow(2, 0, used).unbind()
        for all_parts, part in ((keys, key), (values, value)):
            new = all_parts.narrow(1, used - new_keys, new_keys)
            if self.group_size == 1:
                new.view(groups, heads, new_keys, head_dim).copy_(part)
            else:
                n = new_keys // self.group_size
                part = part.view(groups, heads, self.group_size, n, head_dim).transpose(2, 3)
                new.view(groups, heads, n, self.group_size, head_dim).copy_(part)
        return keys, values

    def self_attention_bias(
        self, positions: Int[Tensor, "1 n"], position_bias: PositionBias | None = None
    ) -> Float[Tensor, "#num_groups #num_heads queries keys"] | None:
        """The bias of the self-attention scores of the last n positions; see the function `self_attention_bias`.

        Args:
            positions: the indices of these positions in the target; `queries` is group_size * n.
        """
        bias = None if self.group_size == 1 else self.bias[:, None, :, None]
        return self_attention_bias(
            self.length, positions, self.bias.dtype, position_bias, group_size=self.group_size, group_bias=bias
        )

    def select(self, rows: NDArray[np.int64]) -> tuple["GroupedCache", NDArray[np.int64]]:
        """Repeats, reorders or drops hypotheses.

        Args:
            rows: the hypotheses to keep, in their new order.

        Returns:
            The new cache, and for each new group the index of the group that it was copied from. A run is a sequence of
            hypotheses in `rows` from the same group. If all runs have `group_size` hypotheses, or if `group_size` is 1 and all runs
            are equally long, the runs are the new groups. Otherwise each hypothesis becomes a group of its own.
        """
        group = rows // self.group_size
        group_size = _run_length(group)
        if group_size == self.group_size:
            kept = group[::group_size]
            bias = self.bias
            if self.group_size > 1:
                index = torch.from_numpy(rows).to(bias.device)
                bias = bias.flatten(0, 1).index_select(0, index).unflatten(0, (len(kept), group_size))
            else:
                bias = bias[: len(kept)] if len(kept) <= len(bias) else bias.new_zeros(len(kept), 1, self.length)
            store = self._store
            if len(kept) != self.num_groups or (kept != np.arange(len(kept))).any():
                store = _Store(self._copy(kept, store.tensor.shape[3] // group_size), self.length)
        elif self.group_size == 1 and group_size:
            kept = group[::group_size]
            bias, store = self._widened(kept, group_size)
        else:
            kept, group_size = group, 1
            bias, store = self._ungrouped(rows)
        return GroupedCache(len(kept), group_size, self.length, self.num_heads, bias, store), kept

    def select_separate(self, rows: NDArray[np.int64]) -> "GroupedCache":
        """The cache of the hypotheses `rows`, each with its own copy of keys and values.

        Each hypothesis must be a group of its own already (`group_size` 1). Copying costs less than groups when hypotheses are
        seldom repeated or reordered.
        """
        if len(rows) == self.num_groups and (rows == np.arange(len(rows))).all():
            return self
        store = _Store(self._copy(rows, self._store.tensor.shape[3]), self.length)
        bias = self.bias.new_zeros(len(rows), 1, self.length)
        return GroupedCache(len(rows), 1, self.length, self.num_heads, bias, store)

    def _copy(self, kept: NDArray[np.int64] | None, capacity: int) -> Tensor:
        """Allocates storage for `capacity` positions and copies the keys and values of the groups in `kept`; None means all."""
        old = self._store.tensor
        layers, two, _, _, head_dim = old.shape
        groups = self.num_groups if kept is None else len(kept)
        copy = old.new_empty(layers, two, groups * self.num_heads, capacity * self.group_size, head_dim)
        source = old[:, :, :, : self.length * self.group_size]
        target = copy[:, :, :, : self.length * self.group_size]
        if kept is None:
            target.copy_(source)
        else:
            index = torch.from_numpy(kept).to(old.device)
            heads = (index[:, None] * self.num_heads + torch.arange(self.num_heads, device=old.device)).flatten()
            torch.index_select(source, 2, heads, out=target)
        return copy

    def _widened(self, kept: NDArray[np.int64], group_size: int) -> tuple[Tensor, _Store]:
        """Makes a group of `group_size` copies from each hypothesis in `kept`. All copies attend to the keys of the first one."""
        narrow = self._copy(kept, max(1, self.length))[:, :, :, : self.length]
        capacity = self.length + _CAPACITY
        # Unused values are multiplied by the attention weight 0, and 0 times infinity or NaN is NaN. So they must be finite.
        wide = narrow.new_zeros(*narrow.shape[:3], capacity * group_size, narrow.shape[4])
        wide[:, :, :, : self.length * group_size : group_size] = narrow
        bias = self.bias.new_full((len(kept), group_size, self.length * group_size), -math.inf)
        bias[:, :, ::group_size] = 0
        return bias, _Store(wide, self.length)

    def _ungrouped(self, rows: NDArray[np.int64]) -> tuple[Tensor, _Store]:
        """Makes a group of one from each hypothesis in `rows`, with a copy of its keys and values."""
        index = torch.from_numpy(rows).to(self.bias.device)
        bias = self.bias.flatten(0, 1)[index].unflatten(1, (self.length, self.group_size))
        # At each position the bias is 0 at the one key that the hypothesis attends to, and minus infinity at the other keys.
        positions = bias.argmax(dim=2) + torch.arange(self.length, device=index.device) * self.group_size
        layers, two, _, _, head_dim = self._store.tensor.shape
        old = self._store.tensor.view(layers, two, self.num_groups, self.num_heads, -1, head_dim)
        own = old[:, :, index // self.group_size, :, :][:, :, :, :, : self.length * self.group_size]
        own = own.gather(
            4, positions[None, None, :, None, :, None].expand(layers, two, -1, self.num_heads, -1, head_dim)
        )
        return bias.new_zeros(len(rows), 1, self.length), _Store(own.flatten(2, 3), self.length)


def _run_length(values: NDArray[np.int64]) -> int:
    """The length of the runs of equal values; 0 if the runs differ in length."""
    last = np.flatnonzero(values[1:] != values[:-1])
    run_length, rest = divmod(len(values), len(last) + 1)
    equal = not rest and (last == np.arange(1, len(last) + 1) * run_length - 1).all()
    return run_length if equal else 0


def self_attention_bias(
    length: int,
    positions: Int[Tensor, "1 n"],
    dtype: torch.dtype,
    position_bias: PositionBias | None = None,
    *,
    group_size: int = 1,
    group_bias: Float[Tensor, "num_groups 1 group_size 1 keys"] | None = None,
) -> Float[Tensor, "#num_groups #num_heads queries keys"] | None:
    """The bias of self-attention scores of the last n of `length` positions: the causal mask plus the position bias.

    Args:
        positions: the indices of the last n positions.
        position_bias: the bias of ALiBi or of relative positions.
        group_size: the number of hypotheses of a group, and so the number of keys at each position.
        group_bias: 0 at keys that a hypothesis may attend to within its group, minus infinity elsewhere.

    Returns:
        The bias; `queries` is group_size * n. None if nothing is added to the scores: one new position, no `group_bias` and no
        position bias.
    """
    n, bias = positions.shape[1], group_bias
    if n > 1:
        causal = causal_mask(n, length, positions.device).repeat_interleave(group_size, dim=1)
        causal_bias = mask_bias(causal, dtype)[None, None, None]
        bias = causal_bias if bias is None else bias + causal_bias
    if position_bias is not None:
        keys = torch.arange(length, device=positions.device)[None]
        added = position_bias(positions, keys).to(dtype).repeat_interleave(group_size, dim=3)[:, :, None]
        bias = added if bias is None else bias + added
    return None if bias is None else bias.expand(-1, -1, group_size, n, -1).flatten(2, 3)
