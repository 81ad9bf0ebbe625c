"""A difference has as many decimals as its interval needs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.comparison.comparison import Difference, Interval
from seqloom.comparison.score_text import MOST_DECIMALS, difference_bounds, difference_value, needed_decimals


def make_difference(value: float, low: float, high: float, metric: str | None = None) -> Difference:
    return Difference(
        test="test",
        better="a",
        worse="b",
        difference=value,
        interval=Interval(low=low, high=high, method="made up"),
        p_value=0.5,
        significant=False,
        scope="between these runs",
        metric=metric,
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (1.3333, 0.2111, 2.4222, "+1.3 [0.2, 2.4]"),
        (0.31234, 0.29111, 0.33456, "+0.312 [0.291, 0.335]"),
        (12.4, -0.6, 26.1, "+12 [−1, 26]"),
        (0.25, 0.25, 0.25, "+0.2 [0.2, 0.2]"),
        (0.25, -math.inf, 1.0, "+0.2 [−∞, 1.0]"),
    ],
)
def test_the_width_of_the_interval_has_two_significant_digits(value: float, low: float, high: float, text: str) -> None:
    difference = make_difference(value, low, high)
    assert f"{difference_value(difference, 'bleu')} {difference_bounds(difference, 'bleu')}" == text
    assert difference_value(difference, "bleu", sign=False) == text.split(" ")[0].removeprefix("+")


def test_a_metric_of_its_own_chooses_the_decimals_of_an_interval_without_width() -> None:
    assert difference_value(make_difference(0.25, 0.25, 0.25, "bits_per_byte"), "bleu") == "+0.250"


@given(st.floats(1e-5, 1e5))
def test_needed_decimals_show_two_digits(size: float) -> None:
    digits = needed_decimals(size)
    assert digits is not None
    shown = round(size, digits)
    assert abs(shown - size) <= 0.05 * size * (1 + 1e-9)
    assert digits == 0 or shown * 10**digits >= 10 - 1e-6


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf])
def test_a_size_that_is_not_positive_and_finite_needs_no_decimals(size: float) -> None:
    assert needed_decimals(size) is None


def test_decimals_are_bounded() -> None:
    assert needed_decimals(1e-30) == MOST_DECIMALS
