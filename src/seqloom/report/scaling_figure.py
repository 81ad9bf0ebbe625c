"""The figure of a comparison with `--curve`: the loss of each arm by the number of training items, and what more would give.

Input: the data scaling of a comparison. Output: a figure and the rows that it draws.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from seqloom.comparison.comparison import Comparison
from seqloom.report import charts, theme, wording
from seqloom.report import encodings as enc
from seqloom.report.encodings import Palette
from seqloom.report.figure import Figure
from seqloom.report.rows import Row
from seqloom.report.tables import Table
from seqloom.report.theme import ArmStyle

DATASET = "scaling"


def scaling_figures(comparison: Comparison, palette: Palette) -> tuple[list[Figure], dict[str, list[Row]]]:
    """One figure with all arms, and its rows by the name of the data set; nothing if the comparison has no data scaling."""
    if not comparison.scaling:
        return [], {}
    styles = theme.arm_styles(comparison)
    arms = [styles[scaling.arm] for scaling in comparison.scaling]
    unit = comparison.scaling[0].unit
    sentence = (
        f"Bits per byte of the test references by the number of training {unit}. The line is a power law through the points; the "
        "dashed part, with its 95% intervals, is extrapolated."
    )
    spec = charts.specification(_chart(arms, unit, palette), sentence)
    figure = Figure("scaling", wording.capital(f"loss by training {unit}"), sentence, spec, _table(comparison))
    return [figure], {DATASET: _rows(comparison)}


def _rows(comparison: Comparison) -> list[Row]:
    """For each arm the points with their losses, and the line at the points and at the predictions."""
    labels = wording.arm_labels(comparison)
    rows: list[Row] = []
    for scaling in comparison.scaling:
        arm = {"arm": labels[scaling.arm]}
        for point, fitted in zip(scaling.points, scaling.fitted, strict=True):
            score = f"{wording.capital(point.quality.label)} {wording.score(point.quality.metric, point.quality.value)}"
            rows.append({**arm, "items": point.num_items, "loss": point.loss, "text": score, "part": "measured"})
            rows.append({**arm, "items": point.num_items, "line": fitted, "part": "fitted"})
        last = scaling.points[-1].num_items
        rows.append({**arm, "items": last, "line": scaling.fitted[-1], "part": "extrapolated"})
        for item in scaling.predictions:
            rows.append(
                {
                    **arm,
                    "items": item.num_items,
                    "line": item.loss,
                    "low": item.interval.low,
                    "high": item.interval.high,
                    "part": "extrapolated",
                }
            )
    return rows


def _chart(arms: Sequence[ArmStyle], unit: str, palette: Palette) -> Any:
    axis = alt.Axis(format="~s", grid=False, labelOverlap=True)
    x = alt.X("items:Q", title=f"training {unit}", scale=alt.Scale(type="log", nice=False, padding=16), axis=axis)
    scale = alt.Scale(type="log", zero=False, nice=False, padding=12)
    base = enc.base(DATASET).encode(x=x, color=enc.colour(arms, palette), opacity=enc.opacity())

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title="bits per byte", scale=scale, axis=alt.Axis(tickCount=6, format="~g"))

    fitted = base.transform_filter("datum.part == 'fitted'")
    extrapolated = base.transform_filter("datum.part == 'extrapolated'")
    return (
        alt.layer(
            fitted.mark_line(strokeWidth=1.8).encode(y=y("line")),
            extrapolated.mark_line(strokeWidth=1.8, strokeDash=[4, 4]).encode(y=y("line")),
            extrapolated.transform_filter("isValid(datum.low)")
            .mark_rule(strokeWidth=2)
            .encode(y=y("low"), y2=alt.Y2("high:Q")),
            base.transform_filter("datum.part == 'measured'")
            .mark_point(size=80, filled=True)
            .encode(y=y("loss"), shape=enc.shape(arms), tooltip=enc.tooltips("arm:N", "items:Q", "loss:Q", "text:N")),
        )
        .properties(height=280)
        .add_params(enc.focus())
    )


def _table(comparison: Comparison) -> Table:
    labels = wording.arm_labels(comparison)
    rows: list[tuple[str, ...]] = []
    for scaling in comparison.scaling:
        label = labels[scaling.arm]
        for point in scaling.points:
            score = wording.score_with_interval(point.quality)
            rows.append(
                (
                    label,
                    wording.number(point.num_items),
                    wording.number(point.loss, 3),
                    score,
                    wording.number(point.steps),
                )
            )
        for item in scaling.predictions:
            low, high = (wording.number(end, 3) for end in (item.interval.low, item.interval.high))
            span = f"{wording.number(item.loss, 3)} [{low}, {high}]"
            rows.append((label, wording.number(item.num_items), f"{span}, predicted", wording.MISSING, wording.MISSING))
    unit = wording.capital(f"training {comparison.scaling[0].unit}")
    return Table(
        "Results on parts of the training data",
        ("Arm", unit, "Bits per byte", wording.capital(comparison.metric_label), "Updates"),
        tuple(rows),
    )
