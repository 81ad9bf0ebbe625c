"""Metrics of forecasts against hand counts."""

import numpy as np
import pytest

from seqloom.metrics import aggregate, find_metric
from seqloom.metrics.forecast import mase_statistics, wql_statistics

LEVELS = [round(0.1 * number, 1) for number in range(1, 10)]


def test_mase_is_the_error_over_that_of_the_seasonal_naive_forecast() -> None:
    context = np.array([1.0, 5.0, 2.0, 7.0])
    # Season 2: |2 - 1| and |7 - 5|, mean 1.5.
    stats = mase_statistics(np.array([3.0, 8.0]), np.array([4.0, 6.0]), context, 2)
    assert stats == [1.5 / 1.5, 1.0]
    # A constant context has no error to divide by.
    assert mase_statistics(np.array([2.0]), np.array([4.0]), np.ones(4), 1) == [2.0, 1.0]


def test_the_quantile_loss_of_a_point_forecast_is_its_absolute_error() -> None:
    actual, point = np.array([10.0, 20.0]), np.array([12.0, 19.0])
    stats = wql_statistics(dict.fromkeys(LEVELS, point), actual)
    assert stats == pytest.approx([3.0, 30.0])
    assert aggregate("wql", np.array(stats)) == pytest.approx(10.0)


def test_a_true_quantile_beats_its_neighbours() -> None:
    drawn = np.random.default_rng(0).normal(size=20_000) + 5
    losses = [wql_statistics({0.9: np.full_like(drawn, np.quantile(drawn, q))}, drawn)[0] for q in (0.8, 0.9, 0.97)]
    assert losses[1] == min(losses)


def test_values_are_means_over_forecasts() -> None:
    rows = np.array([[0.5, 1.0], [1.5, 1.0]])
    assert aggregate("mase", rows.sum(axis=0)) == 1.0
    assert not find_metric("mase").higher_is_better
