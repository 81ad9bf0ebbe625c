"""The figures of a report that only one task has. A task with figures of its own has a file and a line in `FIGURES`."""

from collections.abc import Callable, Mapping

from seqloom.comparison.comparison import Comparison
from seqloom.report.encodings import Palette
from seqloom.report.fan_chart import fan_charts
from seqloom.report.figure import Figure
from seqloom.report.rows import Row

FIGURES: Mapping[str, Callable[[Comparison, Palette], tuple[list[Figure], dict[str, list[Row]]]]] = {
    "series": fan_charts,
}


def task_figures(comparison: Comparison, palette: Palette) -> tuple[list[Figure], dict[str, list[Row]]]:
    """The figures of the comparison's task, and their rows by the name of the data set."""
    draw = FIGURES.get(comparison.corpus.kind)
    return ([], {}) if draw is None else draw(comparison, palette)
