"""Figure: a chart with its sentence and its table."""

from dataclasses import dataclass

from seqloom.report.charts import Spec
from seqloom.report.tables import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and what stands around it.

    Attributes:
        name: unique in the page, fit for an id.
        title: its heading.
        sentence: what it shows, said in words.
        spec: the Vega-Lite specification, which names its rows.
        table: the numbers behind it, where no other figure of the group has them.
        variant: which choice of the group's switch shows it; empty where there is no switch.
    """

    name: str
    title: str
    sentence: str
    spec: Spec
    table: Table | None = None
    variant: str = ""
