"""Metrics of forecasts: the mean absolute scaled error (Hyndman & Koehler 2006) and the weighted quantile loss (as in Ansari 2024).

Input: numbers; output: for each forecast a row of counts. The sums of the rows give the value over all forecasts.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from seqloom.metrics.metric import Metric, Stats, ratio

Values = NDArray[np.float64]


def mase_statistics(forecast: Values, actual: Values, context: Values, season: int) -> list[float]:
    """The counts for the MASE of a forecast: its scaled error, and 1.

    The scaled error is the mean absolute error, divided by that of the seasonal-naive forecast within the context.

    Args:
        forecast: (horizon,).
        actual: (horizon,).
        context: (context,), the values before the horizon.
        season: the number of values in a season.
    """
    lag = season if len(context) > season else 1
    naive = float(np.abs(context[lag:] - context[:-lag]).mean())
    return [float(np.abs(actual - forecast).mean()) / (naive or 1.0), 1.0]


def wql_statistics(quantiles: Mapping[float, Values], actual: Values) -> list[float]:
    """The counts for the weighted quantile loss: twice the pinball loss (mean over levels), and the sum of |actual|.

    Args:
        quantiles: for each level (0 to 1) the forecast quantile, (horizon,).
        actual: (horizon,).
    """
    losses = [
        2 * np.maximum(level * (actual - forecast), (level - 1) * (actual - forecast)).sum()
        for level, forecast in quantiles.items()
    ]
    return [float(np.mean(losses)), float(np.abs(actual).sum())]


def _mean(sums: Stats) -> Stats:
    return ratio(sums[..., 0], sums[..., 1], 0.0)


def _percent(sums: Stats) -> Stats:
    return 100 * _mean(sums)


def _signer(signature: str) -> Callable[[str | None], str]:
    return lambda separator: signature


MASE = Metric(
    "mase", "MASE", False, None, _mean, _signer("mase|point:median|scale:seasonal-naive in the context|version:1")
)
WQL = Metric("wql", "weighted quantile loss (%)", False, None, _percent, _signer("wql|levels:0.1 to 0.9|version:1"))
