"""Effects: runs and their outputs become contrasts between arms, over seeds and test sentences.

Input: trained arms; output: Contrasts and the points of charts. What an effect means for a claim is decided by `rule`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqloom.claims.rule import interval_of
from seqloom.claims.verdict import ChartSeries, Contrast, Point, Term
from seqloom.evaluation import TestOutputs
from seqloom.experiment.runner import RunRecord, Trained
from seqloom.metrics import Metric, Stats, find_metric
from seqloom.metrics.likelihood import likelihood_statistics
from seqloom.metrics.metric import ratio
from seqloom.segments import num_segments

_NUM_RESAMPLES = 500

BY_LENGTH = "Quality by the length of the source"

Chosen = Callable[[TestOutputs], NDArray[np.bool_]]
"""Selects the sentences of a test that are scored: True for each of these."""


@dataclass(frozen=True)
class Measure:
    """How the quality of a run is measured: a metric of its outputs, or the likelihood of the references.

    Attributes:
        unit: the unit of differences, as shown to people.
        separator: the text between the items of a target; None for metrics that have no items.
    """

    metric: Metric
    unit: str
    separator: str | None = None

    def counts(self, run: RunRecord, split: str) -> Stats:
        """The counts that the metric is computed from, one row for each sentence."""
        outputs = run.outputs(split)
        if self.metric is NATS.metric:
            num_bytes = [len(reference.encode()) for reference in outputs.references]
            return likelihood_statistics(outputs.log_probs, outputs.num_tokens, num_bytes)
        return outputs.statistics(self.metric.name, self.separator)

    @property
    def label(self) -> str:
        """The name of the metric, as shown to people."""
        return self.metric.label.format(items="words")

    @property
    def higher_is_better(self) -> bool:
        """Whether larger values are better."""
        return self.metric.higher_is_better

    def value(self, run: RunRecord, split: str = "test") -> float:
        """The score of a run on a test split."""
        return float(self.metric.combine(self.counts(run, split).sum(axis=0)))


NATS = Measure(
    Metric(
        "nats_per_token",
        "cross-entropy",
        False,
        None,
        lambda sums: -ratio(sums[..., 0], sums[..., 1], 0.0),
        lambda separator: "nats_per_token|eos:yes|version:1",
    ),
    "nats a token",
)
EXACT = Measure(find_metric("exact_match"), "percentage points of exact matches")
WORDS = Measure(find_metric("items"), "percentage points of right words", " ")
BLEU = Measure(find_metric("bleu"), "BLEU")
CHRF = Measure(find_metric("chrf"), "chrF")


@dataclass(frozen=True)
class Part:
    """One term of a contrast: the weighted mean of an arm on a test split, on all sentences or on those that `chosen` selects."""

    weight: float
    arm: Trained
    split: str = "test"
    chosen: Chosen | None = None


def contrast(measure: Measure, *parts: Part) -> Contrast:
    """The weighted sum of arms' means, with its variance over sentences.

    Equal parts of an arm become one term with the sum of their weights, since their values vary together. Parts on the same split
    share their sentences, so these are resampled together (paired bootstrap); the sentences of different splits are resampled
    independently.
    """
    tables: dict[str, list[tuple[float, Stats]]] = {}
    terms = []
    for part in _joined(parts):
        counts = [measure.counts(run, part.split) for run in part.arm.runs]
        if part.chosen is not None:
            rows = part.chosen(part.arm.runs[0].outputs(part.split))
            # The counts of other sentences become 0 and their rows stay, so that all parts of a split have the same rows.
            counts = [stats * rows[:, None] for stats in counts]
        where = "" if part.split == "test" else f", {part.split}"
        values = tuple(float(measure.metric.combine(stats.sum(axis=0))) for stats in counts)
        terms.append(Term(arm=part.arm.arm.label + where, weight=part.weight, values=values))
        tables.setdefault(part.split, []).extend((part.weight / len(counts), stats) for stats in counts)
    variances = [_variance(measure.metric, table) for table in tables.values()]
    return Contrast(
        terms=tuple(terms),
        sentence_variance=sum(variances),
        num_sentences=min(len(table[0][1]) for table in tables.values()),
    )


def _joined(parts: Sequence[Part]) -> list[Part]:
    weights: dict[tuple[str, str, Chosen | None], float] = {}
    for part in parts:
        key = (part.arm.arm.name, part.split, part.chosen)
        weights[key] = weights.get(key, 0.0) + part.weight
    arms = {part.arm.arm.name: part.arm for part in parts}
    return [Part(weight, arms[name], split, chosen) for (name, split, chosen), weight in weights.items() if weight]


def contrast_of_corpora(measure: Measure, *parts: Part) -> Contrast:
    """Like `contrast`, for parts on different corpora: their sentences are resampled independently, even of splits of one name."""
    results = [contrast(measure, part) for part in parts]
    return Contrast(
        terms=tuple(term for item in results for term in item.terms),
        sentence_variance=sum(item.sentence_variance for item in results),
        num_sentences=min(item.num_sentences for item in results),
    )


def _variance(metric: Metric, table: Sequence[tuple[float, Stats]]) -> float:
    """The variance of a weighted sum of runs' values over sentences drawn with replacement."""
    weights = np.array([weight for weight, _ in table])
    counts = np.stack([stats for _, stats in table], axis=1)
    num_sentences = len(counts)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(num_sentences, np.full(num_sentences, 1 / num_sentences), size=_NUM_RESAMPLES)
    sums = np.einsum("rs,sak->rak", drawn.astype(np.float64), counts)
    return float((metric.combine(sums) @ weights).var(ddof=1))


def point(x: float | str, measure: Measure, arm: Trained, split: str = "test", chosen: Chosen | None = None) -> Point:
    """An arm's mean on a split, with its interval, as a point of a chart."""
    effect = contrast(measure, Part(1.0, arm, split, chosen))
    mean = float(np.mean(effect.terms[0].values))
    low, high = interval_of(effect) or (None, None)
    return Point(x=x, y=mean, low=low, high=high)


def bars(
    measure: Measure, arms: Sequence[Trained], splits: Sequence[tuple[str, str]] = (("test", "test"),)
) -> tuple[ChartSeries, ...]:
    """A series for each arm, a point for each split.

    Args:
        splits: for each split its name and its label in the chart.
    """
    return tuple(
        ChartSeries(label=arm.arm.label, points=tuple(point(label, measure, arm, split) for split, label in splits))
        for arm in arms
    )


def length_bins(arm: Trained, count: int) -> list[tuple[int, int]]:
    """Ranges of the source's words that hold about equally many test sentences."""
    lengths = [num_segments(source) for source in arm.runs[0].outputs().sources]
    edges = np.quantile(lengths, np.linspace(0, 1, count + 1)).round().astype(int).tolist()
    lows = [edges[0], *(edge + 1 for edge in edges[1:-1])]
    return [(low, high) for low, high in zip(lows, edges[1:], strict=True) if low <= high]


def by_length(measure: Measure, arms: Sequence[Trained], bins: Sequence[tuple[int, int]]) -> tuple[ChartSeries, ...]:
    """A series for each arm, a point for each range of the source's words."""
    return tuple(
        ChartSeries(
            label=arm.arm.label,
            points=tuple(point(f"{low}-{high}", measure, arm, chosen=between(low, high)) for low, high in bins),
        )
        for arm in arms
    )


def between(low: int, high: int) -> Chosen:
    """Sentences whose source has `low` to `high` words, both included."""
    return lambda outputs: np.array([low <= num_segments(source) <= high for source in outputs.sources])
