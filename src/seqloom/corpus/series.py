"""Series of numbers: a column of a CSV file becomes pairs of a context and the values after it.

A window is divided by the mean of the absolute values of its context, and its values are put into bins (Ansari 2024, "Chronos").
The name of a bin is a number, so a window is a pair of texts: the bins of the context, and the bins of the horizon. The splits
follow each other in time: no training window has values from the validation or test data.
"""

import csv
import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus.corpus import Corpus, Document, SentencePair, Split
from seqloom.corpus.input_file import InputFile, open_bytes
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import ConfigError, CorpusError
from seqloom.messages import counted
from seqloom.progress import Progress

Values = NDArray[np.float64]

# The range of the bins is the range of the scaled training windows, extended on both sides by this share of it.
_MARGIN = 0.25


@dataclass(frozen=True)
class Bins:
    """Equal intervals between two numbers; values outside belong to the first or the last interval.

    Chronos divides [-15, 15]. Here the range is that of the training windows, so that bins are narrow even if a series varies
    little around a large mean.
    """

    low: float
    high: float
    count: int

    def encode(self, values: Values) -> str:
        """The numbers of the bins, separated by spaces."""
        indexes = np.floor((values - self.low) / (self.high - self.low) * self.count)
        return " ".join(map(str, np.clip(indexes, 0, self.count - 1).astype(int).tolist()))

    def decode(self, text: str) -> Values:
        """The centre of each bin; NaN for a word that is not the number of a bin."""
        indexes = (int(word) if word.isdecimal() and int(word) < self.count else math.nan for word in text.split())
        return self.low + (np.fromiter(indexes, dtype=np.float64) + 0.5) * (self.high - self.low) / self.count

    @property
    def names(self) -> str:
        """The numbers of all bins, separated by spaces."""
        return " ".join(map(str, range(self.count)))


@dataclass(frozen=True)
class Series:
    """A series of numbers, and how it is cut into windows of a context and a horizon.

    Attributes:
        values: (length,), in the order of time.
        season: the number of values in a season; 1 if there are no seasons.
        horizon: the number of values to forecast.
        context: the number of values that a forecast is made from.
        bins: the bins of the scaled values.
    """

    values: Values
    season: int
    horizon: int
    context: int
    bins: Bins

    def window(self, origin: int) -> "SeriesPair":
        """The window whose horizon starts at the index `origin` of `values`."""
        context = self.values[origin - self.context : origin]
        future = self.values[origin : origin + self.horizon]
        scale = scale_of(context)
        return SeriesPair(self.bins.encode(context / scale), self.bins.encode(future / scale), self, origin, scale)


@dataclass(frozen=True, slots=True)
class SeriesPair(SentencePair):
    """The bins of a context and of its horizon, with the series that they come from.

    Attributes:
        origin: the index of the first value of the horizon.
        scale: the number that the values are divided by.
    """

    series: Series
    origin: int
    scale: float

    @property
    def history(self) -> Values:
        """All values before the horizon."""
        return self.series.values[: self.origin]

    @property
    def context(self) -> Values:
        """The values that the model reads."""
        return self.series.values[self.origin - self.series.context : self.origin]

    @property
    def future(self) -> Values:
        """The values of the horizon."""
        return self.series.values[self.origin : self.origin + self.series.horizon]


def scale_of(context: Values) -> float:
    """The mean of the absolute values; 1 if all are 0."""
    return float(np.abs(context).mean()) or 1.0


