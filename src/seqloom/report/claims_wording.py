"""Short texts for verdicts and their numbers, shared by the page and the terminal.

This module does not know HTML or terminals.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from seqloom.claims.convergence import turning_points
from seqloom.claims.verdict import Answer, Question, Verdict
from seqloom.comparison.score_text import MOST_DECIMALS, needed_decimals
from seqloom.messages import listed
from seqloom.report.wording import MISSING, duration, number, plural

# A sign for each answer that all fonts have.
SIGNS: Mapping[Answer, str] = {"supported": "✓", "contradicted": "✗", "inconclusive": "?"}
_SMALLEST = 1e-4


def significant(value: float | None, digits: int = 3) -> str:
    """A number with three significant digits: `0.08312` as `0.0831`, `1234.5` as `1,234`; a dash for None and NaN."""
    if value is None or not math.isfinite(value) or value == 0:
        return number(value)
    if abs(value) < _SMALLEST:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    return number(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def short(value: float, digits: int = 4) -> str:
    """Like `significant`, without trailing zeros: `99.5`, `1`."""
    text = significant(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def plain(value: float) -> str:
    """A number from a setting, with the digits that it was written with."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".") if _SMALLEST <= abs(value) < 1e9 else f"{value:g}"
    return text.replace("-", "−")


def with_bounds(value: float, low: float | None, high: float | None, digits: int) -> str:
    """`34.2 [20.1, 48.3]`, or without brackets if there is no interval."""
    text = number(value, digits)
    return text if low is None or high is None else f"{text} [{number(low, digits)}, {number(high, digits)}]"


def decimals(value: float, low: float | None, high: float | None) -> int:
    """The number of decimals of a value with an interval: two significant digits of half the interval's width."""
    reach = (high - low) / 2 if low is not None and high is not None else 0.0
    digits = needed_decimals(reach)
    return digits if digits is not None else needed_decimals(abs(value), 3) or 0


def measured(value: float, low: float | None, high: float | None) -> str:
    """A measured value with its interval; a wide interval removes at most the last of the value's three digits."""
    if 0 < abs(value) < _SMALLEST:
        text = significant(value)
        return text if low is None or high is None else f"{text} [{significant(low)}, {significant(high)}]"
    by_interval = decimals(value, low, high)
    by_value = min(decimals(value, None, None), by_interval + 1)
    return with_bounds(value, low, high, max(by_interval, by_value))


def estimate(question: Question) -> str:
    """The effect with its interval, with enough digits to show on which side of the margin each end is."""
    ends = [end for end in (question.low, question.high) if end is not None and math.isfinite(end)]
    margins = (question.margin, -question.margin) if question.asks == "alike" else (question.margin,)
    digits = decimals(question.effect, question.low, question.high)
    while digits < MOST_DECIMALS and any(
        end != margin and round(end, digits) == round(margin, digits) for end in ends for margin in margins
    ):
        digits += 1
    return with_bounds(question.effect, question.low, question.high, digits)


def leading_estimate(verdict: Verdict) -> str:
    """The effect of the first question with its interval, which the card of a verdict shows."""
    return estimate(verdict.questions[0])


def requirement(question: Question) -> str:
    """The effects that support the question: `above 10`, or `between −10 and 10`."""
    margin = plain(question.margin)
    return f"above {margin}" if question.asks == "more" else f"between {plain(-question.margin)} and {margin}"


def level(value: float) -> str:
    """A confidence level as text: 0.95 as `95%`."""
    return f"{100 * value:g}%"


def tally(verdicts: Sequence[Verdict]) -> str:
    """The number of verdicts by answer or status: `7 claims: 4 supported, 1 contradicted and 2 still learning`."""
    undecided = ("still learning", "open")
    counts = _counts([verdict.status if verdict.status in undecided else verdict.verdict for verdict in verdicts])
    return f"{plural(len(verdicts), 'claim')}: {counts}" if counts else "no claims"


def along_training(verdict: Verdict) -> str:
    """The answer at each budget of the ladder, `200 updates: contradicted; 800 updates: supported`, and where it changes.

    Empty if the verdict has no ladder.
    """
    if not verdict.ladder:
        return ""
    answers = "; ".join(f"{rung.steps:,} updates: {rung.verdict}" for rung in verdict.ladder)
    turns = turning_points(verdict.ladder)
    turned = f" The answer changes at {listed([f'{steps:,}' for steps in turns])} updates." if turns else ""
    return f"Along training: {answers}.{turned}"


def questions(verdict: Verdict) -> str:
    """Which question the effect on the card belongs to, and the answers to all; empty if there is only one question."""
    if len(verdict.questions) == 1:
        return ""
    counts = _counts([question.answer for question in verdict.questions])
    return f"Question 1 of {len(verdict.questions)}; answers: {counts}"


def made(verdict: Verdict) -> str:
    """Origin, effort, seeds and time of a verdict: `run live at quick effort, 2 seeds, 88 seconds`."""
    how = "run live" if verdict.origin == "live" else "recorded earlier"
    runs = "seed" if verdict.audit.arms else "round"
    parts = [f"{how} at {verdict.effort} effort", plural(verdict.seeds, runs)]
    if verdict.seconds > 0:
        parts.append(duration(verdict.seconds))
    return ", ".join(parts)


def machine(environment: Mapping[str, str]) -> str:
    """Processor, threads and system of a machine: `AMD EPYC 9B14, 2 threads, Linux x86_64`."""
    parts = [environment.get("processor", "")]
    if environment.get("device", "cpu") not in ("cpu", ""):
        parts.insert(0, environment["device"])
    if threads := environment.get("threads"):
        parts.append(f"{threads} thread{'' if threads == '1' else 's'}")
    parts.append(environment.get("system", ""))
    return ", ".join(part for part in parts if part) or MISSING


def made_where(verdicts: Sequence[Verdict]) -> list[str]:
    """A line for each combination of origin, effort and machine: the number of its verdicts and their dates."""
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.origin, verdict.effort, machine(verdict.environment)), []).append(verdict)
    lines = []
    for (origin, effort, where), members in groups.items():
        dates = sorted({date for verdict in members if (date := verdict.environment.get("date"))})
        when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}" if dates else "no date"
        count = plural(len(members), "claim")
        how = "run live" if origin == "live" else "recorded earlier"
        lines.append(f"{count} {how} at {effort} effort, on {where}; {when}")
    return lines


def _counts(words: Sequence[str]) -> str:
    counter = Counter(words)
    return listed([f"{counter[word]} {word}" for word in (*SIGNS, "still learning", "open") if counter[word]])
