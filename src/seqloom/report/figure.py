"""Figure: a chart with its sentence and its table."""

from dataclasses import dataclass

from seqloom.report.charts import Spec
from seqloom.report.tables import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its heading, its text and its table.

    Attributes:
        name: the id of the HTML element; unique in the page.
        title: the heading.
        sentence: the content of the chart in words.
        spec: the Vega-Lite specification, which refers to its rows by name.
        table: the values of the chart; None if another figure of the group has them.
        variant: the choice of the group's switch that shows the figure; empty if the group has no switch.
    """

    name: str
    title: str
    sentence: str
    spec: Spec
    table: Table | None = None
    variant: str = ""