def open_series(settings: CorpusSettings, progress: Progress) -> Corpus:
    """Opens a CSV file with a column of numbers.

    The options of `settings` are those of `tasks.forecasting.ForecastingSettings`.

    Raises:
        CorpusError: the file cannot be read, a value is missing or not a number, or the series is too short.
        ConfigError: the settings name no file.
    """
    if settings.data is None:
        raise ConfigError("a forecast needs one CSV file with a column of numbers: --data FILE")
    options = dict(settings.options)
    horizon, context = int(options["horizon"]), int(options["context"])
    num_val, num_test = int(options["val_windows"]) * horizon, int(options["test_windows"]) * horizon
    column, values = read_column(Path(settings.data), options.get("column"))
    end = len(values) - num_val - num_test
    if end < context + horizon:
        raise CorpusError(
            f"{settings.data}: {counted(len(values), 'value')} in the column {column!r}; expected at least "
            f"{context + horizon + num_val + num_test:,}: a context of {context} and a horizon of {horizon} to train on, "
            f"{num_val} values to validate and {num_test} to test; lower task.context, task.horizon, task.val_windows or "
            "task.test_windows"
        )
    bins = _bins(values[:end], context, horizon, int(options["num_bins"]))
    series = Series(values, int(options["season"]), horizon, context, bins)
    fingerprint = hashlib.sha256(values.tobytes() + repr(sorted(options.items())).encode()).hexdigest()
    origins = {
        "train": range(context, end - horizon + 1),
        "val": range(end, end + num_val - horizon + 1),
        "test": range(end + num_val, len(values) - horizon + 1, horizon),
    }
    splits = {
        name: Split(
            name,
            f"{settings.data}, column {column}, values {starts.start + 1:,} to {starts[-1] + horizon:,}",
            hashlib.sha256(f"{fingerprint} {name}".encode()).hexdigest(),
            partial(_windows, series, starts),
            size=len(starts),
        )
        for name, starts in origins.items()
    }
    return Corpus(
        Path(settings.data).stem,
        "series",
        splits["train"],
        splits["val"],
        {"test": splits["test"]},
        metric="mase",
        item_name="windows",
        layout=(
            f"column {column}: {counted(len(values), 'value')}; windows of {context} values, of which {horizon} follow",
            f"{bins.count} bins between {bins.low:.4g} and {bins.high:.4g} times the mean of the context",
        ),
    )


def _windows(series: Series, origins: range) -> Iterator[SentencePair | Document]:
    return map(series.window, origins)


def _bins(values: Values, context: int, horizon: int, count: int) -> Bins:
    """Bins over the range of the scaled training windows, with a margin."""
    windows = np.lib.stride_tricks.sliding_window_view(values, context + horizon)
    scales = np.abs(windows[:, :context]).mean(axis=1, keepdims=True)
    scaled = windows / np.where(scales > 0, scales, 1.0)
    low, high = float(scaled.min()), float(scaled.max())
    margin = _MARGIN * (high - low) or 1.0
    return Bins(low - margin, high + margin, count)


def read_column(path: Path, column: object = None) -> tuple[str, Values]:
    """Reads the numbers of a column of a CSV file, which may be compressed, in UTF-8 or in UTF-16 with a byte order mark.

    Args:
        path: the file.
        column: the name of the column; None: the only column that holds numbers.

    Returns:
        The name of the column, and its values (num_rows,).

    Raises:
        CorpusError: the file or the column cannot be read, or a value is missing or not a number; the message names the line.
    """
    try:
        with (
            open_bytes(InputFile(path), ReadPass()) as stream,
            io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text,
        ):
            rows = list(csv.reader(text))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: cannot be read as CSV in UTF-8: {error}") from None
    if len(rows) < 2:
        raise CorpusError(f"{path}: expected a line with the names of the columns, and then a line for each value")
    names, rows = rows[0], rows[1:]
    if column is None:
        numeric = [name for index, name in enumerate(names) if all(_is_number(row, index) for row in rows)]
        if len(numeric) != 1:
            listed = (
                f"several columns hold numbers: {', '.join(numeric)}" if numeric else "no column holds only numbers"
            )
            raise CorpusError(f"{path}: {listed}; name the column of the series: --set task.column=NAME")
        column = numeric[0]
    if column not in names:
        raise CorpusError(f"{path}: there is no column {column!r}; its columns are {', '.join(names)}")
    index = names.index(str(column))
    for number, row in enumerate(rows, start=2):
        if not _is_number(row, index):
            value = row[index] if index < len(row) else ""
            raise CorpusError(
                f"{path}, line {number}: {value[:40]!r} in the column {column!r} is not a number; a series has a value at each "
                "step: fill the gap, or remove the line"
            )
    return str(column), np.array([float(row[index]) for row in rows])


def _is_number(row: list[str], index: int) -> bool:
    try:
        return math.isfinite(float(row[index]))
    except (IndexError, ValueError):
        return False
