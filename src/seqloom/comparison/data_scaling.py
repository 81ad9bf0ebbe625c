"""Data scaling: what each arm reaches on parts of the training data, and how much more data would help.

Input: for each arm its outputs for the test split after training on an eighth, a quarter, half and all of the training data.
Output: a DataScaling with a fitted power law (Hestness 2017). Nothing here trains or decodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seqloom.comparison.comparison import Comparison, DataScaling, Interval, Predicted, ScalingPoint
from seqloom.comparison.quality_measure import QualityMeasure
from seqloom.corpus import Corpus
from seqloom.corpus.corpus import Document, SentencePair, Split
from seqloom.errors import ConfigError
from seqloom.evaluation import TestOutputs
from seqloom.metrics import aggregate

DIVISORS = (8, 4, 2)
"""The parts of the training data, next to all of it: an eighth, a quarter, a half."""

LEAST_ITEMS = 160
"""With fewer training items a part of an eighth is too small to learn from."""

FACTORS = (2, 4)
"""How many times as much data predictions are made for."""

LOSS = "bits_per_byte"
# A point that is farther from the line than this share of its loss is a warning.
_WORST_FIT = 0.05
_RESAMPLES = 1000
_LEVEL = 0.95
# The 97.5% quantile of Student's t by its degrees of freedom, which are two fewer than the fitted points.
_STUDENT = {1: 12.706, 2: 4.303, 3: 3.182}


@dataclass(frozen=True)
class PartResult:
    """An arm after training on a part of the data.

    Attributes:
        num_items: of its training data.
        steps: updates of its training; 0 for a model that is fitted by counting.
        outputs: for the first test split.
    """

    num_items: int
    steps: int
    outputs: TestOutputs


def part_sizes(num_items: int) -> tuple[int, ...]:
    """The numbers of items of the parts, the smallest first, without the whole.

    Raises:
        ConfigError: there are too few items.
    """
    if num_items < LEAST_ITEMS:
        raise ConfigError(
            f"--curve trains on an eighth, a quarter and half of the data, but there are only {num_items:,} training items; it "
            f"needs at least {LEAST_ITEMS}: leave --curve out, or give more data"
        )
    return tuple(num_items // divisor for divisor in DIVISORS)


def part_of(corpus: Corpus, num_items: int, size: int) -> Corpus:
    """The corpus with `size` of its `num_items` training items.

    The parts are random and nested: a smaller part is in each larger one. Of one running text the first passages are taken, because
    a language model reads them in their order.
    """
    split = corpus.train
    in_order = split.unit == "passages"
    order = np.arange(num_items) if in_order else np.random.default_rng(0).permutation(num_items)
    chosen = np.sort(order[:size])
    part = Split(
        split.name,
        f"{size:,} of {num_items:,} {split.unit} of {split.origin}",
        f"{split.fingerprint}-part-{size}",
        lambda: _select(split, chosen),
        size,
        unit=split.unit,
    )
    return replace(corpus, train=part)


def _select(split: Split, chosen: NDArray[np.int64]) -> Iterator[SentencePair | Document]:
    remaining = iter(chosen.tolist())
    following = next(remaining, None)
    for index, item in enumerate(split):
        if following is None:
            return
        if index == following:
            yield item
            following = next(remaining, None)


def measure_scaling(arm: str, label: str, results: Sequence[PartResult], measure: QualityMeasure) -> DataScaling:
    """The results of an arm on parts of the data, and the power law through them.

    The law is loss = a * items ** -b, by least squares on logarithms. Its interval adds two variances: that of the test split, by
    1,000 bootstrap resamples of its items, which are the same for all sizes, and that of the points around the line. With one run
    a size, the second contains the variance between seeds.

    Args:
        results: the smallest part first; the last one is all of the data.
    """
    corpus = measure.corpus
    stats = np.stack([result.outputs.statistics(LOSS, corpus.item_separator) for result in results])
    losses = np.array([float(aggregate(LOSS, row.sum(axis=0))) for row in stats])
    sizes = np.array([result.num_items for result in results], dtype=np.float64)
    law = _fit(sizes, losses, _resampled_losses(stats))
    return DataScaling(
        arm=arm,
        label=label,
        unit=corpus.train.unit,
        points=tuple(
            ScalingPoint(
                num_items=result.num_items,
                steps=result.steps,
                loss=float(loss),
                quality=measure.quality(
                    corpus.metric, [result.outputs.statistics(corpus.metric, corpus.item_separator)]
                ),
            )
            for result, loss in zip(results, losses, strict=True)
        ),
        exponent=law.exponent,
        exponent_interval=law.exponent_interval,
        fitted=tuple(float(value) for value in law.at(sizes)),
        predictions=tuple(law.predict(int(sizes[-1]) * factor) for factor in FACTORS),
    )


@dataclass(frozen=True)
class _PowerLaw:
    intercept: float
    exponent: float
    exponent_interval: Interval
    sizes: NDArray[np.float64]
    residual_variance: float
    resampled: NDArray[np.float64]
    """Intercept and slope of each resample, (resamples, 2)."""

    def at(self, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """The loss on the line."""
        return np.exp(self.intercept - self.exponent * np.log(sizes))

    def predict(self, size: int) -> Predicted:
        """The loss with `size` items."""
        x = float(np.log(size))
        centred = np.log(self.sizes) - np.log(self.sizes).mean()
        spread = 1 + 1 / len(self.sizes) + (x - np.log(self.sizes).mean()) ** 2 / (centred**2).sum()
        of_test = float((self.resampled @ np.array([1.0, x])).var())
        half = _student(len(self.sizes)) * float(np.sqrt(self.residual_variance * spread + of_test))
        centre = self.intercept - self.exponent * x
        low, high = np.exp([centre - half, centre + half])
        return Predicted(num_items=size, loss=float(np.exp(centre)), interval=_interval(float(low), float(high)))


def _fit(sizes: NDArray[np.float64], losses: NDArray[np.float64], resampled: NDArray[np.float64]) -> _PowerLaw:
    x = np.stack([np.ones_like(sizes), np.log(sizes)], axis=1)
    solve = np.linalg.pinv(x)
    intercept, slope = solve @ np.log(losses)
    residuals = np.log(losses) - x @ np.array([intercept, slope])
    variance = float((residuals**2).sum() / (len(sizes) - 2))
    lines = np.log(resampled) @ solve.T
    centred = np.log(sizes) - np.log(sizes).mean()
    half = _student(len(sizes)) * float(np.sqrt(variance / (centred**2).sum() + lines[:, 1].var()))
    return _PowerLaw(float(intercept), float(-slope), _interval(-slope - half, -slope + half), sizes, variance, lines)


def _student(num_points: int) -> float:
    return _STUDENT[num_points - 2]


def _interval(low: float, high: float) -> Interval:
    method = f"least squares on logarithms, and {_RESAMPLES:,} bootstrap resamples of the test items"
    return Interval(low=float(low), high=float(high), level=_LEVEL, method=method)


def _resampled_losses(stats: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss of each part on resamples of the test items, (resamples, parts), from counts (parts, items, columns)."""
    num_items = stats.shape[1]
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(_RESAMPLES):
        weights = np.bincount(rng.integers(num_items, size=num_items), minlength=num_items)
        rows.append([float(aggregate(LOSS, weights @ part)) for part in stats])
    return np.array(rows)


