"""Metrics: scores of hypotheses against references, with signatures, intervals and significance.

    stats = statistics("bleu", hypotheses, references)        # (sentences, k): counts whose sums give the corpus value
    score("bleu", hypotheses, references)                     # Score: 41.0, with sacreBLEU's signature
    paired_bootstrap("bleu", stats, other_stats)              # ScoreDifference: with its interval and p-value
    difference("bleu", runs_a, runs_b)                        # the same for two arms, each with several seeds

Fractions are given in percent. This package does not know models or tokenizers. It imports sacreBLEU only when it scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seqloom.errors import ConfigError
from seqloom.metrics.exact import EXACT_MATCH, ITEMS
from seqloom.metrics.forecast import MASE, WQL
from seqloom.metrics.lengths import LengthEstimate, choose_bins, estimate_by_length
from seqloom.metrics.likelihood import (
    BITS_PER_BYTE,
    BITS_PER_CHARACTER,
    PERPLEXITY,
    WORD_PERPLEXITY,
    likelihood_statistics,
)
from seqloom.metrics.metric import Metric, Score, Stats, check_texts, reference_streams
from seqloom.metrics.overlap import BLEUS, CHRF, TER, TER_SEGMENTS
from seqloom.metrics.significance import LEVEL, NUM_RESAMPLES, Estimate, ScoreDifference, compare, estimate

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        *(*BLEUS, CHRF, TER, TER_SEGMENTS, EXACT_MATCH, ITEMS),
        *(PERPLEXITY, WORD_PERPLEXITY, BITS_PER_BYTE, BITS_PER_CHARACTER, MASE, WQL),
    )
}


def find_metric(name: str) -> Metric:
    """The metric with a name.

    Raises:
        ConfigError: no metric has this name; the message suggests the nearest one.
    """
    if name in METRICS:
        return METRICS[name]
    from seqloom.config import nearest  # pydantic is slow to import, and only this message needs it

    hint = nearest(name, list(METRICS))
    raise ConfigError(f"unknown metric {name!r}.{hint} Known metrics: {', '.join(METRICS)}.")


References = Sequence[str] | Sequence[Sequence[str]]
"""A reference for each hypothesis; or, for several references, such a sequence for each translator, as in sacreBLEU."""


def statistics(
    metric: str, hypotheses: Sequence[str], references: References, *, item_separator: str | None = None
) -> Stats:
    """The counts of each sentence. The corpus value is computed from their sums (see `aggregate`).

    Args:
        references: a reference for each hypothesis, or such a sequence for each translator.
        item_separator: the text between the items of a target; the metric "items" needs it.

    Returns:
        (sentences, k); k depends on the metric.

    Raises:
        CorpusError: unequal numbers of texts, or no texts.
        ConfigError: the metric is unknown, is not computed from texts, or needs `item_separator`.
    """
    definition = find_metric(metric)
    if definition.count is None:
        raise ConfigError(
            f"{metric} is computed from log-probabilities of a model, not from texts; use likelihood_statistics"
        )
    streams = reference_streams(references)
    check_texts(hypotheses, streams)
    return definition.count(hypotheses, streams, item_separator)


def aggregate(metric: str, stats_sum: Stats) -> Stats:
    """The corpus values, (...), from sums of counts, (..., k)."""
    return find_metric(metric).combine(stats_sum)


def score(
    metric: str,
    hypotheses: Sequence[str],
    references: References,
    *,
    item_separator: str | None = None,
    item_name: str = "items",
) -> Score:
    """The score of a corpus, without an interval. See `statistics` for arguments and errors."""
    stats = statistics(metric, hypotheses, references, item_separator=item_separator)
    value = float(aggregate(metric, stats.sum(axis=0)))
    return make_score(metric, value, item_separator, item_name, num_references=len(reference_streams(references)))


def score_runs(
    metric: str,
    runs: Sequence[Stats],
    *,
    item_separator: str | None = None,
    item_name: str = "items",
    num_references: int = 1,
    num_resamples: int = NUM_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Score:
    """The mean score of the runs of an arm (one or several seeds), with its interval (see `significance`).

    For the parameters, see `score` and `significance.estimate`.
    """
    mean = estimate(find_metric(metric), runs, num_resamples=num_resamples, level=level, seed=seed)
    without_interval = make_score(metric, mean.value, item_separator, item_name, num_references=num_references)
    return replace(without_interval, interval=(mean.low, mean.high))


def interval(
    metric: str, runs: Sequence[Stats], *, num_resamples: int = NUM_RESAMPLES, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """The mean value of the runs of an arm, with its interval and the method; see `significance.estimate`."""
    return estimate(find_metric(metric), runs, num_resamples=num_resamples, level=level, seed=seed)


def bootstrap_interval(
    metric: str, stats: Stats, *, num_resamples: int = NUM_RESAMPLES, level: float = LEVEL, seed: int = 0
) -> tuple[float, float]:
    """The interval of the value of a run over sentences, by percentiles of the bootstrap: its low and high ends."""
    value = estimate(find_metric(metric), [stats], num_resamples=num_resamples, level=level, seed=seed)
    return value.low, value.high


def paired_bootstrap(
    metric: str,
    stats_a: Stats,
    stats_b: Stats,
    *,
    num_resamples: int = NUM_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> ScoreDifference:
    """The difference between two runs on the same sentences (Koehn 2004)."""
    return compare(find_metric(metric), [stats_a], [stats_b], num_resamples=num_resamples, level=level, seed=seed)


def difference(
    metric: str,
    runs_a: Sequence[Stats],
    runs_b: Sequence[Stats],
    *,
    num_resamples: int = NUM_RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> ScoreDifference:
    """The difference between two arms on the same sentences, over seeds and sentences; for one run each, the paired bootstrap."""
    return compare(find_metric(metric), runs_a, runs_b, num_resamples=num_resamples, level=level, seed=seed)


def by_length(
    metric: str,
    sources: Sequence[str],
    runs: Sequence[Stats],
    *,
    bins: Sequence[tuple[int, int]] | None = None,
    seed: int = 0,
) -> tuple[LengthEstimate, ...]:
    """The mean value of the runs of an arm by the number of words of the source; see `lengths.estimate_by_length`."""
    return estimate_by_length(find_metric(metric), sources, runs, bins=bins, seed=seed)


def make_score(
    metric: str, value: float, item_separator: str | None, item_name: str, *, num_references: int = 1
) -> Score:
    """A Score from a value: adds the label and the signature."""
    definition = METRICS[metric]
    return Score(
        metric,
        definition.label.format(items=item_name),
        value,
        definition.higher_is_better,
        definition.signature(item_separator, num_references),
    )


def can_be_right(metric: str, references: References, *, item_separator: str | None = None) -> bool:
    """Whether the references themselves would score above 0. If no text has four words, their BLEU is 0."""
    definition = find_metric(metric)
    if definition.count is None or not definition.higher_is_better:
        return True
    first = reference_streams(references)[0]
    return float(score(metric, first, references, item_separator=item_separator).value) > 0


def is_bleu(metric: str) -> bool:
    """Whether a name is one of the BLEU variants, which differ by their tokenizers."""
    return metric.startswith("bleu")


__all__ = [
    "METRICS",
    "Estimate",
    "LengthEstimate",
    "Metric",
    "References",
    "Score",
    "ScoreDifference",
    "Stats",
    "aggregate",
    "bootstrap_interval",
    "by_length",
    "can_be_right",
    "choose_bins",
    "difference",
    "find_metric",
    "interval",
    "is_bleu",
    "likelihood_statistics",
    "make_score",
    "paired_bootstrap",
    "score",
    "score_runs",
    "statistics",
]
