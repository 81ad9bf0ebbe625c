"""Batches: which examples share a batch, and how their ids become padded tensors with masks and the shifted target.

The input are Example objects (ids), the output are PairBatch objects (tensors). Their order depends on a seed and an epoch only.
This module does not know text, tokenizers, files or architectures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.example import Example as Example
from seqloom.data.example import IdArray as IdArray
from seqloom.errors import CorpusError

Indices = NDArray[np.int64]

# The number of consecutive examples that are shuffled together, so that memory is bounded for a corpus of any size.
CHUNK_SIZE = 2**20
# Limits the source positions: without it, a batch of long sources with short targets might not fit into memory.
_SRC_PER_TGT = 4


@dataclass(frozen=True, slots=True)
class Sources:
    """Padded sources, or prompts: what a model reads before it generates.

    Attributes:
        ids: (batch, src_len), padded on the right.
        mask: (batch, src_len), True at a real token.
    """

    ids: Int[Tensor, "batch src_len"]
    mask: Bool[Tensor, "batch src_len"]

    @classmethod
    def pad(
        cls, rows: Sequence[Sequence[int] | IdArray], *, pad_id: int, device: torch.device | str = "cpu"
    ) -> "Sources":
        """Pads rows of ids to the longest one."""
        ids, mask = _pad(rows, pad_id)
        return cls(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))

    def __len__(self) -> int:
        return self.ids.shape[0]


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Sources and targets for teacher forcing: at position t the model reads `tgt_in[:, : t + 1]` and predicts `tgt_out[:, t]`.

    Attributes:
        sources: the sources; src_len is 0 for plain text.
        tgt_in: (batch, tgt_len), bos then the target, padded on the right.
        tgt_out: (batch, tgt_len), the target then eos, padded on the right.
        tgt_mask: (batch, tgt_len), True at a real token.
        loss_weights: (batch, tgt_len), what each position of `tgt_out` counts for in the loss, 0 at padding; None where each real
            token counts 1.
    """

    sources: Sources
    tgt_in: Int[Tensor, "batch tgt_len"]
    tgt_out: Int[Tensor, "batch tgt_len"]
    tgt_mask: Bool[Tensor, "batch tgt_len"]
    loss_weights: Float[Tensor, "batch tgt_len"] | None = None

    @property
    def num_tokens(self) -> int:
        """Real target tokens, eos included."""
        return int(self.tgt_mask.sum())

    @property
    def weight(self) -> float:
        """The sum of the loss weights."""
        return self.num_tokens if self.loss_weights is None else float(self.loss_weights.sum())

    @property
    def num_positions(self) -> int:
        """Target positions, padding included."""
        return self.tgt_in.numel()

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "PairBatch":
        """The batch on another device.

        Args:
            non_blocking: whether to return before the copy is complete. For a copy to CUDA, the memory is pinned first.
        """
        pinned = non_blocking and torch.device(device).type == "cuda"

        def move(tensor: Tensor) -> Tensor:
            return (tensor.pin_memory() if pinned else tensor).to(device, non_blocking=non_blocking)

        sources = Sources(move(self.sources.ids), move(self.sources.mask))
        weights = None if self.loss_weights is None else move(self.loss_weights)
        return PairBatch(sources, move(self.tgt_in), move(self.tgt_out), move(self.tgt_mask), weights)


