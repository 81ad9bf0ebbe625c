"""Figures that only the reports of some tasks have. Such a task has a module and an entry in `FIGURES`."""

from collections.abc import Callable, Mapping

from seqloom.comparison.comparison import Comparison
from seqloom.report.encodings import Palette
from seqloom.report.fan_chart import fan_charts
from seqloom.report.figure import Figure
from seqloom.report.rows import Row
from seqloom.report.text_charts import text_charts

HEADINGS: Mapping[str, str] = {"series": "Outputs", "text": "Context and words"}
"""The heading of the figures of a task."""

FIGURES: Mapping[str, Callable[[Comparison, Palette], tuple[list[Figure], dict[str, list[Row]]]]] = {
    "series": fan_charts,
    "text": text_charts,
}


def task_figures(comparison: Comparison, palette: Palette) -> tuple[list[Figure], dict[str, list[Row]]]:
    """The figures of the comparison's task, and their rows by data set name; empty if the task has none."""
    draw = FIGURES.get(comparison.corpus.kind)
    return ([], {}) if draw is None else draw(comparison, palette)
