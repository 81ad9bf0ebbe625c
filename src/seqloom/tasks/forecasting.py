"""Forecasting: an item is a window of a series; the model reads its context and draws what follows.

Values are binned (`corpus.series`), so a window is a pair of sequences, and every architecture that learns pairs can forecast. Many
drawn paths become quantiles (Ansari 2024).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.corpus.series import SeriesPair, Values
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import ConfigError
from seqloom.metrics.forecast import mase_statistics, wql_statistics
from seqloom.progress import Progress
from seqloom.tasks.forecast_baselines import library_forecast, seasonal_naive
from seqloom.tasks.settings import TaskSettings
from seqloom.tasks.task import RecipeParts, TrainedRun
from seqloom.tasks.translation import Translation
from seqloom.tokenizer import TokenizerSettings

if TYPE_CHECKING:
    from seqloom.evaluation import Evaluation, TestData, TestOutputs

LEVELS = tuple(round(0.1 * number, 1) for number in range(1, 10))
_METRICS = ("mase", "wql")
# Ids for what is not a bin: special ids, and characters.
_OTHER_IDS = 64


class ForecastingSettings(TaskSettings):
    """What is forecast, and from what."""

    name: Literal["forecasting"] = "forecasting"
    column: str | None = Field(None, description="of the CSV file; None: the only one with numbers")
    horizon: int = Field(12, gt=0, le=1000, description="how many values are forecast")
    context: int = Field(48, gt=1, le=10_000, description="how many values a forecast is made from")
    season: int = Field(1, gt=0, description="values in a season, for the seasonal-naive forecast; 1: none")
    num_bins: int = Field(256, gt=1, le=4096, description="a value is one of so many")
    val_windows: int = Field(4, gt=0, description="horizons before the test data that are validated on")
    test_windows: int = Field(8, gt=0, description="horizons at the end of the series that are tested on")
    num_samples: int = Field(100, gt=1, le=1000, description="paths drawn for each forecast")

    @model_validator(mode="after")
    def _fits(self) -> "ForecastingSettings":
        if self.context <= self.season:
            raise ValueError(f"context is {self.context}, but a season has {self.season} values; set context to more")
        return self

    def reading(self, corpus: CorpusSettings) -> CorpusSettings:
        """Reads the file as a series, cut into windows."""
        options = self.model_dump(exclude={"name", "num_samples"}, exclude_none=True)
        return corpus.model_copy(update={"kind": "series", "options": options})


class Forecasting(Translation):
    """Windows of a series."""

    kind = "series"
    description = "a series of numbers"
    noun = "window"
    unit = "windows"
    test_item = "window"
    command = "evaluate"

    def check(self, recipe: RecipeParts, corpus_name: str) -> None:
        """A series has one direction, and its windows are settings of the recipe."""
        super().check(recipe, corpus_name)
        settings_of(recipe)
        if recipe.training.bidirectional:
            raise ConfigError(
                f"training.bidirectional is {recipe.training.bidirectional:g}, but {corpus_name} is a series, which is forecast in "
                "one direction; set it to 0"
            )

    def tokenizer_settings(self, settings: TokenizerSettings, corpus: Corpus) -> TokenizerSettings:
        """A word for each bin."""
        bins = _first_window(corpus).series.bins
        size = max(64, bins.count + _OTHER_IDS)
        return settings.model_copy(update={"kind": "words", "joint": True, "min_frequency": 1, "vocab_size": size})

    def tokenizer_split(self, corpus: Corpus) -> Split:
        """All bins, also those that no training window holds."""
        names = _first_window(corpus).series.bins.names
        return replace(corpus.train, read=lambda: iter([SentencePair(names, names)]), size=1, sample=None)

    def shown_texts(self, pair: SentencePair) -> tuple[str, str]:
        """The values before and after the origin, where the pair itself holds the names of bins."""
        window = _window(pair)
        return _shown(window.context), _shown(window.future)

    def metrics(self, corpus: Corpus) -> list[str]:
        """The scaled error of the median, and the loss of the quantiles."""
        return [*_METRICS, "perplexity"]

    def evaluate(
        self,
        run: TrainedRun,
        data: "TestData",
        *,
        metrics: Sequence[str] | None = None,
        more_references: Sequence[Sequence[str]] = (),
        decoding: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> "Evaluation":
        """Scores the run, the seasonal-naive forecast and, where it is installed, one of statsmodels on the same windows."""
        from seqloom.evaluation import Evaluation, score_test

        if more_references:
            raise ConfigError("more references: a series happened once; they belong to pairs of texts")
        ignored = [name for name, value in (decoding or {}).items() if value is not None]
        if ignored:
            raise ConfigError(f"{', '.join(ignored)}: a forecast draws paths (task.num_samples); leave it out")
        if not data.is_own:
            raise ConfigError(
                "a run that forecasts is evaluated on the end of its own series, whose bins it knows; leave out other data, or "
                "train a run on the other series"
            )
        names = list(metrics or _METRICS)
        scores, tests, scopes = {}, {}, {}
        for split, pairs in data.pairs.items():
            own = self.outputs(run, pairs, beam=1, progress=progress, title=f"forecasting {split}")
            for name, outputs in {split: own, **_baselines(split, own, pairs)}.items():
                scores[name] = tuple(
                    score_test(outputs, metric, item_separator=None, item_name=data.item_name)
                    for metric in names
                    if outputs is own or metric in _METRICS
                )
                scopes[name] = data.scopes[split]
            tests[split] = own
        return Evaluation(scores, tests, scopes, notes=data.notes)

    def outputs(
        self, run: TrainedRun, pairs: Sequence[SentencePair], *, beam: int, progress: Progress | None, title: str
    ) -> "TestOutputs":
        """Draws paths for each window; `beam` does not apply, because a path is drawn."""
        from seqloom.evaluation import TestOutputs

        settings = settings_of(run.recipe)
        windows = [_window(pair) for pair in pairs]
        horizon = windows[0].series.horizon
        generator = run.generator(
            method="sample",
            nbest=settings.num_samples,
            min_len=horizon,
            max_len_ratio=0.0,
            max_len_offset=horizon + 1,
            progress=progress,
        )
        begin = time.perf_counter()
        generations = list(generator.generate([window.src for window in windows], progress=progress, task=title))
        seconds = time.perf_counter() - begin
        paths = [
            np.stack([_path(text, window) for text in generation.texts])
            for generation, window in zip(generations, windows, strict=True)
        ]
        forced = list(generator.score(pairs))
        quantiles = [{level: np.quantile(drawn, level, axis=0) for level in LEVELS} for drawn in paths]
        return TestOutputs(
            sources=tuple(window.src for window in windows),
            references=tuple(_shown(window.future) for window in windows),
            outputs=tuple(_shown(each[0.5]) for each in quantiles),
            log_probs=tuple(score.log_prob for score in forced),
            num_tokens=tuple(score.num_tokens for score in forced),
            sentences_per_second=len(windows) / max(1e-9, seconds),
            latency_ms=1000 * seconds / len(windows),
            notes=(),
            stats=_stats(quantiles, windows),
            details={"forecasts": [_detail(*item) for item in zip(quantiles, windows, strict=True)]},
        )


def settings_of(recipe: RecipeParts) -> ForecastingSettings:
    """The recipe's settings of forecasting."""
    task = recipe.task
    if not isinstance(task, ForecastingSettings):
        raise ConfigError(f"{recipe.name}: a series needs a recipe with `task: {{name: forecasting}}`")
    return task


