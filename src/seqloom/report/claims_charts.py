"""The charts of verdicts, as Vega-Lite specifications: lines if the x values are numbers, points with intervals if they are words.

Input: a Chart of a verdict, and styles. Output: a specification with its rows, and remarks on what the chart cannot show. Colour,
shape and dash each identify the arm. This module does not know pages.
"""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from seqloom.claims.verdict import Chart, Point
from seqloom.report import encodings as enc
from seqloom.report.charts import Domain, Spec, specification
from seqloom.report.claims_wording import measured
from seqloom.report.encodings import Palette
from seqloom.report.rows import Row
from seqloom.report.theme import ArmStyle

_HEIGHT = 260
_ROW = 46
# The number of letters that fit below a chart on a phone.
_FITS = 44
# Intervals may extend the range of a chart by this share of it. With two seeds, intervals can be very wide.
_REACH = 0.6
# If the lower end of an axis is at most this share of its upper end, the axis begins at zero.
_NEAR_ZERO = 0.5
_MOST_TICKS = 10
_FEW_DECADES = 2.2


def draw(chart: Chart, styles: Sequence[ArmStyle], name: str, palette: Palette) -> tuple[Spec, list[str]]:
    """The specification of a chart, and remarks on what it cannot show.

    Args:
        styles: a style with a label for each series, in the same order.
        name: the name of the list of rows; unique in the page.
    """
    points = [point for series in chart.series for point in series.points]
    kept = [point for point in points if _drawable(point, chart)]
    remarks = []
    if len(kept) < len(points):
        remarks.append(
            f"{len(points) - len(kept)} of {len(points)} points cannot be drawn in this chart; the table has them."
        )
    domain, cut = _domain(chart, kept)
    if cut:
        remarks.append("Intervals that are wider than the chart are cut; the table has the whole intervals.")
    rows = [
        _row(point, style.label, chart)
        for series, style in zip(chart.series, styles, strict=True)
        for point in series.points
        if _drawable(point, chart)
    ]
    if all(isinstance(point.x, float) for point in kept):
        drawn = _lines(chart, styles, name, domain, sorted({float(point.x) for point in kept}), palette)
    else:
        positions = list(dict.fromkeys(str(point.x) for point in kept))
        upright = len(positions) > 1 and len(positions) * (max(map(len, positions)) + 1) <= _FITS
        drawn = (_points if upright else _rows)(chart, styles, name, domain, positions, palette)
    described = " ".join([chart.description, *remarks])
    return {**specification(drawn, described), "datasets": {name: rows}}, remarks


def _lines(
    chart: Chart, styles: Sequence[ArmStyle], name: str, domain: Domain, positions: Sequence[float], palette: Palette
) -> Any:
    """A line for each series, with a band for the intervals."""
    few = {"values": list(positions)} if len(positions) <= _MOST_TICKS else {"tickCount": 6}
    axis = alt.Axis(grid=False, labelOverlap="greedy", **few)
    scale = alt.Scale(type="log", nice=False) if chart.log_x else alt.Scale(zero=False, nice=False)
    base = enc.base(name).encode(
        x=alt.X("x:Q", title=chart.x_title, scale=scale, axis=axis), color=enc.colour(styles, palette)
    )
    y = _y(chart, domain)
    text = enc.tooltips("arm:N", "x:Q", "text:N")
    return (
        alt.layer(
            base.mark_area(clip=True).encode(
                y=alt.Y("low:Q", title=chart.y_title),
                y2=alt.Y2("high:Q"),
                opacity=enc.opacity(0.16, 0.03),
                detail=alt.Detail("arm:N"),
            ),
            base.mark_line(strokeWidth=2.2, clip=True).encode(y=y, strokeDash=enc.dash(styles), opacity=enc.opacity()),
            base.mark_point(size=64, filled=True).encode(
                y=y, shape=enc.shape(styles), opacity=enc.opacity(), tooltip=text
            ),
        )
        .properties(height=_HEIGHT)
        .add_params(enc.focus())
    )


def _points(
    chart: Chart, styles: Sequence[ArmStyle], name: str, domain: Domain, positions: Sequence[str], palette: Palette
) -> Any:
    """For each word below the chart a group of points with intervals, a point for each series."""
    axis = alt.Axis(labelExpr="split(datum.label, ' ')", labelAngle=0, labelOverlap=False, grid=False)
    labels = [style.label for style in styles]
    base = enc.base(name).encode(
        x=alt.X("x:N", sort=list(positions), title=chart.x_title, axis=axis, scale=alt.Scale(paddingInner=0.4)),
        xOffset=alt.XOffset("arm:N", sort=labels, scale=alt.Scale(paddingOuter=0.6)),
        color=enc.colour(styles, palette),
        opacity=enc.opacity(),
    )
    text = enc.tooltips("arm:N", "x:N", "text:N")
    return (
        alt.layer(
            base.mark_rule(strokeWidth=2, clip=True).encode(y=alt.Y("low:Q", title=chart.y_title), y2=alt.Y2("high:Q")),
            *(
                base.mark_tick(thickness=2, size=10, clip=True, orient="horizontal").encode(
                    y=alt.Y(end, title=chart.y_title)
                )
                for end in ("low:Q", "high:Q")
            ),
            base.mark_point(size=85, filled=True, stroke=palette["paper"], strokeWidth=1).encode(
                y=_y(chart, domain), shape=enc.shape(styles), tooltip=text
            ),
        )
        .properties(height=_HEIGHT)
        .add_params(enc.focus())
    )


