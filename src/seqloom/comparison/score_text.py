"""Scores, differences and intervals as short texts: verdicts, the page, the terminal and the picture all write them in this way.

A score has the decimals of its metric, so that the scores of a column have equally many. A difference has as many as its interval
needs.
"""

import math

from seqloom.comparison.comparison import Difference, Interval, Quality

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
MOST_DECIMALS = 6


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


def score(metric: str, value: float | None) -> str:
    """A score with the decimals of its metric; shares have a percent sign."""
    text = number(value, _DIGITS.get(metric, 2))
    return f"{text}%" if metric in _SHARES and text != MISSING else text


def score_change(metric: str, value: float) -> str:
    """A signed change of a score, with the decimals of its metric; a change of shares is in points and has no percent sign."""
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


def needed_decimals(size: float, digits: int = 2) -> int | None:
    """The decimals with which a size, such as the width of an interval, has two significant digits: 1 for 2.4, 3 for 0.031.

    They are at most MOST_DECIMALS. None for a size that is not positive or not finite.
    """
    if not math.isfinite(size) or size <= 0:
        return None
    return min(MOST_DECIMALS, max(0, digits - 1 - math.floor(math.log10(size))))


def _decimals_of(difference: Difference, metric: str) -> int:
    digits = needed_decimals(difference.interval.high - difference.interval.low)
    return _DIGITS.get(metric, 2) if digits is None else digits


def difference_value(difference: Difference, metric: str, *, sign: bool = True) -> str:
    """A difference, with the decimals that its interval needs.

    Args:
        metric: what was compared, unless the difference has a metric of its own.
        sign: whether it has a plus sign.
    """
    digits = _decimals_of(difference, difference.metric or metric)
    return (signed if sign else number)(difference.difference, digits)


def difference_bounds(difference: Difference, metric: str) -> str:
    """The interval of a difference, as `[0.31, 0.52]`; see `difference_value`."""
    digits = _decimals_of(difference, difference.metric or metric)
    return f"[{number(difference.interval.low, digits)}, {number(difference.interval.high, digits)}]"
