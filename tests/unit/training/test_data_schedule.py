"""Data schedules: phases end where they are set, and any cursor continues the same stream."""

from itertools import islice

import numpy as np
import pytest

from seqloom.data.batching import Batches, Example
from seqloom.training.data_schedule import Cursor, Phases, Share


class Numbers:
    """Examples of one id each."""

    ends = True

    def __init__(self, first: int) -> None:
        self.first = first
        self.src_lengths = self.tgt_lengths = np.ones(10, dtype=np.int64)

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Example:
        ids = np.array([self.first + index])
        return Example(ids, ids)


def _batches(first: int) -> Batches:
    return Batches(Numbers(first), batch_tokens=4, seed=0, pad_id=0, bos_id=1, eos_id=2)


def test_a_stream_continues_at_any_cursor() -> None:
    phases = Phases(_batches(10))
    items = list(islice(phases.batches(phases.start()), 12))
    for number in (0, 3, 4, 6):
        cursor = items[number][0]
        rest = list(islice(phases.batches(cursor), 5))
        assert [after for after, _ in rest] == [after for after, _ in items[number + 1 : number + 6]]
        assert all((a.tgt_in == b.tgt_in).all() for (_, a), (_, b) in zip(rest, items[number + 1 :], strict=False))


def test_phases_follow_the_budget_and_begin_a_new_epoch() -> None:
    phases = Phases(_batches(10), _batches(100), _batches(200), ends=(0.25, 0.5))
    start = phases.start()
    assert start == Cursor(phases_left=2)
    here = Cursor(2, 3, 1)
    assert phases.advance(here, 0.2) == here
    assert phases.advance(here, 0.25) == Cursor(1, 4, 0)
    assert phases.advance(here, 0.9) == Cursor(0, 5, 0)
    assert phases.advance(Cursor(0, 5, 2), 0.95) == Cursor(0, 5, 2)
    for left, least in ((2, 10), (1, 100), (0, 200)):
        _, batch = next(phases.batches(Cursor(left)))
        assert least <= int(batch.tgt_out[0, 0]) < least + 10


def test_each_phase_but_the_last_has_an_end() -> None:
    with pytest.raises(ValueError, match="2 phases need 1 ends"):
        Phases(_batches(10), _batches(20))


@pytest.mark.parametrize("size", [2, 3])
def test_shares_are_the_whole_order_also_over_the_end_of_an_epoch(size: int) -> None:
    phases = Phases(_batches(10))
    # Not at the beginning of an epoch.
    cursor = list(islice(phases.batches(phases.start()), 2))[-1][0]
    whole = list(islice(phases.batches(cursor), 12))
    assert {after.epoch for after, _ in whole} > {0}
    shares = [list(islice(phases.batches(cursor, Share(rank, size)), 12)) for rank in range(size)]
    for number, (after, batch) in enumerate(whole):
        assert batch is not None
        for rank, share in enumerate(shares):
            own_after, own = share[number]
            assert own_after == after
            assert (own is None) == (number % size != rank)
            assert own is None or own.tgt_out.tolist() == batch.tgt_out.tolist()
