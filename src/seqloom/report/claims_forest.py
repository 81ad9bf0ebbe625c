"""Positions of the effect of a question, its interval and its margin on a line, in percent of the line's length.

Input: a Question. Output: positions. The page draws them as SVG with percentages as coordinates, so the picture needs no script and
fits any width.
"""

import math
from dataclasses import dataclass

from seqloom.claims.verdict import Question
from seqloom.report import claims_wording

# An interval may exceed the range of the other marks by this many times that range. Beyond, it is cut, and the sentence says so.
_REACH = 1.5
_SPACE = 0.06


@dataclass(frozen=True, slots=True)
class Margin:
    """A line that an interval must not cross, and its label."""

    at: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Forest:
    """Positions in percent of the line.

    Attributes:
        zone: begin and end of the effects that support the claim.
        low: the interval's lower end; None if there is no interval.
        cut_low: whether the interval continues beyond the left edge.
        sentence: the picture in words.
    """

    zero: float
    effect: float | None
    low: float | None
    high: float | None
    cut_low: bool
    cut_high: bool
    zone: tuple[float, float]
    margins: tuple[Margin, ...]
    sentence: str


def forest(question: Question) -> Forest:
    """The positions of a question's effect."""
    margins = [question.margin] if question.asks == "more" else [-question.margin, question.margin]
    known = [value for value in (0.0, *margins, question.effect) if math.isfinite(value)]
    least, most = min(known), max(known)
    span = (most - least) or abs(most) or 1.0
    begin, end = least, most
    if question.low is not None and question.high is not None:
        begin = max(min(begin, question.low), least - _REACH * span)
        end = min(max(end, question.high), most + _REACH * span)
    space = (end - begin or span) * _SPACE
    begin, end = begin - space, end + space

    def share(value: float) -> float:
        return round(100 * min(1.0, max(0.0, (value - begin) / (end - begin))), 2)

    bounded = question.low is not None and question.high is not None
    lines = [Margin(share(value), f"margin {claims_wording.plain(value)}", _anchor(share(value))) for value in margins]
    return Forest(
        zero=share(0.0),
        effect=share(question.effect) if math.isfinite(question.effect) else None,
        low=share(question.low) if bounded and question.low is not None else None,
        high=share(question.high) if bounded and question.high is not None else None,
        cut_low=bounded and question.low is not None and question.low < begin,
        cut_high=bounded and question.high is not None and question.high > end,
        zone=(share(margins[0]), 100.0 if question.asks == "more" else share(margins[1])),
        margins=tuple(lines),
        sentence=sentence(question),
    )


def sentence(question: Question) -> str:
    """Effect, interval and requirement of a question in words, as the text alternative of the picture."""
    text = f"Effect {claims_wording.estimate(question)} {question.unit}; the claim asks for {claims_wording.requirement(question)}."
    return text if question.low is not None else f"{text} There is no interval, so the question cannot be answered."


def _anchor(at: float) -> str:
    return "start" if at < 50 else "end"
