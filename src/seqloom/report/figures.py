"""The figures of the page of a comparison: charts, each with a sentence and a table.

Figures under the same heading are a group. This module does not know HTML.
"""

from collections.abc import Iterable, Sequence

from seqloom.comparison.comparison import Comparison
from seqloom.report import charts, rows, sentences, tables, theme, wording
from seqloom.report.encodings import Palette
from seqloom.report.figure import Figure as Figure
from seqloom.report.rows import COSTS, Row, cost_title
from seqloom.report.scaling_figure import scaling_figures
from seqloom.report.tables import Table
from seqloom.report.task_figures import task_figures
from seqloom.report.theme import ArmStyle


class Figures:
    """The figures of a comparison; a group is empty if the comparison lacks its data."""

    def __init__(self, comparison: Comparison, palette: Palette = theme.BY_CSS) -> None:
        self._comparison = comparison
        self._palette = palette
        self._styles = list(theme.arm_styles(comparison).values())
        self.datasets: dict[str, list[Row]] = {
            "quality": rows.quality_rows(comparison),
            "length": rows.length_rows(comparison),
            "curve": rows.curve_rows(comparison),
            "cost": rows.cost_rows(comparison),
            "difference": rows.difference_rows(comparison),
        }
        self._of_task, task_rows = task_figures(comparison, palette)
        self._scaling, scaling_rows = scaling_figures(comparison, palette)
        self.datasets |= task_rows | scaling_rows

    def groups(self) -> dict[str, list[Figure]]:
        """All figures by group."""
        return {
            "quality": self.quality(),
            "length": self.length(),
            "curve": self.curve(),
            "scaling": self._scaling,
            "cost": self.cost(),
            "difference": self.difference(),
            "task": self._of_task,
        }

    def quality(self) -> list[Figure]:
        """The leading metric by arm: a figure for each test split, all with the same range of the axis."""
        domain = domain_of(self._comparison, self.datasets["quality"])
        figures: list[Figure] = []
        for test, label in self._tests("quality"):
            arms = self._among(row["arm"] for row in self.datasets["quality"] if row["test"] == test)
            chart = charts.dots("quality", test, arms, domain, self._axis_title(), self._palette)
            sentence = sentences.about_quality(self._comparison, test)
            table = tables.quality_table(self._comparison, test)
            figures.append(self._figure(f"quality-{len(figures)}", label, sentence, chart, table))
        return figures

    def length(self) -> list[Figure]:
        """The leading metric by source length: a figure for each test split, all with the same range of the axis."""
        domain = domain_of(self._comparison, self.datasets["length"])
        figures: list[Figure] = []
        for test, label in self._tests("length"):
            chart = charts.lengths("length", test, self._styles, domain, self._comparison.metric_label, self._palette)
            sentence = sentences.about_length(self._comparison, test)
            table = tables.length_table(self._comparison, test)
            figures.append(self._figure(f"length-{len(figures)}", label, sentence, chart, table))
        return figures

    def curve(self) -> list[Figure]:
        """Learning curves: quality and loss, each against time and against tokens."""
        figures: list[Figure] = []
        ours = [style for style in self._styles if not style.outside]
        metrics = {"quality": wording.validation_label(self._comparison), "loss": "validation loss"}
        along_titles = {"time": f"{rows.time_unit(self._comparison)} of updates", "tokens": "target tokens trained on"}
        for measure, title in metrics.items():
            if all(row[measure] is None for row in self.datasets["curve"]):
                continue
            for along, along_title in along_titles.items():
                titles = (along_title, f"{title}, nats a token" if measure == "loss" else title)
                chart = charts.curves("curve", along, measure, ours, titles, self._palette)
                sentence = sentences.about_curve(self._comparison, measure)
                name = f"curve-{measure}-{along}"
                figures.append(self._figure(name, wording.capital(title), sentence, chart, variant=along))
        return figures

    def cost(self) -> list[Figure]:
        """Costs by arm: a figure for each measure of cost that was measured."""
        figures: list[Figure] = []
        for measure in COSTS:
            arms = self._among(row["arm"] for row in self.datasets["cost"] if row["measure"] == measure)
            if arms:
                chart = charts.bars("cost", measure, arms, self._palette)
                sentence = sentences.about_cost(self._comparison, measure)
                title = cost_title(self._comparison, measure)
                figures.append(self._figure(f"cost-{measure.replace('_', '-')}", title, sentence, chart))
        return figures

    def difference(self) -> list[Figure]:
        """The differences between arms: a figure for each test split, all with the same range of the axis."""
        ends = [
            row[end] for row in self.datasets["difference"] for end in ("low", "high", "value") if row[end] is not None
        ]
        domain = padded(min([0.0, *ends]), max([0.0, *ends]))
        figures: list[Figure] = []
        for test, label in self._tests("difference"):
            drawn = [row for row in self.datasets["difference"] if row["test"] == test]
            pairs = [row["pair"] for row in drawn]
            title = f"difference in {self._comparison.metric_label}"
            chart = charts.forest("difference", test, pairs, domain, title, self._palette)
            sentence = sentences.about_differences(self._comparison, test)
            table = tables.difference_table(self._comparison, test)
            figures.append(self._figure(f"difference-{len(figures)}", label, sentence, chart, table))
        return figures

    def _figure(
        self, name: str, title: str, sentence: str, chart: object, table: Table | None = None, variant: str = ""
    ) -> Figure:
        spec = charts.specification(chart, sentence)
        return Figure(name, wording.capital(title), sentence, spec, table, variant)

    def _tests(self, dataset: str) -> list[tuple[str, str]]:
        present = {row["test"] for row in self.datasets[dataset]}
        return [(test, label) for test, label in self._comparison.test_labels.items() if test in present]

    def _among(self, labels: Iterable[str]) -> list[ArmStyle]:
        present = set(labels)
        return [style for style in self._styles if style.label in present]

    def _axis_title(self) -> str:
        return f"{self._comparison.metric_label} ({sentences.direction(self._comparison)})"


def domain_of(comparison: Comparison, rows: Sequence[Row]) -> tuple[float, float]:
    """A range for all values and intervals of some rows; for scores in percent it is within 0 and 100."""
    ends = [row[end] for row in rows for end in ("low", "high", "value") if row.get(end) is not None]
    low, high = padded(min(ends, default=0.0), max(ends, default=1.0))
    if comparison.metric in wording.BOUNDED:
        return max(low, 0.0), min(high, 100.0) if max(ends, default=0.0) <= 100 else high
    return low, high


def padded(low: float, high: float) -> tuple[float, float]:
    """The range extended by 5% at both ends, so that no mark is cut."""
    space = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - space, high + space
