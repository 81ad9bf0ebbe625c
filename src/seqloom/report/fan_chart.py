"""Fan charts: the forecasts of each arm on its last test window, with bands between quantiles.

Input: a comparison whose task is forecasting. Output: figures and the rows that they draw.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt

from seqloom.comparison.comparison import Comparison
from seqloom.report import charts, theme
from seqloom.report import encodings as enc
from seqloom.report.encodings import Palette
from seqloom.report.figure import Figure
from seqloom.report.rows import Row
from seqloom.report.tables import Table

# The lower and upper quantile of each band, the widest band first.
_BANDS = (("0.1", "0.9"), ("0.3", "0.7"))


def fan_charts(comparison: Comparison, palette: Palette) -> tuple[list[Figure], dict[str, list[Row]]]:
    """A figure for each arm with forecasts, and its rows by the name of the data set."""
    figures: list[Figure] = []
    datasets: dict[str, list[Row]] = {}
    styles = theme.arm_styles(comparison)
    for name, tests in comparison.details.items():
        for test, details in tests.items():
            forecast = details["forecasts"][-1]
            dataset = f"forecast-{len(figures)}"
            datasets[dataset] = _rows(forecast)
            sentence = _sentence(styles[name].label, test, forecast)
            chart = _chart(dataset, palette, palette[styles[name].colour])
            spec = charts.specification(chart, sentence)
            figures.append(Figure(dataset, styles[name].label, sentence, spec, _table(styles[name].label, forecast)))
    return figures, datasets


def _rows(forecast: Mapping[str, Any]) -> list[Row]:
    """A row for each value of the series: its index, the actual value, and the forecasts."""
    first = forecast["origin"] - len(forecast["context"]) + 1
    rows: list[Row] = [{"step": first + index, "actual": value} for index, value in enumerate(forecast["context"])]
    for index, value in enumerate(forecast["actual"]):
        row: dict[str, Any] = {
            "step": forecast["origin"] + 1 + index,
            "actual": value,
            "naive": forecast["seasonal_naive"][index],
            "median": forecast["quantiles"]["0.5"][index],
        }
        for number, (low, high) in enumerate(_BANDS):
            row[f"low{number}"] = forecast["quantiles"][low][index]
            row[f"high{number}"] = forecast["quantiles"][high][index]
        rows.append(row)
    return rows


def _chart(dataset: str, palette: Palette, colour: str) -> Any:
    base = enc.base(dataset).encode(
        x=alt.X("step:Q", title="value number", scale=alt.Scale(zero=False, nice=False), axis=enc.ticks())
    )
    forecast = base.transform_filter("isValid(datum.median)")
    axis = alt.Scale(zero=False)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", title="value", scale=axis)

    bands = [
        forecast.mark_area(color=colour, opacity=0.2).encode(y=y(f"low{number}"), y2=alt.Y2(f"high{number}:Q"))
        for number in range(len(_BANDS))
    ]
    return alt.layer(
        *bands,
        base.mark_line(color=palette["ink"], strokeWidth=1.5).encode(y=y("actual")),
        forecast.mark_line(color=palette["ink"], strokeWidth=1, strokeDash=[2, 3]).encode(y=y("naive")),
        forecast.mark_line(color=colour, strokeWidth=2).encode(
            y=y("median"), tooltip=enc.tooltips("step:Q", "actual:Q", "median:Q", "naive:Q")
        ),
    ).properties(height=240)


def _sentence(label: str, test: str, forecast: Mapping[str, Any]) -> str:
    actual, quantiles = forecast["actual"], forecast["quantiles"]
    inside = sum(
        low <= value <= high for low, value, high in zip(quantiles["0.1"], actual, quantiles["0.9"], strict=True)
    )
    return (
        f"{label}, last window of {test}: the median of the drawn paths (line), the middle 40% and 80% of them (bands), the "
        f"actual values (dark line) and the seasonal-naive forecast (dots). {inside} of {len(actual)} values are in the 80% band."
    )


def _table(label: str, forecast: Mapping[str, Any]) -> Table:
    columns = ("Value number", "Actual", "10%", "Median", "90%", "Seasonal-naive")
    rows = tuple(
        (str(forecast["origin"] + 1 + index), *(f"{value:.5g}" for value in values))
        for index, values in enumerate(
            zip(
                forecast["actual"],
                *(forecast["quantiles"][level] for level in ("0.1", "0.5", "0.9")),
                forecast["seasonal_naive"],
                strict=True,
            )
        )
    )
    return Table(f"Forecast of {label}", columns, rows)
