"""The charts of a comparison, as Vega-Lite specifications that Altair makes and checks.

Input: the name of a list of rows (see `rows`), styles and a palette. Output: specifications without data, which refer to the rows
by name. Row labels are above the marks, so that the charts stay readable on a phone. This module does not know pages.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from seqloom.report import encodings as enc
from seqloom.report.encodings import Palette
from seqloom.report.theme import ArmStyle

Spec = dict[str, Any]
Domain = tuple[float, float]

_ROW = 48
_FIT = alt.AutoSizeParams(type="fit-x", contains="padding")


def dots(rows: str, test: str, arms: Sequence[ArmStyle], domain: Domain, title: str, palette: Palette) -> Any:
    """A row for each arm: its mean with its interval, and a small dot for each seed."""
    base = enc.base(rows, test)
    y = enc.row_axis([arm.label for arm in arms])
    x = alt.X("value:Q", title=title, scale=alt.Scale(domain=list(domain), nice=False, zero=False), axis=enc.ticks())
    means = base.transform_filter("datum.what == 'mean'").encode(y=y, opacity=enc.opacity())
    seeds = base.transform_filter("datum.what == 'seed'")
    return (
        alt.layer(
            means.mark_point(size=55, filled=True, opacity=1, yOffset=-11).encode(
                x=alt.XValue(5), color=enc.colour(arms, palette), shape=enc.shape(arms)
            ),
            enc.label(means, palette, at=16, space=130),
            enc.value(means),
            means.mark_rule(strokeWidth=2, yOffset=10, y2Offset=10, clip=True).encode(
                x=alt.X("low:Q", title=title), x2=alt.X2("high:Q"), color=enc.colour(arms, palette)
            ),
            *(
                means.mark_tick(thickness=2, size=14, yOffset=10, clip=True).encode(
                    x=alt.X(end, title=title), color=enc.colour(arms, palette)
                )
                for end in ("low:Q", "high:Q")
            ),
            seeds.mark_circle(size=22, yOffset=10, clip=True, stroke=palette["paper"], strokeWidth=0.5).encode(
                x=x,
                y=y,
                color=enc.colour(arms, palette),
                opacity=enc.opacity(0.75),
                tooltip=enc.tooltips("arm:N", "text:N"),
            ),
            means.mark_point(
                size=60, yOffset=10, filled=True, clip=True, stroke=palette["paper"], strokeWidth=1
            ).encode(
                x=x, color=enc.colour(arms, palette), shape=enc.shape(arms), tooltip=enc.tooltips("arm:N", "text:N")
            ),
        )
        .properties(height=_ROW * len(arms))
        .add_params(enc.focus())
    )


def lengths(rows: str, test: str, arms: Sequence[ArmStyle], domain: Domain, title: str, palette: Palette) -> Any:
    """A line for each arm over the source length, with a band for the intervals."""
    axis = alt.Axis(
        labelExpr="[split(datum.label, '|')[0], 'n ' + split(datum.label, '|')[1]]", labelAngle=0, grid=False
    )
    x = alt.X("bin:O", sort=alt.SortField("order"), title="source words, and n test sentences", axis=axis)
    y = alt.Y("value:Q", title=title, scale=alt.Scale(domain=list(domain), nice=False, zero=False), axis=enc.ticks())
    base = enc.base(rows, test).encode(x=x, color=enc.colour(arms, palette))
    return (
        alt.layer(
            base.mark_area(clip=True).encode(
                y=alt.Y("low:Q", title=title),
                y2=alt.Y2("high:Q"),
                opacity=enc.opacity(0.16, 0.03),
                detail=alt.Detail("arm:N"),
            ),
            base.mark_line(strokeWidth=2.2, clip=True).encode(y=y, strokeDash=enc.dash(arms), opacity=enc.opacity()),
            base.mark_point(size=64, filled=True, clip=True).encode(
                y=y, shape=enc.shape(arms), opacity=enc.opacity(), tooltip=enc.tooltips("arm:N", "text:N")
            ),
        )
        .properties(height=260)
        .add_params(enc.focus())
    )


def curves(
    rows: str, along: str, measure: str, arms: Sequence[ArmStyle], titles: tuple[str, str], palette: Palette
) -> Any:
    """A line for each run, over minutes or tokens; the shape at its end shows the arm.

    Args:
        along: the field of the x axis, "time" or "tokens".
        measure: the field of the y axis, "loss" or "quality".
        titles: of the x and the y axis.
    """
    axis = alt.Axis(format="~s" if along == "tokens" else "~f", tickCount=6, grid=False)
    x = alt.X(f"{along}:Q", title=titles[0], scale=alt.Scale(zero=True), axis=axis)
    y = alt.Y(f"{measure}:Q", title=titles[1], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    base = enc.base(rows).transform_filter(f"isValid(datum.{measure})")
    base = base.encode(x=x, y=y, color=enc.colour(arms, palette), opacity=enc.opacity(), detail=alt.Detail("seed:N"))
    ends = base.transform_window(
        rank="row_number()", sort=[alt.SortField("step", "descending")], groupby=["arm", "seed"]
    )
    text = enc.tooltips("arm:N", "seed:N", "step:Q", "tokens:Q", "time:Q", "loss:Q", "quality:Q")
    return (
        alt.layer(
            base.mark_line(strokeWidth=1.8).encode(strokeDash=enc.dash(arms)),
            base.mark_circle(size=60, fillOpacity=0).encode(tooltip=text),
            ends.transform_filter("datum.rank == 1")
            .mark_point(size=80, filled=True, stroke=palette["paper"], strokeWidth=1)
            .encode(shape=enc.shape(arms), tooltip=text),
        )
        .properties(height=260)
        .add_params(enc.focus())
    )


def bars(rows: str, measure: str, arms: Sequence[ArmStyle], palette: Palette) -> Any:
    """A bar for each arm: its mean of one measure of cost."""
    y = enc.row_axis([arm.label for arm in arms])
    base = enc.base(rows).transform_filter(alt.FieldEqualPredicate(field="measure", equal=measure))
    base = base.encode(y=y, opacity=enc.opacity())
    x = alt.X("value:Q", title=None, axis=None, scale=alt.Scale(zero=True, nice=False))
    return (
        alt.layer(
            enc.label(base, palette, 12),
            enc.value(base, 12),
            base.mark_bar(height=7, yOffset=7, cornerRadiusEnd=2).encode(
                x=x, color=enc.colour(arms, palette), tooltip=enc.tooltips("arm:N", "text:N")
            ),
        )
        .properties(height=36 * len(arms))
        .add_params(enc.focus())
    )


def forest(rows: str, test: str, pairs: Sequence[str], domain: Domain, title: str, palette: Palette) -> Any:
    """A row for each pair of arms: the difference with its interval; the mark is filled if it is significant."""
    base = enc.base(rows, test).encode(y=enc.row_axis(pairs, "pair"))
    x = alt.X("value:Q", title=title, scale=alt.Scale(domain=list(domain), nice=False, zero=False), axis=enc.ticks())
    zero = alt.Chart(alt.InlineData([{"zero": 0}])).mark_rule(strokeDash=[4, 3], strokeWidth=1.5)
    colour = {"color": palette["ink"]}
    points = base.encode(x=x, tooltip=enc.tooltips("pair:N", "text:N", "low:Q", "high:Q", "significant:N"))
    return alt.layer(
        zero.encode(x=alt.X("zero:Q")),
        enc.label(base, palette, field="pair"),
        enc.value(base),
        base.mark_rule(strokeWidth=2.5, yOffset=10, y2Offset=10, clip=True, **colour).encode(
            x=alt.X("low:Q", title=title), x2=alt.X2("high:Q")
        ),
        points.transform_filter("datum.significant").mark_point(size=100, filled=True, opacity=1, yOffset=10, **colour),
        points.transform_filter("!datum.significant").mark_point(
            size=100, filled=True, opacity=1, yOffset=10, fill=palette["paper"], stroke=palette["ink"], strokeWidth=2
        ),
    ).properties(height=_ROW * len(pairs))


def specification(chart: Any, description: str) -> Spec:
    """The chart as JSON values, checked against Vega-Lite's schema; its width is that of the HTML element that holds it."""
    spec: Spec = chart.properties(width="container", autosize=_FIT, description=description).to_dict()
    # The page and the picture set their own configuration instead of Altair's.
    spec.pop("config", None)
    return spec


def vegalite_version() -> str:
    """The version of Vega-Lite that Altair writes for, as vl_convert names it."""
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