def with_scaling(comparison: Comparison, corpus: Corpus, parts: Mapping[str, Sequence[PartResult]]) -> Comparison:
    """The comparison with the curves of its arms, and with sentences and warnings about them."""
    measure = QualityMeasure(replace(corpus, metric=comparison.metric))
    scaling = tuple(
        measure_scaling(arm.name, arm.label, parts[arm.name], measure) for arm in comparison.arms if arm.name in parts
    )
    return comparison.model_copy(
        update={
            "scaling": scaling,
            "verdict": (*comparison.verdict, *(scaling_sentence(item) for item in scaling)),
            "caveats": (*comparison.caveats, *_caveats(scaling)),
        }
    )


def scaling_sentence(scaling: DataScaling) -> str:
    """How much a doubling of the data lowers the loss, and what twice the data would give."""
    low, high = sorted(
        100 * (1 - 2**-value) for value in (scaling.exponent_interval.low, scaling.exponent_interval.high)
    )
    gain = 100 * (1 - 2**-scaling.exponent)
    sentence = f"{scaling.label}: twice as many {scaling.unit} lower the loss by {gain:.1f}% [{low:.1f}, {high:.1f}]"
    if low <= 0:
        return f"{sentence}, so these runs do not show that more {scaling.unit} would help."
    doubled, last = scaling.predictions[0], scaling.points[-1]
    return (
        f"{sentence}; {doubled.num_items:,} should reach {doubled.loss:.3f} [{doubled.interval.low:.3f}, "
        f"{doubled.interval.high:.3f}] bits per byte in place of {last.loss:.3f}."
    )


def _caveats(scaling: Sequence[DataScaling]) -> list[str]:
    if not scaling:
        return []
    unit = scaling[0].unit
    caveats = [
        f"What more {unit} would give is extrapolated by a power law from parts of these data, with one run a size and the same "
        f"budget each: more {unit} of another kind, or a longer budget, may give another result."
    ]
    for item in scaling:
        worst = max(abs(point.loss / fitted - 1) for point, fitted in zip(item.points, item.fitted, strict=True))
        if worst > _WORST_FIT:
            caveats.append(
                f"{item.label}: its losses do not follow a power law (a point is {100 * worst:.0f}% off the line), so do not trust "
                "its predictions."
            )
    return caveats
