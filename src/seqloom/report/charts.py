"""The charts, as Vega-Lite specifications made and checked by Altair.

Named rows (see `rows`), styles and a palette enter; specifications without data leave, which name the rows that they draw. Row
labels stand above their marks and not beside them, so that the charts stay readable on a telephone. This module does not know
pages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from seqloom.report.theme import ArmStyle

Spec = dict[str, Any]
Domain = tuple[float, float]
Palette = Mapping[str, str]

_ROW = 48
_FOCUS = "focus"
_FIT = alt.AutoSizeParams(type="fit-x", contains="padding")


def dots(rows: str, test: str, arms: Sequence[ArmStyle], domain: Domain, title: str, palette: Palette) -> Any:
    """A row for each arm: its mean with its interval, and a small dot for each seed."""
    base = _base(rows, test)
    y = _row_axis([arm.label for arm in arms])
    x = alt.X("value:Q", title=title, scale=alt.Scale(domain=list(domain), nice=False, zero=False), axis=_ticks())
    means = base.transform_filter("datum.what == 'mean'").encode(y=y, opacity=_opacity())
    seeds = base.transform_filter("datum.what == 'seed'")
    return (
        alt.layer(
            means.mark_point(size=55, filled=True, opacity=1, yOffset=-11).encode(
                x=alt.XValue(5), color=_colour(arms, palette), shape=_shape(arms)
            ),
            _label(means, palette, at=16, room=130),
            _value(means),
            means.mark_rule(strokeWidth=2, yOffset=10, y2Offset=10, clip=True).encode(
                x=alt.X("low:Q", title=title), x2=alt.X2("high:Q"), color=_colour(arms, palette)
            ),
            *(
                means.mark_tick(thickness=2, size=14, yOffset=10, clip=True).encode(
                    x=alt.X(end, title=title), color=_colour(arms, palette)
                )
                for end in ("low:Q", "high:Q")
            ),
            seeds.mark_circle(size=22, yOffset=10, clip=True, stroke=palette["paper"], strokeWidth=0.5).encode(
                x=x, y=y, color=_colour(arms, palette), opacity=_opacity(0.75), tooltip=_tooltips("arm:N", "text:N")
            ),
            means.mark_point(
                size=60, yOffset=10, filled=True, clip=True, stroke=palette["paper"], strokeWidth=1
            ).encode(x=x, color=_colour(arms, palette), shape=_shape(arms), tooltip=_tooltips("arm:N", "text:N")),
        )
        .properties(height=_ROW * len(arms))
        .add_params(_focus())
    )


def lengths(rows: str, test: str, arms: Sequence[ArmStyle], domain: Domain, title: str, palette: Palette) -> Any:
    """A line for each arm over the lengths of the source, in its band."""
    axis = alt.Axis(
        labelExpr="[split(datum.label, '|')[0], 'n ' + split(datum.label, '|')[1]]", labelAngle=0, grid=False
    )
    x = alt.X("bin:O", sort=alt.SortField("order"), title="source words, and n test sentences", axis=axis)
    y = alt.Y("value:Q", title=title, scale=alt.Scale(domain=list(domain), nice=False, zero=False), axis=_ticks())
    base = _base(rows, test).encode(x=x, color=_colour(arms, palette))
    return (
        alt.layer(
            base.mark_area(clip=True).encode(
                y=alt.Y("low:Q", title=title),
                y2=alt.Y2("high:Q"),
                opacity=_opacity(0.16, 0.03),
                detail=alt.Detail("arm:N"),
            ),
            base.mark_line(strokeWidth=2.2, clip=True).encode(y=y, strokeDash=_dash(arms), opacity=_opacity()),
            base.mark_point(size=64, filled=True, clip=True).encode(
                y=y, shape=_shape(arms), opacity=_opacity(), tooltip=_tooltips("arm:N", "text:N")
            ),
        )
        .properties(height=260)
        .add_params(_focus())
    )


def curves(
    rows: str, along: str, measure: str, arms: Sequence[ArmStyle], titles: tuple[str, str], palette: Palette
) -> Any:
    """A line for each run, over minutes or tokens; a shape at its end says whose it is.

    Args:
        along: the field of the x axis, "time" or "tokens".
        measure: the field of the y axis, "loss" or "quality".
        titles: of the x and the y axis.
    """
    axis = alt.Axis(format="~s" if along == "tokens" else "~f", tickCount=6, grid=False)
    x = alt.X(f"{along}:Q", title=titles[0], scale=alt.Scale(zero=True), axis=axis)
    y = alt.Y(f"{measure}:Q", title=titles[1], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    base = _base(rows).transform_filter(f"isValid(datum.{measure})")
    base = base.encode(x=x, y=y, color=_colour(arms, palette), opacity=_opacity(), detail=alt.Detail("seed:N"))
    ends = base.transform_window(
        rank="row_number()", sort=[alt.SortField("step", "descending")], groupby=["arm", "seed"]
    )
    told = _tooltips("arm:N", "seed:N", "step:Q", "tokens:Q", "time:Q", "loss:Q", "quality:Q")
    return (
        alt.layer(
            base.mark_line(strokeWidth=1.8).encode(strokeDash=_dash(arms)),
            base.mark_circle(size=60, fillOpacity=0).encode(tooltip=told),
            ends.transform_filter("datum.rank == 1")
            .mark_point(size=80, filled=True, stroke=palette["paper"], strokeWidth=1)
            .encode(shape=_shape(arms), tooltip=told),
        )
        .properties(height=260)
        .add_params(_focus())
    )


def bars(rows: str, measure: str, arms: Sequence[ArmStyle], palette: Palette) -> Any:
    """A bar for each arm."""
    y = _row_axis([arm.label for arm in arms])
    base = _base(rows).transform_filter(alt.FieldEqualPredicate(field="measure", equal=measure))
    base = base.encode(y=y, opacity=_opacity())
    x = alt.X("value:Q", title=None, axis=None, scale=alt.Scale(zero=True, nice=False))
    return (
        alt.layer(
            _label(base, palette, 12),
            _value(base, 12),
            base.mark_bar(height=7, yOffset=7, cornerRadiusEnd=2).encode(
                x=x, color=_colour(arms, palette), tooltip=_tooltips("arm:N", "text:N")
            ),
        )
        .properties(height=36 * len(arms))
        .add_params(_focus())
    )


def forest(rows: str, test: str, pairs: Sequence[str], domain: Domain, title: str, palette: Palette) -> Any:
    """A row for each pair of arms: the difference with its interval; filled where it is significant."""
    base = _base(rows, test).encode(y=_row_axis(pairs, "pair"))
    x = alt.X("value:Q", title=title, scale=alt.Scale(domain=list(domain), nice=False, zero=False), axis=_ticks())
    zero = alt.Chart(alt.InlineData([{"zero": 0}])).mark_rule(strokeDash=[4, 3], strokeWidth=1.5)
    colour = {"color": palette["ink"]}
    points = base.encode(x=x, tooltip=_tooltips("pair:N", "text:N", "low:Q", "high:Q", "significant:N"))
    return alt.layer(
        zero.encode(x=alt.X("zero:Q")),
        _label(base, palette, field="pair"),
        _value(base),
        base.mark_rule(strokeWidth=2.5, yOffset=10, y2Offset=10, clip=True, **colour).encode(
            x=alt.X("low:Q", title=title), x2=alt.X2("high:Q")
        ),
        points.transform_filter("datum.significant").mark_point(size=100, filled=True, opacity=1, yOffset=10, **colour),
        points.transform_filter("!datum.significant").mark_point(
            size=100, filled=True, opacity=1, yOffset=10, fill=palette["paper"], stroke=palette["ink"], strokeWidth=2
        ),
    ).properties(height=_ROW * len(pairs))


def specification(chart: Any, description: str) -> Spec:
    """The chart as JSON values, as wide as its place, checked against Vega-Lite's schema."""
    spec: Spec = chart.properties(width="container", autosize=_FIT, description=description).to_dict()
    # Altair adds a configuration of its own; the page and the picture have theirs.
    spec.pop("config", None)
    return spec