def _baselines(split: str, own: "TestOutputs", pairs: Sequence[SentencePair]) -> "dict[str, TestOutputs]":
    """The same windows, forecast without a model of ours."""
    windows = [_window(pair) for pair in pairs]
    naive = [dict.fromkeys(LEVELS, seasonal_naive(window)) for window in windows]
    baselines = {f"{split}, seasonal-naive forecast": replace(own, stats=_stats(naive, windows))}
    try:
        drawn = [library_forecast(window) for window in windows]
    except ImportError:
        return baselines
    smoothed = [{level: np.quantile(paths, level, axis=0) for level in LEVELS} for paths in drawn]
    return baselines | {f"{split}, statsmodels ETS": replace(own, stats=_stats(smoothed, windows))}


def _stats(quantiles: Sequence[Mapping[float, Values]], windows: Sequence[SeriesPair]) -> dict[str, list[list[float]]]:
    each = list(zip(quantiles, windows, strict=True))
    return {
        "mase": [mase_statistics(q[0.5], window.future, window.context, window.series.season) for q, window in each],
        "wql": [wql_statistics(q, window.future) for q, window in each],
    }


def _path(text: str, window: SeriesPair) -> Values:
    """The values of a drawn path; what is not a bin repeats the value before it."""
    drawn = window.series.bins.decode(text)[: window.series.horizon] * window.scale
    path = np.full(window.series.horizon, np.nan)
    path[: len(drawn)] = drawn
    before = window.context[-1]
    for index, value in enumerate(path):
        path[index] = before = before if np.isnan(value) else value
    return path


def _detail(quantiles: Mapping[float, Values], window: SeriesPair) -> dict[str, Any]:
    return {
        "origin": window.origin,
        "context": window.context.tolist(),
        "actual": window.future.tolist(),
        "seasonal_naive": seasonal_naive(window).tolist(),
        "quantiles": {str(level): values.tolist() for level, values in quantiles.items()},
    }


def _shown(values: Values) -> str:
    return " ".join(f"{value:.5g}" for value in values)


def _window(pair: SentencePair) -> SeriesPair:
    if not isinstance(pair, SeriesPair):
        raise ConfigError("a run that forecasts is scored on windows of its own series; leave out other data")
    return pair


def _first_window(corpus: Corpus) -> SeriesPair:
    return _window(next(corpus.train.pairs()))
