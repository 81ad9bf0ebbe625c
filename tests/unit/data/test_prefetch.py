"""Prefetch: the same items in the same order, exceptions and all, and a thread that ends."""

import threading
import time
from collections.abc import Iterator

import pytest

from seqloom.data.prefetch import Prefetch


class Counted:
    """A generator that says how far it has come and whether it was closed."""

    def __init__(self, count: int, fails: bool = False) -> None:
        self.made = 0
        self.closed = False
        self._count = count
        self._fails = fails

    def items(self) -> Iterator[int]:
        try:
            for item in range(self._count):
                self.made += 1
                yield item
            if self._fails:
                raise ValueError("no more")
        finally:
            self.closed = True


def _settled(counted: Counted) -> int:
    """How many items were made once nothing more happens."""
    before = -1
    while before != counted.made:
        before = counted.made
        time.sleep(0.05)
    return before


@pytest.mark.parametrize("ahead", [1, 2, 50])
def test_the_same_items_in_the_same_order(ahead: int) -> None:
    assert list(Prefetch(iter(range(20)), ahead=ahead)) == list(range(20))
    assert list(Prefetch(iter(()))) == []


def test_no_more_than_asked_for_lies_ready() -> None:
    counted = Counted(100)
    with Prefetch(counted.items(), ahead=3) as items:
        assert [next(items) for _ in range(5)] == list(range(5))
        # Three lie ready, and one more is in the thread's hands.
        assert _settled(counted) == 5 + 3 + 1
    assert counted.closed


def test_an_exception_comes_after_the_items_before_it() -> None:
    counted = Counted(3, fails=True)
    items = Prefetch(counted.items(), ahead=10)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(items)
    assert list(items) == []
    assert counted.closed


def test_closing_ends_the_thread_whether_it_makes_or_waits() -> None:
    before = threading.active_count()
    full = Prefetch(Counted(100).items(), ahead=1)
    next(full)
    slow = Prefetch((time.sleep(0.3) for _ in range(100)), ahead=2)
    full.close()
    slow.close()
    assert threading.active_count() == before
    assert list(full) == list(slow) == []


def test_an_error_in_the_block_closes_it_and_is_not_hidden() -> None:
    counted = Counted(100)

    def use() -> None:
        with Prefetch(counted.items()) as items:
            next(items)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert counted.closed
    with pytest.raises(ValueError, match="at least one"):
        Prefetch(iter(range(3)), ahead=0)
