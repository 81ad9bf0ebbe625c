"""Sentences about the charts of a comparison: their text alternatives, and summaries for quick readers.

The sentences follow from the numbers alone.
"""

from seqloom.comparison.comparison import ArmResult, Comparison
from seqloom.messages import listed
from seqloom.report import wording
from seqloom.report.rows import MAX_PAIRS, bin_sizes, cost_of, cost_text, cost_title, drawn_differences
from seqloom.report.wording import leading, number


def direction(comparison: Comparison) -> str:
    """`higher is better` or `lower is better`."""
    return "higher is better" if wording.higher_is_better(comparison) else "lower is better"


def sentence(text: str) -> str:
    """The text with a capital letter at the beginning and a full stop at the end."""
    return f"{wording.capital(text).rstrip('.')}."


def about_quality(comparison: Comparison, test: str) -> str:
    """The score of each arm on a test split, the best first."""
    labels = wording.arm_labels(comparison)
    results = [
        (quality, labels[arm.name])
        for arm in comparison.arms
        if (quality := leading(arm.tests.get(test, ()), comparison.metric)) is not None
    ]
    results.sort(key=lambda pair: pair[0].value, reverse=wording.higher_is_better(comparison))
    if not results:
        return f"No arm was scored {comparison.test_labels[test]}."
    scores = listed([f"{label} {wording.score_with_interval(quality)}" for quality, label in results])
    return sentence(f"{comparison.test_labels[test]}, {comparison.metric_label} ({direction(comparison)}): {scores}")


def about_length(comparison: Comparison, test: str) -> str:
    """The score of each arm for the shortest and for the longest sources."""
    labels = wording.arm_labels(comparison)
    moves, ends = [], set()
    for arm in comparison.arms:
        bins = sorted(arm.by_length.get(test, ()), key=lambda length_bin: length_bin.low)
        if not bins:
            continue
        first, last = bins[0], bins[-1]
        ends.add((wording.words_of(first), wording.words_of(last)))
        change = wording.score_change(comparison.metric, last.quality.value - first.quality.value)
        start, end = (wording.score(comparison.metric, bin_.quality.value) for bin_ in (first, last))
        moves.append(
            f"{labels[arm.name]} {start} to {end} ({change})" if len(bins) > 1 else f"{labels[arm.name]} {start}"
        )
    span = f"from {min(ends)[0]} to {max(ends)[1]} source words" if ends else ""
    if len(bin_sizes(comparison, test)) == 1:
        span = f"at {min(ends)[0]} source words"
    return sentence(f"{comparison.test_labels[test]}, {span}: {listed(moves)}")


def about_curve(comparison: Comparison, measure: str) -> str:
    """The end of each arm's learning curve (`measure` is "loss" or "quality"), with its time and its tokens."""
    labels = wording.arm_labels(comparison)
    parts = []
    for arm in comparison.arms:
        ends = [run.curve[-1] for run in arm.runs if run.curve]
        if not ends:
            continue
        losses = wording.mean(end.val_loss for end in ends)
        scores = wording.mean(end.val_quality for end in ends if end.val_quality is not None)
        value = (
            number(losses, 3)
            if measure == "loss"
            else wording.score(comparison.val_metric or comparison.metric, scores)
        )
        time = wording.duration(wording.mean(end.seconds for end in ends) or 0.0)
        tokens = wording.compact(wording.mean(float(end.tokens) for end in ends) or 0.0)
        parts.append(f"{labels[arm.name]} at {value} after {time} and {tokens} target tokens")
    name = (
        "validation loss (nats a token, lower is better)" if measure == "loss" else wording.validation_label(comparison)
    )
    return sentence(f"{name} ends, on average over seeds, with {listed(parts)}")


def about_cost(comparison: Comparison, measure: str) -> str:
    """The mean of a measure of cost for each arm."""
    labels = wording.arm_labels(comparison)
    parts = [
        f"{labels[arm.name]} {cost_text(measure, value)}"
        for arm in comparison.arms
        if (value := mean_cost(arm, measure)) is not None
    ]
    title = cost_title(comparison, measure)
    return sentence(f"{title}: {listed(parts)}") if parts else f"{title}: not measured."


def mean_cost(arm: ArmResult, measure: str) -> float | None:
    """The mean of a measure of cost over the runs of an arm; None if it was not measured."""
    return wording.mean(cost for run in arm.runs if (cost := cost_of(run, measure)) is not None)


def about_differences(comparison: Comparison, test: str) -> str:
    """The number of significant differences on a test split, the pairs without one, and what was compared."""
    labels = wording.arm_labels(comparison)
    differences = [difference for difference in comparison.differences if difference.test == test]
    drawn = drawn_differences(comparison, test)
    sure = [item for item in differences if item.significant]
    unsure = [f"{labels[item.better]} over {labels[item.worse]}" for item in drawn if not item.significant]
    scopes = listed(sorted({item.scope for item in differences}))
    text = (
        f"{comparison.test_labels[test]}, {number(len(sure))} of {wording.plural(len(differences), 'difference')} "
        f"{scopes} {'is' if 1 in (len(sure), len(differences)) else 'are'} significant"
    )
    if unsure:
        text += f"; {listed(unsure)} may be chance"
    if len(drawn) < len(differences):
        text += f". With more than {MAX_PAIRS} pairs, only those with the best arm are drawn; the table holds all"
    return sentence(text)
