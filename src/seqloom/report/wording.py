"""Numbers and names of a comparison as short texts, shared by the page, the terminal and the picture.

This module does not know HTML, charts or terminals.
"""

import math
from collections.abc import Iterable, Sequence

from seqloom.comparison.comparison import Comparison, Difference, Interval, LengthBin, Quality, RunResult

MISSING = "–"

_BLEUS = ("bleu", "bleu_13a", "bleu_zh", "bleu_ja_mecab", "bleu_ko_mecab", "bleu_char", "bleu_tokenised")
_DIGITS = {
    **dict.fromkeys(_BLEUS, 1),
    "chrf": 1,
    "ter": 1,
    "ter_segments": 1,
    "exact_match": 1,
    "items": 1,
    "perplexity": 2,
    "bits_per_byte": 3,
}
_SHARES = frozenset({"exact_match", "items"})
# Metrics between 0 and 100.
BOUNDED = frozenset({*_BLEUS, "chrf", "exact_match", "items"})


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands separators: `1234.5` as `1,234.5`; a dash for None and NaN."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{digits}f}"
    # `-0.0` is written without its sign; the typographic minus sign is as wide as a plus sign.
    return text.lstrip("-") if not any(c in "123456789" for c in text) else text.replace("-", "−")


def signed(value: float, digits: int) -> str:
    """As `number`, with a plus sign if the number is not negative."""
    text = number(value, digits)
    return text if text.startswith("−") or text == MISSING else f"+{text}"


def measured(value: float, digits: int = 0) -> str:
    """As `number`, for rates and times: zero means not measured and becomes a dash."""
    return number(value, digits) if value > 0 else MISSING


def score(metric: str, value: float | None) -> str:
    """A score with the decimals of its metric; shares have a percent sign."""
    text = number(value, _DIGITS.get(metric, 2))
    return f"{text}%" if metric in _SHARES and text != MISSING else text


def difference(metric: str, value: float) -> str:
    """A signed difference between two scores; a difference of shares is in points and has no percent sign."""
    return signed(value, _DIGITS.get(metric, 2))


def bounds(metric: str, interval: Interval | None) -> str:
    """An interval as `[91.9, 93.2]`; a dash for None."""
    if interval is None:
        return MISSING
    digits = _DIGITS.get(metric, 2)
    return f"[{number(interval.low, digits)}, {number(interval.high, digits)}]"


def score_with_interval(quality: Quality | None) -> str:
    """A score with its interval, `92.5% [91.9, 93.2]`; without brackets if it has none; a dash for None."""
    if quality is None:
        return MISSING
    text = score(quality.metric, quality.value)
    return text if quality.interval is None else f"{text} {bounds(quality.metric, quality.interval)}"


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


def decodes(run: RunResult) -> bool:
    """Whether the speed of decoding was measured."""
    return run.decoding.sentences_per_second > 0
