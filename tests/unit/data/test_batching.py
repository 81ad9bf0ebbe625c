"""Batches: every example once an epoch, the same from the same seed, within the limits, and padded as models expect."""

import itertools
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.data.batching import Batches, Example, IdArray, Sources, batches_in_order, make_batch
from seqloom.errors import CorpusError

SPECIAL = {"pad_id": 0, "bos_id": 1, "eos_id": 2}


class Listed:
    """Examples in a list, whose first target id says which one it is."""

    def __init__(self, lengths: list[tuple[int, int]], *, ends: bool = True) -> None:
        self.ends = ends
        self.reads: list[int] = []
        self.examples = [Example(_ids(src, 3), _ids(tgt, 1000 + i)) for i, (src, tgt) in enumerate(lengths)]

    @property
    def src_lengths(self) -> IdArray:
        return np.array([len(example.src_ids) for example in self.examples])

    @property
    def tgt_lengths(self) -> IdArray:
        return np.array([len(example.tgt_ids) for example in self.examples])

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int, /) -> Example:
        self.reads.append(index)
        return self.examples[index]


def _ids(length: int, value: int) -> IdArray:
    return np.full(length, value, dtype=np.int32)


LENGTHS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), min_size=1, max_size=60)
LIMITS = st.fixed_dictionaries(
    {
        "batch_tokens": st.integers(1, 120),
        "seed": st.integers(0, 5),
        "max_sentences": st.one_of(st.none(), st.integers(1, 10)),
        "chunk_size": st.sampled_from([1, 7, 1000]),
    }
)


def _batches(store: Listed, **changes: object) -> Batches:
    return Batches(store, **{"batch_tokens": 64, "seed": 0, **SPECIAL, **changes})  # type: ignore[arg-type]


@settings(deadline=None)
@given(lengths=LENGTHS, limits=LIMITS, epoch=st.integers(0, 3), ends=st.booleans())
def test_each_example_stands_in_one_batch_within_the_limits(
    lengths: list[tuple[int, int]], limits: dict[str, int], epoch: int, ends: bool
) -> None:
    store = Listed(lengths, ends=ends)
    batches = _batches(store, **limits)
    plan = list(batches.indices(epoch))
    made = list(batches.epoch(epoch))
    assert sorted(itertools.chain(*(indices.tolist() for indices in plan))) == list(range(len(store)))
    assert len(plan) == len(made) == batches.num_batches(epoch)
    for indices, batch in zip(plan, made, strict=True):
        assert len(batch.sources) == len(indices) <= (limits["max_sentences"] or len(store))
        assert batch.num_positions <= limits["batch_tokens"] or len(indices) == 1
        assert batch.sources.ids.numel() <= 4 * limits["batch_tokens"] or len(indices) == 1
        for row, index in enumerate(indices.tolist()):
            expected = store.examples[index].tgt_ids.tolist() + [2] * ends
            assert batch.tgt_out[row][batch.tgt_mask[row]].tolist() == expected
    positions = sum(batch.num_positions + batch.sources.ids.numel() for batch in made)
    real = sum(batch.num_tokens + int(batch.sources.mask.sum()) for batch in made)
    assert batches.padding_share == pytest.approx(1 - real / positions if positions else 0)


@settings(deadline=None, max_examples=50)
@given(lengths=LENGTHS, limits=LIMITS, epoch=st.integers(0, 3), data=st.data())
def test_starting_at_a_batch_is_leaving_out_the_first_ones_unread(
    lengths: list[tuple[int, int]], limits: dict[str, int], epoch: int, data: st.DataObject
) -> None:
    store = Listed(lengths)
    whole = [indices.tolist() for indices in _batches(store, **limits).indices(epoch)]
    start = data.draw(st.integers(0, len(whole)))
    again = _batches(store, **limits)
    assert [indices.tolist() for indices in again.indices(epoch, start)] == whole[start:]
    assert store.reads == []
    made = list(again.epoch(epoch, start))
    assert store.reads == list(itertools.chain(*whole[start:]))
    assert len(made) == len(whole) - start
    with pytest.raises(ValueError, match=f"has {len(whole)} batches, cannot start at batch {len(whole) + 1}"):
        next(again.epoch(epoch, len(whole) + 1))


def _order(store: Listed, epoch: int = 0, **changes: object) -> list[list[int]]:
    return [indices.tolist() for indices in _batches(store, **changes).indices(epoch)]


def test_order_follows_from_seed_and_epoch() -> None:
    store = Listed([(n % 3, n % 5) for n in range(300)])
    for changes in ({}, {"chunk_size": 50}):
        assert _order(store, **changes) == _order(store, **changes)
        assert _order(store, epoch=1, **changes) != _order(store, **changes)
        assert _order(store, seed=1, **changes) != _order(store, **changes)
        # Not only the order of batches changes, but also which examples of equal length meet.
        first, second = ({frozenset(b) for b in _order(store, epoch=k, **changes)} for k in (0, 1))
        assert first != second


def test_batches_hold_examples_of_similar_length() -> None:
    rng = np.random.default_rng(0)
    lengths = [(int(n), int(n) + 2) for n in rng.integers(1, 60, 3000)]
    assert _batches(Listed(lengths), batch_tokens=2000).padding_share < 0.05