def _rows(
    chart: Chart, styles: Sequence[ArmStyle], name: str, domain: Domain, positions: Sequence[str], palette: Palette
) -> Any:
    """A row for each series; if there are several words, which are too long for the x axis, a row for each word and series."""
    keys = [f"{position}|{style.label}" for position in positions for style in styles]
    base = enc.base(name).transform_calculate(row="datum.x + '|' + datum.arm").encode(y=enc.row_axis(keys, "row"))
    if len(positions) > 1:
        base = base.transform_calculate(name="datum.arm + ', ' + datum.x")
    else:
        base = base.transform_calculate(name="datum.arm")
    base = base.encode(opacity=enc.opacity())
    scale = alt.Scale(type="log" if chart.log_y else "linear", domain=list(domain), nice=False)
    x = alt.X("y:Q", title=chart.y_title, scale=scale, axis=enc.ticks())
    colour = enc.colour(styles, palette)
    return (
        alt.layer(
            base.mark_point(size=55, filled=True, yOffset=-11).encode(
                x=alt.XValue(5), color=colour, shape=enc.shape(styles)
            ),
            enc.label(base, palette, field="name", at=16, space=150),
            enc.value(base),
            base.mark_rule(strokeWidth=2, yOffset=10, y2Offset=10, clip=True).encode(
                x=alt.X("low:Q", title=chart.y_title), x2=alt.X2("high:Q"), color=colour
            ),
            *(
                base.mark_tick(thickness=2, size=14, yOffset=10, clip=True, orient="vertical").encode(
                    x=alt.X(end, title=chart.y_title), color=colour
                )
                for end in ("low:Q", "high:Q")
            ),
            base.mark_point(size=60, yOffset=10, filled=True, stroke=palette["paper"], strokeWidth=1).encode(
                x=x, color=colour, shape=enc.shape(styles), tooltip=enc.tooltips("arm:N", "x:N", "text:N")
            ),
        )
        .properties(height=_ROW * len(keys))
        .add_params(enc.focus())
    )


def _y(chart: Chart, domain: Domain) -> Any:
    scale = alt.Scale(type="log" if chart.log_y else "linear", domain=list(domain), nice=False)
    ticks = {"values": _decades(domain)} if chart.log_y else {"tickCount": 5}
    axis = alt.Axis(labelOverlap="greedy", **ticks)
    return alt.Y("y:Q", title=chart.y_title, scale=scale, axis=axis)


def _decades(domain: Domain) -> list[float]:
    """The powers of ten in a range; also 2 and 5 times these if the range has only a few."""
    low, high = (math.log10(end) for end in domain)
    steps = (1, 2, 5) if high - low < _FEW_DECADES else (1,)
    decades = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return [value for value in decades if domain[0] <= value <= domain[1]]


def _row(point: Point, label: str, chart: Chart) -> Row:
    low, high = _bounds(point, chart.log_y)
    return {
        "x": point.x,
        "arm": label,
        "y": point.y,
        "low": low,
        "high": high,
        "text": measured(point.y, point.low, point.high),
    }


def _bounds(point: Point, log: bool) -> tuple[float | None, float | None]:
    """The interval to draw: on a logarithmic axis, ends at or below zero cannot be drawn."""
    if point.low is None or point.high is None or not (math.isfinite(point.low) and math.isfinite(point.high)):
        return None, None
    return max(point.low, point.y * 1e-3) if log else point.low, point.high


def _drawable(point: Point, chart: Chart) -> bool:
    x_fits = isinstance(point.x, str) or (math.isfinite(point.x) and (point.x > 0 or not chart.log_x))
    return x_fits and math.isfinite(point.y) and (point.y > 0 or not chart.log_y)


def _domain(chart: Chart, points: Sequence[Point]) -> tuple[Domain, bool]:
    """The range of the y axis, and whether it cuts intervals."""
    values = [point.y for point in points] or [1.0]
    ends = [end for point in points for end in _bounds(point, chart.log_y) if end is not None]
    if chart.log_y:
        (low, high), cut = _range([math.log10(value) for value in values], [math.log10(end) for end in ends], 0.3)
        # Lower ends at or below zero cannot be drawn.
        cut = cut or any(point.low is not None and point.low <= 0 for point in points)
        return (10**low, 10**high), cut
    (low, high), cut = _range(values, ends, 0.05 * max(abs(value) for value in values) or 1.0)
    if "%" in chart.y_title and min(values) >= 0 and max(values) <= 100:
        # Shares are within 0 and 100, although intervals of Student's t can exceed them. A small margin keeps marks at the ends
        # whole.
        return (-3.0, 103.0), any(end < -3.0 or end > 103.0 for end in ends)
    if min(values) >= 0 and low < _NEAR_ZERO * high:
        cut = cut or any(end < 0 for end in ends)
        low = 0.0
    return (low, high), cut


def _range(values: Sequence[float], ends: Sequence[float], least: float) -> tuple[Domain, bool]:
    span = max(max(values) - min(values), least)
    low = max(min([*values, *ends]), min(values) - _REACH * span)
    high = min(max([*values, *ends]), max(values) + _REACH * span)
    space = 0.05 * max(high - low, least)
    return (low - space, high + space), any(end < low or end > high for end in ends)
