"""Parts that all charts share: colour, shape and dash of arms, labels of rows, and the highlighting of one arm.

Input: styles and palettes. Output: parts of Altair charts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from seqloom.report.theme import ArmStyle

Palette = Mapping[str, str]

_FOCUS = "focus"


def base(rows: str, test: str | None = None) -> Any:
    """A chart over a named list of rows; `test` selects the rows of a test split."""
    chart = alt.Chart(alt.NamedData(name=rows))
    return chart if test is None else chart.transform_filter(alt.FieldEqualPredicate(field="test", equal=test))


def focus() -> Any:
    """The parameter that holds the highlighted arm."""
    # The legend of the page sets it to the label of an arm; "" highlights none.
    return alt.param(name=_FOCUS, value="")


def opacity(strong: float = 1.0, weak: float = 0.12) -> Any:
    """The opacity of a mark: `weak` if another arm is highlighted, else `strong`."""
    return alt.OpacityValue(weak, condition={"test": f"{_FOCUS} == '' || {_FOCUS} == datum.arm", "value": strong})


def row_axis(labels: Sequence[str], field: str = "arm") -> Any:
    """The y channel with a row for each label, in their order, without an axis."""
    return alt.Y(f"{field}:N", sort=list(labels), axis=None, title=None)


def tooltips(*fields: str) -> list[Any]:
    """The tooltip of a mark: the values of some fields."""
    return [alt.Tooltip(field) for field in fields]


def ticks() -> Any:
    """An axis with about six ticks."""
    return alt.Axis(tickCount=6)


def label(base: Any, palette: Palette, size: int = 13, field: str = "arm", at: int = 0, space: int = 60) -> Any:
    """The label of a row, above its marks at the left."""
    # A long label is cut before the value at the right end of its row; the table of the chart has the whole label.
    limit = alt.ExprRef(f"width - {at + space}")
    mark = base.mark_text(align="left", baseline="bottom", dy=-3, fontSize=size, color=palette["ink"], limit=limit)
    return mark.encode(x=alt.XValue(at), text=alt.Text(f"{field}:N"))


def value(base: Any, size: int = 13) -> Any:
    """The value of a row as text, above its marks at the right."""
    mark = base.mark_text(align="right", baseline="bottom", dy=-3, fontSize=size, fontWeight="bold")
    return mark.encode(x=alt.XValue("width"), text=alt.Text("text:N"))


def colour(arms: Sequence[ArmStyle], palette: Palette) -> Any:
    """The colour channel: arm -> colour."""
    return alt.Color("arm:N", scale=_scale(arms, [palette[arm.colour] for arm in arms]), legend=None)


def shape(arms: Sequence[ArmStyle]) -> Any:
    """The shape channel: arm -> shape."""
    return alt.Shape("arm:N", scale=_scale(arms, [arm.shape for arm in arms]), legend=None)


def dash(arms: Sequence[ArmStyle]) -> Any:
    """The dash channel: arm -> dashes of its line."""
    return alt.StrokeDash("arm:N", scale=_scale(arms, [list(arm.dash) for arm in arms]), legend=None)


def _scale(arms: Sequence[ArmStyle], values: list[Any]) -> Any:
    return alt.Scale(domain=[arm.label for arm in arms], range=values)
