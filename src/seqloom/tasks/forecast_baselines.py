"""Forecasts without a model of ours, to compare with: the seasonal-naive one, and exponential smoothing by statsmodels."""

import warnings

import numpy as np

from seqloom.corpus.series import SeriesPair, Values


def seasonal_naive(window: SeriesPair) -> Values:
    """The values of the last season, repeated."""
    season = window.series.season
    return np.resize(window.history[-season:], window.series.horizon)


def library_forecast(window: SeriesPair, num_samples: int = 100) -> Values:
    """Paths (num_samples, horizon) drawn by statsmodels' exponential smoothing, fitted to all values before the horizon.

    Raises:
        ImportError: statsmodels is not installed (the extra seqloom[forecast]).
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    season = window.series.season
    seasonal = {"seasonal": "add", "seasonal_periods": season} if season > 1 else {}
    with warnings.catch_warnings():
        # It warns where the fit has not converged; the forecast is then what it is.
        warnings.simplefilter("ignore")
        fit = ETSModel(window.history, trend="add", damped_trend=True, **seasonal).fit(disp=False)
        drawn = fit.simulate(window.series.horizon, anchor="end", repetitions=num_samples, rng=np.random.default_rng(0))
    return np.asarray(drawn).T
