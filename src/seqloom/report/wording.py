"""How numbers are written for people: one way for the page, the terminal and the picture.

Values and nouns of the comparison enter, short texts leave. This module does not know HTML, charts or terminals.
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
# Metrics that cannot leave 0 to 100.
BOUNDED = frozenset({*_BLEUS, "chrf", "exact_match", "items"})


def number(value: float | None, digits: int = 0) -> str:
    """`1234.5` as `1,234.5`; a dash for what is missing or not a number."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{digits}f}"
    # A rounded-away minus sign reads as a defect, and a real one should be as wide as a plus sign.
    return text.lstrip("-") if not any(c in "123456789" for c in text) else text.replace("-", "−")


def signed(value: float, digits: int) -> str:
    """`number` with a plus sign where there is no minus sign."""
    text = number(value, digits)
    return text if text.startswith("−") or text == MISSING else f"+{text}"


def measured(value: float, digits: int = 0) -> str:
    """`number` for rates and times, of which zero means that nothing was measured."""
    return number(value, digits) if value > 0 else MISSING


def score(metric: str, value: float | None) -> str:
    """A score with the digits that its metric deserves; shares carry a percent sign."""
    text = number(value, _DIGITS.get(metric, 2))
    return f"{text}%" if metric in _SHARES and text != MISSING else text


def difference(metric: str, value: float) -> str:
    """A signed difference between two scores; between shares, it is in points and so carries no percent sign."""
    return signed(value, _DIGITS.get(metric, 2))


def bounds(metric: str, interval: Interval | None) -> str:
    """`[91.9, 93.2]`, or a dash."""
    if interval is None:
        return MISSING
    digits = _DIGITS.get(metric, 2)
    return f"[{number(interval.low, digits)}, {number(interval.high, digits)}]"


def score_with_interval(quality: Quality | None) -> str:
    """`92.5% [91.9, 93.2]`, without brackets where there is no interval, or a dash."""
    if quality is None:
        return MISSING
    text = score(quality.metric, quality.value)
    return text if quality.interval is None else f"{text} {bounds(quality.metric, quality.interval)}"


def p_value(value: float) -> str:
    """`p = 0.012`, or `p < 0.001`."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def compact(value: float) -> str:
    """`1_043_000` as `1.04M`: three significant digits."""
    if math.isnan(value):
        return MISSING
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}{suffix}"
    return number(value)


def level(interval: Interval) -> str:
    """`95%`."""
    return f"{interval.level * 100:g}%"


def duration(seconds: float) -> str:
    """`88 seconds`, or from two minutes on `2.5 minutes`."""
    return f"{number(seconds)} seconds" if seconds < 120 else f"{number(seconds / 60, 1)} minutes"


def words_of(length_bin: LengthBin) -> str:
    """`6-10` source words, or `7`."""
    return str(length_bin.low) if length_bin.low == length_bin.high else f"{length_bin.low}–{length_bin.high}"


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def plural(count: int, noun: str) -> str:
    """`1 caveat`, `2 caveats`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def mean(values: Iterable[float]) -> float | None:
    """The mean, or None of nothing."""
    results = list(values)
    return sum(results) / len(results) if results else None


def arm_labels(comparison: Comparison) -> dict[str, str]:
    """For each arm's name its label for people, with the name added where two arms share a label."""
    labels = [arm.label for arm in comparison.arms]
    return {
        arm.name: arm.label if labels.count(arm.label) == 1 else f"{arm.label} ({arm.name})" for arm in comparison.arms
    }


def judged_by(comparison: Comparison, results: Difference) -> str:
    """What a difference is of, where it is not of the comparison's leading metric: ", in chrF"."""
    if results.metric is None or results.metric == comparison.metric:
        return ""
    return f", in {results.metric_label or results.metric}"


def validation_label(comparison: Comparison) -> str:
    """What was measured on validation data while training, and on how many of them where not on all."""
    label = f"{comparison.val_metric_label or comparison.metric_label} on validation"
    decoded, total = comparison.corpus.val_decoded, comparison.corpus.sizes.get("val", 0)
    if decoded is None or decoded >= total:
        return label
    return f"{label} ({number(decoded)} of {number(total)} items)"


def leading(qualities: Sequence[Quality], metric: str) -> Quality | None:
    """The leading metric among the qualities of one test split, where it was measured."""
    return next((quality for quality in qualities if quality.metric == metric), None)


def leading_of(comparison: Comparison) -> Quality | None:
    """Any quality of the leading metric: it knows in which direction the metric points."""
    results = (leading(qualities, comparison.metric) for arm in comparison.arms for qualities in arm.tests.values())
    return next((quality for quality in results if quality is not None), None)


def higher_is_better(comparison: Comparison) -> bool:
    """Whether more is better in the leading metric."""
    quality = leading_of(comparison)
    return quality is None or quality.higher_is_better


def interval_level(comparison: Comparison) -> str:
    """The level of the intervals of the leading metric, `95%`."""
    results = (leading(qualities, comparison.metric) for arm in comparison.arms for qualities in arm.tests.values())
    return next((level(q.interval) for q in results if q is not None and q.interval is not None), "95%")


def decodes(run: RunResult) -> bool:
    """Whether the speed of decoding was measured."""
    return run.decoding.sentences_per_second > 0
