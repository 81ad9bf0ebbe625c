"""Clopper and Pearson's interval covers, and is where it can be worked out by hand."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.metrics.binomial import clopper_pearson


@pytest.mark.parametrize("level", [0.9, 0.95, 0.9875])
@pytest.mark.parametrize("tried", [1, 7, 20])
def test_every_share_is_held_as_often_as_promised(tried: int, level: float) -> None:
    intervals = [clopper_pearson(right, tried, level) for right in range(tried + 1)]
    for percent in range(101):
        share = percent / 100
        held = sum(
            comb(tried, right) * share**right * (1 - share) ** (tried - right)
            for right, (low, high) in enumerate(intervals)
            if low <= share <= high
        )
        assert held >= level - 1e-9


def test_where_nothing_or_all_is_right_it_has_a_formula() -> None:
    assert clopper_pearson(0, 20, 0.95) == (0.0, pytest.approx(1 - 0.025 ** (1 / 20)))
    assert clopper_pearson(20, 20, 0.95) == (pytest.approx(0.025 ** (1 / 20)), 1.0)


@given(st.integers(1, 300), st.data())
def test_wrong_answers_mirror_right_ones(tried: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, tried))
    low, high = clopper_pearson(right, tried, 0.95)
    assert 0 <= low <= right / tried <= high <= 1
    mirrored = clopper_pearson(tried - right, tried, 0.95)
    assert mirrored == (pytest.approx(1 - high, abs=1e-9), pytest.approx(1 - low, abs=1e-9))


def test_more_inputs_make_it_narrower() -> None:
    widths = [high - low for low, high in (clopper_pearson(n // 2, n, 0.95) for n in (10, 40, 160, 640))]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.08