def test_a_large_corpus_is_planned_in_chunks_without_reading_ids() -> None:
    class Huge:
        ends = True
        src_lengths = np.random.default_rng(0).integers(1, 50, 3_000_000).astype(np.int32)
        tgt_lengths = src_lengths

        def __len__(self) -> int:
            return len(self.src_lengths)

        def __getitem__(self, index: int, /) -> Example:
            raise AssertionError("ids were read")

    batches = Batches(Huge(), batch_tokens=4096, seed=0, **SPECIAL)
    indices = next(batches.indices(3, start_batch=12_000))
    assert np.ptp(indices) < 2**20
    assert len(batches._cuts) < 3


def test_padding_shifting_and_masks() -> None:
    examples = [Example(_ids(2, 7), np.array([5, 6], np.uint16)), Example(_ids(0, 7), np.array([8], np.uint16))]
    batch = make_batch(examples, **SPECIAL)
    assert batch.sources.ids.tolist() == [[7, 7, 2], [2, 0, 0]]
    assert batch.sources.mask.tolist() == [[True, True, True], [True, False, False]]
    assert batch.tgt_in.tolist() == [[1, 5, 6], [1, 8, 0]]
    assert batch.tgt_out.tolist() == [[5, 6, 2], [8, 2, 0]]
    assert batch.tgt_mask.tolist() == [[True, True, True], [True, True, False]]
    assert (batch.num_tokens, batch.num_positions) == (5, 6)
    window = make_batch([Example(_ids(0, 0), _ids(3, 9))], **SPECIAL, end=False)
    assert (window.tgt_in.tolist(), window.tgt_out.tolist()) == ([[1, 9, 9]], [[9, 9, 9]])
    assert window.sources.ids.shape == (1, 0)


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(st.lists(st.integers(3, 70_000), max_size=9), max_size=9), end=st.booleans())
def test_batches_hold_the_ids_whatever_their_lengths(rows: list[list[int]], end: bool) -> None:
    examples = [Example(np.array(row, np.uint32), np.array(row[::-1], np.int64)) for row in rows]
    batch = make_batch(examples, **SPECIAL, end=end)
    tail = [2] if end else []
    for i, row in enumerate(rows):
        assert batch.sources.ids[i][batch.sources.mask[i]].tolist() == row + tail
        assert batch.tgt_out[i][batch.tgt_mask[i]].tolist() == row[::-1] + tail
        assert batch.tgt_in[i][batch.tgt_mask[i]].tolist() == ([1, *row[::-1], *tail])[: len(row) + len(tail)]
    assert batch.tgt_out.dtype == torch.int64
    assert not batch.tgt_out[~batch.tgt_mask].any()
    sources = Sources.pad(rows, pad_id=0)
    assert [sources.ids[i][sources.mask[i]].tolist() for i in range(len(rows))] == rows


def test_reencoding_sees_example_epoch_and_index() -> None:
    store = Listed([(1, n % 5 + 1) for n in range(20)])
    seen: list[tuple[int, int]] = []

    def reencode(example: Example, epoch: int, index: int) -> Example:
        assert example is store.examples[index]
        seen.append((epoch, index))
        return Example(example.src_ids, _ids(7, 9))

    for batch in _batches(store, reencode=reencode).epoch(4):
        assert batch.tgt_out[:, :-1].eq(9).all()
        assert batch.tgt_out.shape[1] == 8
    assert sorted(seen) == [(4, n) for n in range(20)]


@settings(deadline=None, max_examples=50)
@given(lengths=LENGTHS, batch_tokens=st.integers(1, 120))
def test_evaluation_sees_each_example_once_longest_first(lengths: list[tuple[int, int]], batch_tokens: int) -> None:
    store = Listed(lengths)
    seen: list[int] = []
    widths: list[int] = []
    for indices, batch in batches_in_order(store, batch_tokens=batch_tokens, **SPECIAL):
        seen += indices.tolist()
        widths.append(batch.tgt_out.shape[1])
        expected = make_batch([store.examples[i] for i in indices], **SPECIAL)
        assert torch.equal(batch.tgt_out, expected.tgt_out)
        assert batch.num_positions <= batch_tokens or len(indices) == 1
    assert sorted(seen) == list(range(len(store)))
    assert widths == sorted(widths, reverse=True)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(CorpusError, match="no examples to make batches of"):
        _batches(Listed([]))
    with pytest.raises(ValueError, match="at least 1"):
        _batches(Listed([(1, 1)]), batch_tokens=0)
    assert list(batches_in_order(Listed([]), batch_tokens=9, **SPECIAL)) == []


def test_making_a_batch_is_fast() -> None:
    rng = np.random.default_rng(0)
    examples = [Example(_ids(n, 5), _ids(n, 6)) for n in rng.integers(20, 32, 128).tolist()]

    def seconds() -> Iterator[float]:
        for _ in range(30):
            start = time.perf_counter()
            make_batch(examples, **SPECIAL)
            yield time.perf_counter() - start

    assert min(seconds()) < 0.001
