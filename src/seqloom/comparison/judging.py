"""Which metric may judge: no verdict comes from a metric that cannot tell the arms apart.

Counts and outputs of arms enter; the metric that judges, and why the leading one cannot, leave. BLEU is 0 for all outputs where
no reference has four words; a metric that is 0 for all arms, or that counts the same in different outputs, says nothing either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seqloom.metrics import Stats, aggregate, can_be_right, find_metric, is_bleu

Outputs = Sequence[Sequence[str]]
"""What an arm wrote: for each run its outputs."""


@dataclass(frozen=True)
class Judged:
    """The metric that judges arms.

    Attributes:
        metric: its name; None where no metric tells the arms apart.
        why: why the leading metric does not, in words; empty where it does.
    """

    metric: str | None
    why: str = ""


class Judge:
    """Finds the metric that tells arms apart on a test split."""

    def __init__(
        self,
        metrics: Sequence[str],
        references: Mapping[str, Sequence[str]],
        stats: Mapping[str, Mapping[str, Mapping[str, Sequence[Stats]]]],
        outputs: Mapping[str, Mapping[str, Outputs]],
        item_separator: str | None,
    ) -> None:
        """Counts nothing anew.

        Args:
            metrics: the leading one first; those that follow may judge in its place, but for those made of likelihoods, which
                outside systems lack.
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
        """The same with another leading metric."""
        metrics = [metric, *(other for other in self._metrics if other != metric)]
        return Judge(metrics, self._references, self._stats, self._outputs, self._separator)

    def judge(self, arms: Sequence[str], test: str) -> Judged:
        """The first metric that tells these arms apart on a test split."""
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
        """Whether arms wrote the same, run by run."""
        return all(
            _lists(self._outputs[item][test]) == _lists(self._outputs[other][test]) for item, other in pairwise(arms)
        )

    def _useless(self, metric: str, arms: Sequence[str], test: str) -> str:
        """Why a metric says nothing about arms; empty where it says something."""
        key = metric, test
        if key not in self._reachable:
            self._reachable[key] = can_be_right(metric, self._references[test], item_separator=self._separator)
        if not self._reachable[key]:
            return "no reference has four words in a row" if is_bleu(metric) else "it is 0 even for the references"
        if len(arms) < 2:
            return ""
        if not all(arm in self._stats[metric] for arm in arms):
            return "not all have it"
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
