"""Cache: the keys and values of what hypotheses wrote, for groups of hypotheses that grew from one beginning.

The hypotheses of a source share most of what they wrote. Keys and values therefore stay where they were written, and what a
search moves when it reorders hypotheses is only which of them each hypothesis may look at. It does not know layers' weights,
sources or search.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

_ROOM = 16
"""Positions that are made room for at once; then as many again as there are."""


@dataclass(slots=True)
class _Store:
    """Room for keys and values, (num_layers, 2, groups * num_heads, capacity * width, head_dim), and how much of it is written.

    Several caches may share a store, each of them looking at its own beginning of it. The one that is as long as what was
    written may write on in place; a shorter one must write elsewhere.
    """

    room: Tensor
    written: int


@dataclass(frozen=True, slots=True)
class GroupedCache:
    """What `groups` * `width` hypotheses wrote, all of them equally long. Immutable to those who hold it.

    Attributes:
        groups: hypotheses stand in groups of `width`, which follow each other.
        width: how many hypotheses a group has, and so how many keys each of its positions has.
        length: positions so far.
        num_heads: of the attention that reads this.
        bias: (groups, width, length * width): 0 where a hypothesis may look, minus infinity where another one wrote.
    """

    groups: int
    width: int
    length: int
    num_heads: int
    bias: Tensor
    _store: _Store

    @classmethod
    def empty(cls, groups: int, num_layers: int, num_heads: int, head_dim: int, like: Tensor) -> "GroupedCache":
        """A cache of `groups` hypotheses, each its own group, that wrote nothing yet."""
        room = like.new_empty(num_layers, 2, groups * num_heads, _ROOM, head_dim)
        return cls(groups, 1, 0, num_heads, like.new_zeros(groups, 1, 0), _Store(room, 0))

    def extended(self, n: int) -> "GroupedCache":
        """The cache with n more positions, whose keys and values are yet to be written."""
        length, store = self.length + n, self._store
        if store.written != self.length or length * self.width > store.room.shape[3]:
            store = _Store(self._copy(None, max(length, 2 * self.length) + _ROOM), self.length)
        store.written = length
        bias = self.bias
        if self.width == 1:
            bias = bias.new_zeros(self.groups, 1, length)
        else:
            own = torch.full((self.width, n, self.width), -math.inf, dtype=bias.dtype, device=bias.device)
            own.diagonal(dim1=0, dim2=2).fill_(0)
            bias = torch.cat([bias, own.flatten(1).expand(self.groups, -1, -1)], dim=2)
        return GroupedCache(self.groups, self.width, length, self.num_heads, bias, store)

    def write(self, layer: int, keys_values: Float[Tensor, "two groups num_heads n width head_dim"]) -> None:
        """Puts the keys and values of the last n positions in their place."""
        n = keys_values.shape[3]
        room = self._store.room[layer, :, :, (self.length - n) * self.width : self.length * self.width]
        room.view(keys_values.shape).copy_(keys_values)

    def keys_values(
        self, layer: int
    ) -> tuple[Float[Tensor, "groups_heads keys head_dim"], Float[Tensor, "groups_heads keys head_dim"]]:
        """All keys and values of a layer; position by position, those of a group's hypotheses beside each other."""
        room = self._store.room[layer, :, :, : self.length * self.width]
        return room[0], room[1]

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
                store = _Store(self._copy(kept, store.room.shape[3] // width), self.length)
        elif self.width == 1 and width:
            kept = group[::width]
            bias, store = self._widened(kept, width)
        else:
            kept, width = group, 1
            bias, store = self._apart(rows)
        return GroupedCache(len(kept), width, self.length, self.num_heads, bias, store), kept

    def _copy(self, kept: NDArray[np.int64] | None, capacity: int) -> Tensor:
        """Room for more positions, with the keys and values of some of the groups."""
        old = self._store.room
        layers, two, _, _, head_dim = old.shape
        groups = self.groups if kept is None else len(kept)
        room = old.new_empty(layers, two, groups * self.num_heads, capacity * self.width, head_dim)
        source = old[:, :, :, : self.length * self.width]
        target = room[:, :, :, : self.length * self.width]
        if kept is None:
            target.copy_(source)
        else:
            index = torch.from_numpy(kept).to(old.device)
            heads = (index[:, None] * self.num_heads + torch.arange(self.num_heads, device=old.device)).flatten()
            torch.index_select(source, 2, heads, out=target)
        return room

    def _widened(self, kept: NDArray[np.int64], width: int) -> tuple[Tensor, _Store]:
        """Each hypothesis becomes a group of `width` copies of itself: what it wrote stands in the first place of each position."""
        narrow = self._copy(kept, max(1, self.length))[:, :, :, : self.length]
        capacity = self.length + _ROOM
        # Places where nobody wrote are looked at by nobody, but what stands there is multiplied by 0, so it must be a number.
        room = narrow.new_zeros(*narrow.shape[:3], capacity * width, narrow.shape[4])
        room[:, :, :, : self.length * width : width] = narrow
        bias = self.bias.new_full((len(kept), width, self.length * width), -math.inf)
        bias[:, :, ::width] = 0
        return bias, _Store(room, self.length)

    def _apart(self, rows: NDArray[np.int64]) -> tuple[Tensor, _Store]:
        """Each hypothesis becomes a group of its own, with a copy of what it may look at."""
        index = torch.from_numpy(rows).to(self.bias.device)
        reach = self.bias.flatten(0, 1)[index].unflatten(1, (self.length, self.width))
        places = reach.argmax(dim=2) + torch.arange(self.length, device=index.device) * self.width
        layers, two, _, _, head_dim = self._store.room.shape
        old = self._store.room.view(layers, two, self.groups, self.num_heads, -1, head_dim)
        own = old[:, :, index // self.width, :, :][:, :, :, :, : self.length * self.width]
        own = own.gather(4, places[None, None, :, None, :, None].expand(layers, two, -1, self.num_heads, -1, head_dim))
        return reach.new_zeros(len(rows), 1, self.length), _Store(own.flatten(2, 3), self.length)


def _run_length(values: NDArray[np.int64]) -> int:
    """How many equal values stand together each time; 0 where the runs differ in length."""
    last = np.flatnonzero(values[1:] != values[:-1])
    width, rest = divmod(len(values), len(last) + 1)
    equal = not rest and (last == np.arange(1, len(last) + 1) * width - 1).all()
    return width if equal else 0
