"""The verdict of a comparison in sentences: which arm is better, by how much, with which certainty, and at what cost."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import mean

from seqloom.comparison.comparison import ArmResult, Difference
from seqloom.comparison.score_text import difference_bounds, difference_value, score_with_interval
from seqloom.corpus import SentencePair


def verdict_sentences(
    arms: Sequence[ArmResult],
    differences: Sequence[Difference],
    tests: Mapping[str, Sequence[SentencePair]],
    test_labels: Mapping[str, str],
    label: str,
    test_item: str,
) -> tuple[str, ...]:
    """The sentences, test split by test split, and the cost at the end.

    Args:
        label: that of the leading metric.
        test_item: see `Task`.
    """
    labels = {arm.name: arm.label for arm in arms}
    sentences = []
    for name in test_labels:
        there = [arm for arm in arms if name in arm.tests]
        there.sort(key=lambda arm: arm.tests[name][0].value, reverse=there[0].tests[name][0].higher_is_better)
        values = "; ".join(f"{arm.label} {score_with_interval(arm.tests[name][0])}" for arm in there)
        where = f" ({test_labels[name]})" if len(test_labels) > 1 else ""
        sentences.append(f"{capital(label)}{where}: {values}.")
        if len(tests[name]) == 1 and len(there) > 1:
            sentences.append(f"One test {test_item} does not show which arm is better.")
        for ahead, behind in pairwise(there):
            difference = next(
                (d for d in differences if d.test == name and {d.better, d.worse} == {ahead.name, behind.name}), None
            )
            if difference is not None:
                sentences.append(_difference_in_words(difference, labels, there[0].tests[name][0].metric))
    cost = _cost(arms, test_item)
    return (*sentences, cost) if cost else tuple(sentences)


def _difference_in_words(difference: Difference, labels: Mapping[str, str], metric: str) -> str:
    size = f"{difference_value(difference, metric, sign=False)} {difference_bounds(difference, metric)}"
    better, worse = labels[difference.better], labels[difference.worse]
    judged_otherwise = (
        difference.note.endswith("nor does any other metric") or difference.note == "their outputs are the same"
    )
    if judged_otherwise:
        return f"Nothing tells {better} and {worse} apart {difference.scope}: {difference.note}."
    by = f" in {difference.metric_label} ({difference.note})" if difference.note else ""
    if difference.significant:
        return f"{better} is ahead of {worse} by {size}{by} {difference.scope}."
    return f"{better} and {worse} cannot be told apart {difference.scope}: the difference is {size}{by}."


def _cost(arms: Sequence[ArmResult], test_item: str) -> str:
    trained = [arm for arm in arms if arm.runs]
    if not trained:
        return ""
    parts = [
        f"{arm.label} trained {mean(run.train_seconds for run in arm.runs) / 60:.1f} min at "
        f"{mean(run.tokens_per_second for run in arm.runs):,.0f} target tokens/s and decodes "
        f"{mean(run.decoding.sentences_per_second for run in arm.runs):,.0f} {test_item}s/s"
        for arm in trained
    ]
    return f"The cost: {'; '.join(parts)}."


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]
