"""The differences between arms: each pair of arms on each test split, by the metric that distinguishes them."""

from collections.abc import Sequence
from itertools import combinations

from seqloom.comparison.arm_results import Counted
from seqloom.comparison.comparison import Difference, Interval
from seqloom.comparison.judging import Judge, Judged
from seqloom.comparison.quality_measure import QualityMeasure
from seqloom.metrics import difference, find_metric


def differences_of(
    names: Sequence[str],
    counted: Counted,
    tests: Sequence[str],
    measure: QualityMeasure,
    judge: Judge,
    *,
    num_seeds: int,
    outside: set[str],
) -> tuple[Difference, ...]:
    """The difference of each pair of arms on each test split that both have, with its interval; at least two test items are needed.

    Args:
        names: the arms.
        judge: chooses the metric of each pair.
        num_seeds: the runs of each arm; with more than one, a difference says something about architectures.
        outside: the arms that are other systems, which have one output for each source.
    """
    differences = []
    leading = measure.corpus.metric
    for test in tests:
        for item, other in combinations(names, 2):
            stats = counted[leading]
            if test not in stats[item] or test not in stats[other] or len(stats[item][test][0]) < 2:
                continue
            judged = judge.judge([item, other], test)
            metric = judged.metric or leading
            stats = counted[metric]
            higher = find_metric(metric).higher_is_better
            result = difference(metric, stats[item][test], stats[other][test])
            ahead = result.difference >= 0 if higher else result.difference <= 0
            # The sign is such that a positive difference favours `better`, also if a lower value of the metric is better.
            sign = 1 if ahead == higher else -1
            low, high = sorted((sign * result.low, sign * result.high))
            differences.append(
                Difference(
                    test=test,
                    better=item if ahead else other,
                    worse=other if ahead else item,
                    difference=abs(result.difference),
                    interval=Interval(low=low, high=high, level=result.level, method=result.method),
                    p_value=result.p_value,
                    # If no metric distinguishes two arms, no number shows that one of them is better.
                    significant=result.significant and judged.metric is not None,
                    scope="between architectures"
                    if num_seeds > 1
                    and not {item, other} & outside
                    and all(len(stats[x][test]) > 1 for x in (item, other))
                    else "between these runs",
                    metric=metric,
                    metric_label=measure.label(metric),
                    note=_why_not(judged, measure.label(leading), same=judge.same_outputs([item, other], test)),
                )
            )
    return tuple(differences)


def _why_not(judged: Judged, label: str, *, same: bool) -> str:
    if same:
        return "their outputs are the same"
    if not judged.why:
        return ""
    return f"{label} says nothing about them, since {judged.why}" + (
        "" if judged.metric else ", nor does any other metric"
    )
