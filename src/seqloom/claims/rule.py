"""The rule: effects with intervals become supported, contradicted or inconclusive. Written down before any experiment ran.

A claim asks one or more questions. Each has an effect, a 95% interval and a margin that its file declares: the smallest effect
worth the name. A file whose question was changed after runs had been seen says so in its caveats.

- "more" asks for an effect above the margin. Supported where the whole interval is above it, contradicted where the whole
  interval is below it, else inconclusive.
- "alike" asks for an effect within the margin of nothing. Supported where the whole interval lies within, contradicted where it
  lies wholly outside on one side, else inconclusive.

A claim is supported where all its questions are, contradicted where one of them is, else inconclusive. So where there is no
effect, a claim is called supported in at most 2.5% of experiments ("more"): the chance that an interval of 95% misses upwards.
With more questions it is less, since all must be met; but a claim of k questions that holds is wrongly contradicted in up to
k times 2.5% of experiments, and only where effects lie at their margins.

The interval is Student's over seeds and, where there are test sentences, over these too, as in `metrics.significance`: variances
of means add up with their squared weights, degrees of freedom are those of Welch and Satterthwaite. Simulations in the tests show
the rates.

All of this takes seeds to scatter as a normal distribution does. Where some seeds learn a task and others do not, three of them
may agree by chance and lie far from the mean of many: where 70% of seeds reach 98 and the others 30, three seeds call the mean
of 77.6 more than 80 in a third of experiments. Each run's value stands in the verdict, so that such a split can be seen; more seeds
(`--seeds`) are the remedy.
"""

from collections.abc import Sequence
from statistics import fmean, variance
from typing import Literal

from seqloom.claims.verdict import Answer, Contrast, Question
from seqloom.metrics.student import critical_value

LEVEL = 0.95

# A variance below this counts as 0: all values are equal.
_NOTHING = 1e-24


def ask(
    text: str,
    contrast: Contrast,
    *,
    unit: str,
    margin: float = 0.0,
    asks: Literal["more", "alike"] = "more",
    level: float = LEVEL,
) -> Question:
    """Answers a question by the rule.

    Args:
        text: the question, as people would ask it.
        margin: the smallest effect that counts, in `unit`.
    """
    effect = effect_of(contrast)
    bounds = interval_of(contrast, level)
    low, high = bounds if bounds is not None else (None, None)
    blind = blindness(contrast, asks)
    return Question(
        text=text,
        unit=unit,
        asks=asks,
        margin=margin,
        contrast=contrast,
        effect=effect,
        low=low,
        high=high,
        level=level,
        method=f"{_method(contrast)}; {blind}" if blind else _method(contrast),
        answer="inconclusive" if blind else answer(low, high, margin, asks),
    )


def answer(low: float | None, high: float | None, margin: float, asks: Literal["more", "alike"]) -> Answer:
    """The answer to a question by its interval; inconclusive without an interval."""
    if low is None or high is None:
        return "inconclusive"
    if asks == "more":
        return "supported" if low > margin else "contradicted" if high < margin else "inconclusive"
    if low > -margin and high < margin:
        return "supported"
    return "contradicted" if low > margin or high < -margin else "inconclusive"


def blindness(contrast: Contrast, asks: Literal["more", "alike"]) -> str:
    """The reason why a contrast between arms cannot show a difference, although it has an interval; "" if it can.

    Where all arms score 0 the test is too hard to tell them apart, or the metric is not defined there (BLEU without four words in
    a row). Where all are right everywhere it is too easy to show that one is better.
    """
    # Weights of both signs: the contrast is a difference between arms.
    is_difference = {1 if term.weight > 0 else -1 for term in contrast.terms} == {1, -1}
    if not is_difference or contrast.num_sentences < 1 or contrast.sentence_variance > _NOTHING:
        return ""
    values = {value for term in contrast.terms for value in term.values}
    if values == {0.0}:
        return "all arms score 0, so the metric cannot tell them apart"
    if values == {100.0} and asks == "more":
        return "all arms score 100, so the test is too easy to tell them apart"
    return ""


def together(answers: Sequence[Answer]) -> Answer:
    """The verdict on a claim, from the answers to its questions."""
    if any(item == "contradicted" for item in answers):
        return "contradicted"
    return "supported" if all(item == "supported" for item in answers) else "inconclusive"


def effect_of(contrast: Contrast) -> float:
    """The weighted sum of means."""
    return sum(term.weight * fmean(term.values) for term in contrast.terms)


def interval_of(contrast: Contrast, level: float = LEVEL) -> tuple[float, float] | None:
    """The interval of the effect; None if neither seeds nor sentences vary."""
    parts = [
        (term.weight**2 * variance(term.values) / len(term.values), len(term.values) - 1)
        for term in contrast.terms
        if len(term.values) > 1
    ]
    if contrast.num_sentences > 1:
        parts.append((contrast.sentence_variance, contrast.num_sentences - 1))
    if not parts:
        return None
    effect, total = effect_of(contrast), sum(part for part, _ in parts)
    if total <= _NOTHING:
        return effect, effect
    freedom = total**2 / sum(part**2 / degrees for part, degrees in parts)
    reach = critical_value(level, freedom) * total**0.5
    return effect - reach, effect + reach


def _method(contrast: Contrast) -> str:
    counts = sorted({len(term.values) for term in contrast.terms})
    over = f"{' and '.join(map(str, counts))} values an arm"
    if contrast.num_sentences > 1:
        over += f" and {contrast.num_sentences:,} test sentences (bootstrap)"
    return f"Welch's t over {over}" if len(contrast.terms) > 1 else f"Student's t over {over}"
