"""Sliding windows: each position is scored once, with context."""

from hypothesis import given
from hypothesis import strategies as st

from seqloom.tasks.sliding_windows import sliding_windows


@given(begin=st.integers(0, 50), length=st.integers(0, 60), window=st.integers(1, 12), data=st.data())
def test_each_position_is_scored_once_with_context(begin: int, length: int, window: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window))
    windows = list(sliding_windows(begin, begin + length, window=window, stride=stride))
    scored = [position for item in windows for position in range(item.scored_from, item.end)]
    assert scored == list(range(begin, begin + length))
    assert all(item.end - item.begin <= window for item in windows)
    for item in windows[1:]:
        assert item.scored_from - item.begin >= window - stride
    assert all(item.begin == begin + number * stride for number, item in enumerate(windows))


def test_a_stride_of_a_window_means_no_overlap() -> None:
    assert list(sliding_windows(0, 5, window=2, stride=2)) == [(0, 2, 0), (2, 4, 2), (4, 5, 4)]
