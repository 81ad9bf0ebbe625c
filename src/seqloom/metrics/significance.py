"""Significance: intervals of scores and of differences between arms, over test sentences and training seeds.

Input: for each run one row of counts for each sentence; output: estimates with intervals. All arrays have the same order of
sentences.

One run in each arm: the bootstrap over sentences (Koehn 2004, "Statistical significance tests for machine translation evaluation"),
paired if two systems are compared. It says how far the value would vary with other test sentences and the same runs.

Several runs in an arm: the value would also vary with other seeds. Resampling 3 seeds, as a hierarchical bootstrap does,
makes intervals far too narrow: it underestimates the variance between seeds by a third, and ignores that this variance is
uncertain. So the variance is a sum of two parts, each with a suitable estimate:

- sentences: the bootstrap variance over the sentences, which all runs have in common;
- seeds: for each arm the unbiased variance between its runs, divided by their number.

Student's distribution with the degrees of freedom of Welch and Satterthwaite (Satterthwaite 1946, Welch 1947) gives the interval
and the p-value. The interaction of runs and sentences counts in both parts, as in Owen's pigeonhole bootstrap (2007), so intervals
are slightly too wide, not too narrow. Simulations in the tests show that they contain the true value often enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqloom.errors import CorpusError
from seqloom.metrics.metric import Metric, Stats
from seqloom.metrics.student import critical_value, two_sided_p

NUM_RESAMPLES = 1_000
LEVEL = 0.95

# Entries of the matrix of resampling weights that are in memory at once.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its confidence interval.

    Attributes:
        value: the mean over the runs.
        level: the probability with which such intervals contain the true value.
        method: how the interval was computed, and over what.
    """

    value: float
    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class ScoreDifference:
    """The difference between the values of arms A and B, in the units of the metric.

    Attributes:
        difference: A minus B; if a lower value is better, a negative difference favours A.
        p_value: two-sided: the probability of a difference at least as large, in either direction, if the arms were equal.
        level: the level of the interval. The interval excludes 0 if the p-value is below 1 - level.
        method: how the interval was computed, and over what.
    """

    difference: float
    low: float
    high: float
    p_value: float
    level: float
    method: str

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at the level."""
        return self.p_value < 1 - self.level


def estimate(
    metric: Metric, runs: Sequence[Stats], *, num_resamples: int = NUM_RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """The mean value of the runs of an arm, with its interval.

    Args:
        runs: for each run the counts, (sentences, k).

    Raises:
        CorpusError: runs with different numbers of sentences, or fewer than two sentences.
    """
    _check([*runs])
    value = float(np.mean(_values(metric, runs)))
    resampled = _resample(metric, runs, num_resamples, seed)
    if len(runs) == 1:
        low, high = _percentiles(resampled[:, 0], level)
        return Estimate(
            value, low, high, level, f"bootstrap over {len(runs[0]):,} sentences, {num_resamples:,} resamples"
        )
    low, high, _ = _student(value, resampled.mean(axis=1), [_values(metric, runs)], len(runs[0]), level)
    method = (
        f"Student's t over {len(runs)} seeds and {len(runs[0]):,} sentences (bootstrap, {num_resamples:,} resamples)"
    )
    return Estimate(value, low, high, level, method)


def compare(
    metric: Metric,
    runs_a: Sequence[Stats],
    runs_b: Sequence[Stats],
    *,
    num_resamples: int = NUM_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> ScoreDifference:
    """The difference between two arms on the same sentences.

    With one run each, it is the difference between these two runs, with the paired bootstrap. With several, it is the difference
    between the arms. An arm of a single run (an outside system) adds no variance between seeds.

    Args:
        runs_a: for each run of arm A the counts, (sentences, k).
        runs_b: for each run of arm B; the numbers of runs may differ.

    Raises:
        CorpusError: runs with different numbers of sentences, or fewer than two sentences.
    """
    _check([*runs_a, *runs_b])
    values_a, values_b = _values(metric, runs_a), _values(metric, runs_b)
    difference = float(values_a.mean() - values_b.mean())
    resampled = _resample(metric, [*runs_a, *runs_b], num_resamples, seed)
    differences = resampled[:, : len(runs_a)].mean(axis=1) - resampled[:, len(runs_a) :].mean(axis=1)
    sentences = f"{len(runs_a[0]):,} sentences"
    if len(runs_a) == len(runs_b) == 1:
        low, high = _percentiles(differences, level)
        # 1 minus the level at which the interval would touch 0, so p-value and interval never disagree by more than a resample.
        beyond = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
        p_value = min(1.0, 2 * (beyond + 1) / (num_resamples + 1))
        return ScoreDifference(
            difference, low, high, p_value, level, f"paired bootstrap over {sentences}, {num_resamples:,} resamples"
        )
    low, high, p_value = _student(difference, differences, [values_a, values_b], len(runs_a[0]), level)
    seeds = f"{len(runs_a)} and {len(runs_b)} seeds"
    method = f"Welch's t over {seeds} and {sentences} (paired bootstrap, {num_resamples:,} resamples)"
    return ScoreDifference(difference, low, high, p_value, level, method)


def _student(
    value: float, resampled: Stats, arms: Sequence[Stats], num_sentences: int, level: float
) -> tuple[float, float, float]:
    """The low and high ends of the interval of `value`, and its p-value.

    Args:
        resampled: (resamples,), the value over resampled sentences, for the variance over sentences.
        arms: for each arm the values of its runs, (runs,), for the variance over seeds.
    """
    parts = [(float(resampled.var(ddof=1)), num_sentences - 1)]
    parts += [(float(values.var(ddof=1)) / len(values), len(values) - 1) for values in arms if len(values) > 1]
    total = sum(variance for variance, _ in parts)
    if total <= 1e-24:
        # There is no variance between sentences or seeds.
        return value, value, 1.0 if value == 0 else 0.0
    degrees_of_freedom = total**2 / sum(variance**2 / degrees for variance, degrees in parts)
    error = total**0.5
    half_width = critical_value(level, degrees_of_freedom) * error
    return value - half_width, value + half_width, two_sided_p(value / error, degrees_of_freedom)


def _values(metric: Metric, runs: Sequence[Stats]) -> Stats:
    """The corpus value of each run, (runs,)."""
    return metric.combine(np.stack([stats.sum(axis=0) for stats in runs]))


def _resample(metric: Metric, runs: Sequence[Stats], num_resamples: int, seed: int) -> Stats:
    """The value of each run, (resamples, runs), over sentences drawn with replacement; the same sentences for all runs."""
    num_sentences, width = runs[0].shape
    columns = np.concatenate(runs, axis=1)
    rng = np.random.default_rng(seed)
    values = np.empty((num_resamples, len(runs)))
    rows = max(1, _BLOCK // num_sentences)
    for start in range(0, num_resamples, rows):
        count = min(rows, num_resamples - start)
        drawn = rng.integers(0, num_sentences, size=(count, num_sentences)) + np.arange(count)[:, None] * num_sentences
        # How often each sentence was drawn; sums of rows are then one matrix product.
        weights = np.bincount(drawn.ravel(), minlength=count * num_sentences).reshape(count, num_sentences)
        sums = (weights.astype(np.float64) @ columns).reshape(count, len(runs), width)
        values[start : start + count] = metric.combine(sums)
    return values


def _percentiles(values: Stats, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _check(runs: Sequence[Stats]) -> None:
    if not runs:
        raise CorpusError("there is nothing to compare: no runs were given")
    counts = {len(stats) for stats in runs}
    if len(counts) > 1:
        raise CorpusError(
            f"the runs were scored on {' and '.join(f'{count:,}' for count in sorted(counts))} sentences; "
            "expected the same sentences in the same order for all"
        )
    if min(counts) < 2:
        raise CorpusError(f"an interval of a score needs at least 2 test sentences, but there are {min(counts)}")