def vegalite_version() -> str:
    """The version of Vega-Lite that Altair writes for, as vl_convert names it."""
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def _base(rows: str, test: str | None = None) -> Any:
    chart = alt.Chart(alt.NamedData(name=rows))
    return chart if test is None else chart.transform_filter(alt.FieldEqualPredicate(field="test", equal=test))


def _focus() -> Any:
    # The legend of the page sets it to an arm's label; "" shows all arms alike.
    return alt.param(name=_FOCUS, value="")


def _opacity(strong: float = 1.0, weak: float = 0.12) -> Any:
    return alt.OpacityValue(weak, condition={"test": f"{_FOCUS} == '' || {_FOCUS} == datum.arm", "value": strong})


def _row_axis(labels: Sequence[str], field: str = "arm") -> Any:
    return alt.Y(f"{field}:N", sort=list(labels), axis=None, title=None)


def _tooltips(*fields: str) -> list[Any]:
    return [alt.Tooltip(field) for field in fields]


def _ticks() -> Any:
    return alt.Axis(tickCount=6)


def _label(base: Any, palette: Palette, size: int = 13, field: str = "arm", at: int = 0, room: int = 60) -> Any:
    # A label gives way to the value at the other end of its row; the table behind the chart has it whole.
    limit = alt.ExprRef(f"width - {at + room}")
    mark = base.mark_text(align="left", baseline="bottom", dy=-3, fontSize=size, color=palette["ink"], limit=limit)
    return mark.encode(x=alt.XValue(at), text=alt.Text(f"{field}:N"))


def _value(base: Any, size: int = 13) -> Any:
    mark = base.mark_text(align="right", baseline="bottom", dy=-3, fontSize=size, fontWeight="bold")
    return mark.encode(x=alt.XValue("width"), text=alt.Text("text:N"))


def _colour(arms: Sequence[ArmStyle], palette: Palette) -> Any:
    return alt.Color("arm:N", scale=_scale(arms, [palette[arm.colour] for arm in arms]), legend=None)


def _shape(arms: Sequence[ArmStyle]) -> Any:
    return alt.Shape("arm:N", scale=_scale(arms, [arm.shape for arm in arms]), legend=None)


def _dash(arms: Sequence[ArmStyle]) -> Any:
    return alt.StrokeDash("arm:N", scale=_scale(arms, [list(arm.dash) for arm in arms]), legend=None)


def _scale(arms: Sequence[ArmStyle], values: list[Any]) -> Any:
    return alt.Scale(domain=[arm.label for arm in arms], range=values)
