"""Chooses the metric of a verdict: no verdict uses a metric that cannot distinguish the arms.

The input are counts and outputs of arms; the result is the metric, and why the leading metric cannot be used. BLEU is 0 for all
outputs if no reference has four words. A metric that is 0 for all arms, or that has equal counts for different outputs, shows
nothing either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seqloom.metrics import Stats, aggregate, can_be_right, find_metric, is_bleu

Outputs = Sequence[Sequence[str]]
"""The outputs of an arm, for each of its runs."""


@dataclass(frozen=True)
class Judged:
    """The metric that compares arms.

    Attributes:
        metric: its name; None if no metric distinguishes the arms.
        why: why the leading metric does not, in words; empty if it does.
    """

    metric: str | None
    why: str = ""


class Judge:
    """Finds the metric that distinguishes arms on a test split."""

    def __init__(
        self,
        metrics: Sequence[str],
        references: Mapping[str, Sequence[str]],
        stats: Mapping[str, Mapping[str, Mapping[str, Sequence[Stats]]]],
        outputs: Mapping[str, Mapping[str, Outputs]],
        item_separator: str | None,
    ) -> None:
        """Stores counts and outputs that were computed before.

        Args:
            metrics: the leading one first. The next ones may replace it, except those computed from likelihoods, which other
                    systems do not have.
            references: by test split.
            stats: the counts of each run, by metric, arm and test split.
            outputs: by arm and test split.
        """
        self._metrics = list(metrics)
        self._references = references
        self._stats = stats
        self._outputs = outputs
        self._separator = item_separator
        self._reachable: dict[tuple[str, str], bool] = {}

    def led_by(self, metric: str) -> "Judge":
        """A judge with the same data and another leading metric."""
        metrics = [metric, *(other for other in self._metrics if other != metric)]
        return Judge(metrics, self._references, self._stats, self._outputs, self._separator)

    def judge(self, arms: Sequence[str], test: str) -> Judged:
        """The first metric that distinguishes these arms on a test split."""
        leading, *others = self._metrics
        arms = [arm for arm in arms if test in self._outputs[arm]]
        why = self._useless(leading, arms, test)
        if not why:
            return Judged(leading)
        for metric in others:
            if find_metric(metric).count is not None and not self._useless(metric, arms, test):
                return Judged(metric, why)
        return Judged(None, why)

    def same_outputs(self, arms: Sequence[str], test: str) -> bool:
        """Whether all runs of these arms, in order, have the same outputs."""
        return all(
            _lists(self._outputs[item][test]) == _lists(self._outputs[other][test]) for item, other in pairwise(arms)
        )

    def _useless(self, metric: str, arms: Sequence[str], test: str) -> str:
        """Why a metric does not distinguish arms; empty if it does."""
        key = metric, test
        if key not in self._reachable:
            self._reachable[key] = can_be_right(metric, self._references[test], item_separator=self._separator)
        if not self._reachable[key]:
            return "no reference has four words in a row" if is_bleu(metric) else "it is 0 even for the references"
        if len(arms) < 2:
            return ""
        if not all(arm in self._stats[metric] for arm in arms):
            return "not all arms have it"
        runs = [self._stats[metric][arm][test] for arm in arms]
        values = [float(aggregate(metric, stats.sum(axis=0))) for stats_of_arm in runs for stats in stats_of_arm]
        if find_metric(metric).higher_is_better and max(values) == 0:
            return f"it is 0 for {'both' if len(arms) == 2 else 'all'}"
        if all(_same_counts(item, other) for item, other in pairwise(runs)):
            return f"it counts the same for {'both' if len(arms) == 2 else 'all'} on every sentence"
        return ""


def _same_counts(stats: Sequence[Stats], other: Sequence[Stats]) -> bool:
    return len(stats) == len(other) and all(np.array_equal(a, b) for a, b in zip(stats, other, strict=True))


def _lists(outputs: Outputs) -> list[list[str]]:
    return [list(texts) for texts in outputs]
