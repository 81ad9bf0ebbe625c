"""What all charts share: how arms get their colour, shape and dash, how rows are labelled, how one arm is brought out.

Styles and palettes enter, parts of Altair charts leave. This module does not know what is drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from seqloom.report.theme import ArmStyle

Palette = Mapping[str, str]

_FOCUS = "focus"


def base(rows: str, test: str | None = None) -> Any:
    """A chart over named rows, or over those of one test split."""
    chart = alt.Chart(alt.NamedData(name=rows))
    return chart if test is None else chart.transform_filter(alt.FieldEqualPredicate(field="test", equal=test))


def focus() -> Any:
    """The parameter that brings out one arm."""
    # The legend of the page sets it to an arm's label; "" shows all arms alike.
    return alt.param(name=_FOCUS, value="")


def opacity(strong: float = 1.0, weak: float = 0.12) -> Any:
    """Strong, or weak where another arm is brought out."""
    return alt.OpacityValue(weak, condition={"test": f"{_FOCUS} == '' || {_FOCUS} == datum.arm", "value": strong})


def row_axis(labels: Sequence[str], field: str = "arm") -> Any:
    """A row for each label, in order, without an axis."""
    return alt.Y(f"{field}:N", sort=list(labels), axis=None, title=None)


def tooltips(*fields: str) -> list[Any]:
    """What a mark says when it is pointed at."""
    return [alt.Tooltip(field) for field in fields]


def ticks() -> Any:
    """An axis with few ticks."""
    return alt.Axis(tickCount=6)


def label(base: Any, palette: Palette, size: int = 13, field: str = "arm", at: int = 0, space: int = 60) -> Any:
    """The name of a row, above its marks."""
    # A label gives way to the value at the other end of its row; the table behind the chart has it whole.
    limit = alt.ExprRef(f"width - {at + space}")
    mark = base.mark_text(align="left", baseline="bottom", dy=-3, fontSize=size, color=palette["ink"], limit=limit)
    return mark.encode(x=alt.XValue(at), text=alt.Text(f"{field}:N"))


def value(base: Any, size: int = 13) -> Any:
    """The value of a row in words, at the right end above its marks."""
    mark = base.mark_text(align="right", baseline="bottom", dy=-3, fontSize=size, fontWeight="bold")
    return mark.encode(x=alt.XValue("width"), text=alt.Text("text:N"))


def colour(arms: Sequence[ArmStyle], palette: Palette) -> Any:
    """Each arm in its colour."""
    return alt.Color("arm:N", scale=_scale(arms, [palette[arm.colour] for arm in arms]), legend=None)


def shape(arms: Sequence[ArmStyle]) -> Any:
    """Each arm in its shape."""
    return alt.Shape("arm:N", scale=_scale(arms, [arm.shape for arm in arms]), legend=None)


def dash(arms: Sequence[ArmStyle]) -> Any:
    """Each arm in its dash."""
    return alt.StrokeDash("arm:N", scale=_scale(arms, [list(arm.dash) for arm in arms]), legend=None)


def _scale(arms: Sequence[ArmStyle], values: list[Any]) -> Any:
    return alt.Scale(domain=[arm.label for arm in arms], range=values)
