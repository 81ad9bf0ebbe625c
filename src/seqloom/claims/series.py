"""Lines and charts of measurements. Input: rounds; output: points with intervals over them."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from seqloom.claims.rule import interval_of
from seqloom.claims.verdict import Chart, ChartSeries, Contrast, Point, Term

_MOST_LISTED = 8
"""Points of a line that a description lists."""


def measured(label: str, rounds: Sequence[Mapping[str, float]]) -> ChartSeries:
    """A line of means over rounds; each round maps a number (as text) to a value."""
    points = (mean_point(float(x), tuple(item[x] for item in rounds)) for x in rounds[0])
    return ChartSeries(label=label, points=tuple(points))


def mean_point(x: float | str, values: tuple[float, ...]) -> Point:
    """The mean of runs or rounds, with its interval over them."""
    low, high = interval_of(Contrast(terms=(Term(arm="", weight=1, values=values),))) or (None, None)
    return Point(x=x, y=fmean(values), low=low, high=high)


def chart(
    title: str,
    x_title: str,
    y_title: str,
    series: tuple[ChartSeries, ...],
    *,
    log: bool = False,
    log_x: bool | None = None,
    log_y: bool | None = None,
) -> Chart:
    """A chart whose description lists the values of each line or group of bars; of long lines the first and the last.

    Args:
        log: whether both axes are logarithmic.
        log_x: whether the x axis is, where that differs from `log`; log_y likewise.
    """
    text = "; ".join(
        f"{line.label}: {_points_text(line.points)}"
        if len(line.points) > 1
        else f"{line.label}: {line.points[0].y:.3g}"
        for line in series
    )
    what = f"{y_title}, by {x_title}" if any(len(line.points) > 1 for line in series) else y_title
    return Chart(
        title=title,
        x_title=x_title,
        y_title=y_title,
        series=series,
        log_x=log if log_x is None else log_x,
        log_y=log if log_y is None else log_y,
        description=f"{title} ({what}). {text}.",
    )


def _points_text(points: tuple[Point, ...]) -> str:
    """All points, or the first and the last of many."""
    if len(points) <= _MOST_LISTED:
        return ", ".join(map(_point_text, points))
    return f"{_point_text(points[0])} … {_point_text(points[-1])}"


def _point_text(point: Point) -> str:
    x = point.x if isinstance(point.x, str) else f"{point.x:.4g}"
    return f"{x} = {point.y:.3g}"
