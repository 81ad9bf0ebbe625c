"""Numbers and names of a comparison as short texts, shared by the page, the terminal and the picture.

This module does not know HTML, charts or terminals.
"""

import math
from collections.abc import Iterable, Sequence

from seqloom.comparison.comparison import Comparison, Difference, Interval, LengthBin, Quality, RunResult
from seqloom.comparison.score_text import BOUNDED as BOUNDED
from seqloom.comparison.score_text import MISSING as MISSING
from seqloom.comparison.score_text import bounds as bounds
from seqloom.comparison.score_text import difference_bounds as difference_bounds
from seqloom.comparison.score_text import difference_value as difference_value
from seqloom.comparison.score_text import number as number
from seqloom.comparison.score_text import score as score
from seqloom.comparison.score_text import score_change as score_change
from seqloom.comparison.score_text import score_with_interval as score_with_interval
from seqloom.comparison.score_text import signed as signed
from seqloom.tasks import task_of


def measured(value: float, digits: int = 0) -> str:
    """Like `number`, for rates and times: zero means not measured and becomes a dash."""
    return number(value, digits) if value > 0 else MISSING


def p_value(value: float) -> str:
    """A p-value as `p = 0.012`, or `p < 0.001`."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def compact(value: float) -> str:
    """A count with three significant digits: `1_043_000` as `1.04M`."""
    if math.isnan(value):
        return MISSING
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}{suffix}"
    return number(value)


def level(interval: Interval) -> str:
    """A confidence level as text: 0.95 as `95%`."""
    return f"{interval.level * 100:g}%"


def duration(seconds: float) -> str:
    """A time in seconds, `88 seconds`, or from two minutes in minutes, `2.5 minutes`."""
    return f"{number(seconds)} seconds" if seconds < 120 else f"{number(seconds / 60, 1)} minutes"


def words_of(length_bin: LengthBin) -> str:
    """A range of source lengths in words: `6-10`, or `7` if both ends are equal."""
    return str(length_bin.low) if length_bin.low == length_bin.high else f"{length_bin.low}–{length_bin.high}"


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 caveat`, `2 caveats`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def mean(values: Iterable[float]) -> float | None:
    """The mean of some values; None if there are none."""
    results = list(values)
    return sum(results) / len(results) if results else None


def arm_labels(comparison: Comparison) -> dict[str, str]:
    """The labels of the arms by name; if two arms have the same label, the name is added."""
    labels = [arm.label for arm in comparison.arms]
    return {
        arm.name: arm.label if labels.count(arm.label) == 1 else f"{arm.label} ({arm.name})" for arm in comparison.arms
    }


def judged_by(comparison: Comparison, results: Difference) -> str:
    """The metric of a difference, if it is not the leading metric of the comparison: ", in chrF"; else empty."""
    if results.metric is None or results.metric == comparison.metric:
        return ""
    return f", in {results.metric_label or results.metric}"


def validation_label(comparison: Comparison) -> str:
    """The label of the validation metric, with the number of sentences if validation used a part of them."""
    label = f"{comparison.val_metric_label or comparison.metric_label} on validation"
    decoded, total = comparison.corpus.val_decoded, comparison.corpus.sizes.get("val", 0)
    if decoded is None or decoded >= total:
        return label
    return f"{label} ({number(decoded)} of {number(total)} items)"


def leading(qualities: Sequence[Quality], metric: str) -> Quality | None:
    """The quality of a test split by the leading metric; None if it was not measured."""
    return next((quality for quality in qualities if quality.metric == metric), None)


def leading_of(comparison: Comparison) -> Quality | None:
    """A quality of the leading metric, which knows whether higher is better."""
    results = (leading(qualities, comparison.metric) for arm in comparison.arms for qualities in arm.tests.values())
    return next((quality for quality in results if quality is not None), None)


def higher_is_better(comparison: Comparison) -> bool:
    """Whether a higher value of the leading metric is better."""
    quality = leading_of(comparison)
    return quality is None or quality.higher_is_better


def interval_level(comparison: Comparison) -> str:
    """The level of the intervals of the leading metric, `95%`."""
    results = (leading(qualities, comparison.metric) for arm in comparison.arms for qualities in arm.tests.values())
    return next((level(q.interval) for q in results if q is not None and q.interval is not None), "95%")


def test_item(comparison: Comparison) -> str:
    """An item of a test split, in the singular: `sentence`, or `passage` of a text."""
    return task_of(comparison.corpus.kind).test_item


def decodes(run: RunResult) -> bool:
    """Whether the speed of decoding was measured."""
    return run.decoding.sentences_per_second > 0
