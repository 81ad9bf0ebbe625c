"""Sliding windows: a long text is read in overlapping windows, and each of its ids is scored once, with context before it.

Only ids enter and leave as positions; models and texts are not known here.
"""

from collections.abc import Iterator
from typing import NamedTuple


class SlidingWindow(NamedTuple):
    """Positions of a text: a model reads [begin, end) and is scored on [scored_from, end)."""

    begin: int
    end: int
    scored_from: int


def sliding_windows(begin: int, end: int, *, window: int, stride: int) -> Iterator[SlidingWindow]:
    """The windows of the ids [begin, end).

    The first window is scored as a whole, each later one on its last `stride` ids, which have at least `window - stride` ids before
    them. Smaller strides give more context and take more time.

    Args:
        window: how many ids are read together.
        stride: how far a window is after the one before it, 1 to `window`.
    """
    scored_from = first = begin
    while scored_from < end:
        stop = min(first + window, end)
        yield SlidingWindow(first, stop, scored_from)
        scored_from, first = stop, first + stride