class Examples(Protocol):
    """Encoded examples with lengths that are known without reading the ids: the store of a split, or a view of a store."""

    @property
    def ends(self) -> bool:
        """Whether eos follows each source and target; it does not follow windows that are cut out of a running text."""

    @property
    def src_lengths(self) -> IdArray:
        """The number of ids of each source, without special ids."""

    @property
    def tgt_lengths(self) -> IdArray:
        """The number of ids of each target, without special ids."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Example: ...


# (example, epoch, index of the example) -> the example to train on instead (BPE-dropout).
Reencode = Callable[[Example, int, int], Example]


def in_turn(first: Reencode, second: Reencode | None) -> Reencode:
    """One function that replaces an example by the first, and the result by the second."""
    if second is None:
        return first
    return lambda example, epoch, index: second(first(example, epoch, index), epoch, index)


def make_batch(examples: Sequence[Example], *, pad_id: int, bos_id: int, eos_id: int, end: bool = True) -> PairBatch:
    """Pads examples to a batch.

    Args:
        end: whether eos follows each source and each target. Windows that are cut out of a running text have no source and no eos.
    """
    last_id = eos_id if end else None
    src_ids, src_mask = _pad([example.src_ids for example in examples], pad_id, last_id)
    tgt_out, tgt_mask = _pad([example.tgt_ids for example in examples], pad_id, last_id)
    tgt_in = np.full_like(tgt_out, pad_id)
    tgt_in[:, :1] = bos_id
    np.copyto(tgt_in[:, 1:], tgt_out[:, :-1], where=tgt_mask[:, 1:])
    sources = Sources(torch.from_numpy(src_ids), torch.from_numpy(src_mask))
    weights = _pad_weights(examples, tgt_mask) if any(each.loss_weights is not None for each in examples) else None
    targets = torch.from_numpy(tgt_in), torch.from_numpy(tgt_out), torch.from_numpy(tgt_mask)
    return PairBatch(sources, *targets, weights)


def _pad_weights(examples: Sequence[Example], tgt_mask: NDArray[np.bool_]) -> Float[Tensor, "batch tgt_len"]:
    """The loss weights of examples, 0 at padding; an example without weights, and eos, count 1."""
    weights = tgt_mask.astype(np.float32)
    for row, example in zip(weights, examples, strict=True):
        if example.loss_weights is not None:
            row[: len(example.loss_weights)] = example.loss_weights
    return torch.from_numpy(weights)


class Batches:
    """The batches of each epoch: examples of similar length together, in an order drawn from (seed, epoch).

    Within a chunk of `chunk_size` consecutive examples (a smaller corpus is one chunk) examples are sorted by target and source
    length (equal lengths in random order) and divided into batches, which are shuffled; the chunks come in random order. The
    division depends on the lengths only. So all epochs have the same number of batches, and an epoch can start at any batch
    without reading ids.

    The special ids are separate parameters, because this class does not know the vocabulary.

    Args:
        store: the examples.
        batch_tokens: the most target positions of a batch, padding and eos included. A longer example is the only example of
                its batch. A batch has at most four times as many source positions.
        seed: decides the order, together with the epoch.
        max_sentences: the most examples of a batch.
        end: whether eos follows each source and target; None: as the store says.
        reencode: replaces an example by another encoding of it, drawn anew in each epoch. Batches are planned with the
                lengths in the store, so a batch with longer encodings may exceed `batch_tokens`.

    Raises:
        CorpusError: there are no examples.
    """

    def __init__(
        self,
        store: Examples,
        *,
        batch_tokens: int,
        seed: int,
        pad_id: int,
        bos_id: int,
        eos_id: int,
        max_sentences: int | None = None,
        end: bool | None = None,
        reencode: Reencode | None = None,
        chunk_size: int = CHUNK_SIZE,
    ) -> None:
        if not len(store):
            raise CorpusError("there are no examples to make batches of; check that the data is not empty")
        self._store = store
        self._limits = _Limits(batch_tokens, max_sentences, store.ends if end is None else end)
        self._seed = seed
        self._special_ids = {"pad_id": pad_id, "bos_id": bos_id, "eos_id": eos_id}
        self._reencode = reencode
        self._chunk_size = chunk_size
        self._num_chunks = -(-len(store) // chunk_size)
        self._cuts: dict[int, Indices] = {}

    def epoch(self, k: int, start_batch: int = 0) -> Iterator[PairBatch]:
        """The batches of epoch k from `start_batch` on; the batches before it are not made."""
        for indices in self.indices(k, start_batch):
            yield self.make(k, indices)

    def make(self, k: int, indices: Indices) -> PairBatch:
        """The batch of these examples as epoch k encodes them."""
        examples = [self._store[i] for i in indices.tolist()]
        if self._reencode is not None:
            examples = [self._reencode(e, k, i) for e, i in zip(examples, indices.tolist(), strict=True)]
        return make_batch(examples, **self._special_ids, end=self._limits.end)

    def indices(self, k: int, start_batch: int = 0) -> Iterator[Indices]:
        """The indices of the examples in each batch of epoch k, from `start_batch` on.

        Raises:
            ValueError: the epoch has fewer batches than `start_batch`.
        """
        skip = start_batch
        for chunk in np.random.default_rng((self._seed, k)).permutation(self._num_chunks).tolist():
            num_batches = len(self._cuts_of(chunk)) - 1
            if skip >= num_batches:
                skip -= num_batches
                continue
            rng = np.random.default_rng((self._seed, k, chunk))
            src_lengths, tgt_lengths = self._lengths(chunk)
            shuffled = rng.permutation(len(tgt_lengths))
            order = shuffled[np.lexsort((src_lengths[shuffled], tgt_lengths[shuffled]))] + chunk * self._chunk_size
            cuts = self._cuts_of(chunk)
            for batch in rng.permutation(num_batches)[skip:].tolist():
                yield order[cuts[batch] : cuts[batch + 1]]
            skip = 0
        if skip > 0:
            raise ValueError(f"epoch {k} has {self.num_batches(k)} batches, cannot start at batch {start_batch}")

    def num_batches(self, k: int = 0) -> int:
        """How many batches epoch k has; the number is the same for all epochs."""
        del k
        return sum(len(self._cuts_of(chunk)) - 1 for chunk in range(self._num_chunks))

    @property
    def padding_share(self) -> float:
        """The share of padding among all positions of sources and targets in an epoch."""
        real = positions = 0
        for chunk in range(self._num_chunks):
            sorted_lengths = _sorted_lengths(*self._lengths(chunk))
            cuts = self._cuts_of(chunk)
            for lengths in sorted_lengths:
                widths = lengths + int(self._limits.end)
                real += int(widths.sum())
                positions += int((np.maximum.reduceat(widths, cuts[:-1]) * np.diff(cuts)).sum())
        return 1 - real / positions if positions else 0.0

    def _lengths(self, chunk: int) -> tuple[Indices, Indices]:
        part = slice(chunk * self._chunk_size, (chunk + 1) * self._chunk_size)
        store = self._store
        return np.asarray(store.src_lengths[part], dtype=np.int64), np.asarray(store.tgt_lengths[part], dtype=np.int64)

    def _cuts_of(self, chunk: int) -> Indices:
        if chunk not in self._cuts:
            self._cuts[chunk] = _cut(*_sorted_lengths(*self._lengths(chunk)), self._limits)
        return self._cuts[chunk]


def batches_in_order(
    examples: Examples,
    *,
    batch_tokens: int,
    pad_id: int,
    bos_id: int,
    eos_id: int,
    max_sentences: int | None = None,
    end: bool | None = None,
) -> Iterator[tuple[Indices, PairBatch]]:
    """Batches for evaluation: every example once, the longest first, so that too little memory fails at once.

    Args:
        batch_tokens: the most target positions of a batch, as for `Batches`.
        end: whether eos follows each source and target; None: as the examples say.

    Returns:
        For each batch the indices of its examples, with which results can be put back in order, and the batch.
    """
    limits = _Limits(batch_tokens, max_sentences, examples.ends if end is None else end)
    src_lengths = np.asarray(examples.src_lengths, dtype=np.int64)
    tgt_lengths = np.asarray(examples.tgt_lengths, dtype=np.int64)
    order = np.lexsort((src_lengths, tgt_lengths))
    cuts = _cut(src_lengths[order], tgt_lengths[order], limits)
    for batch in reversed(range(len(cuts) - 1)):
        indices = order[cuts[batch] : cuts[batch + 1]]
        rows = [examples[i] for i in indices.tolist()]
        yield indices, make_batch(rows, pad_id=pad_id, bos_id=bos_id, eos_id=eos_id, end=limits.end)


@dataclass(frozen=True, slots=True)
class _Limits:
    batch_tokens: int
    max_sentences: int | None
    end: bool

    def __post_init__(self) -> None:
        if self.batch_tokens < 1 or (self.max_sentences is not None and self.max_sentences < 1):
            raise ValueError("batch_tokens and max_sentences must be at least 1")


def _sorted_lengths(src_lengths: Indices, tgt_lengths: Indices) -> tuple[Indices, Indices]:
    order = np.lexsort((src_lengths, tgt_lengths))
    return src_lengths[order], tgt_lengths[order]


def _cut(src_lengths: Indices, tgt_lengths: Indices, limits: _Limits) -> Indices:
    """The begin of each batch in a sorted order, and the end; a batch has as many examples as the limits allow, at least one."""
    extra = int(limits.end)
    cuts, start, num = [0], 0, len(tgt_lengths)
    while start < num:
        # Targets are sorted, so the first one bounds how many rows can fit.
        most = max(1, limits.batch_tokens // max(1, int(tgt_lengths[start]) + extra))
        most = min(most, limits.max_sentences or most, num - start)
        rows = np.arange(1, most + 1)
        tgt_positions = rows * (tgt_lengths[start : start + most] + extra)
        src_positions = rows * (np.maximum.accumulate(src_lengths[start : start + most]) + extra)
        fits = (tgt_positions <= limits.batch_tokens) & (src_positions <= _SRC_PER_TGT * limits.batch_tokens)
        # Both numbers of positions grow with each row, so the rows that fit come first.
        start += max(1, int(np.count_nonzero(fits)))
        cuts.append(start)
    return np.array(cuts, dtype=np.int64)


def _pad(
    rows: Sequence[Sequence[int] | IdArray], pad_id: int, last_id: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows padded on the right to the longest, each followed by `last_id` unless it is None; and a mask, True at real tokens."""
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    extra = 0 if last_id is None else 1
    width = int(lengths.max(initial=0)) + extra if len(rows) else 0
    positions = np.arange(width)
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    if lengths.any():
        ids[positions < lengths[:, None]] = np.concatenate([row for row in rows if len(row)])
    if last_id is not None:
        ids[np.arange(len(rows)), lengths] = last_id
    return ids, positions < (lengths + extra)[:, None]
