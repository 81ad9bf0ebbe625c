"""The comparison in a terminal: the verdict, then the scores and costs.

In a narrow terminal there are several narrow tables instead of one wide table with wrapped lines.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from seqloom.comparison.comparison import ArmResult, Comparison
from seqloom.report import wording
from seqloom.report.rows import COSTS, cost_text, cost_title
from seqloom.report.sentences import direction, mean_cost

_MEASURE = 100
_FOLDED = 22
_COST_HEADS = {
    "parameters": "model params",
    "train_rate": "train tok/s",
    "train_time": "train minutes",
    "decode_rate": "decode {items}/s",
    "latency": "latency ms",
    "memory": "peak MiB",
}
assert _COST_HEADS.keys() == COSTS.keys()


def comparison_table(comparison: Comparison) -> RenderableType:
    """The verdict and the tables. They choose their layout when they are printed, by the width of the terminal."""
    return _Tables(comparison)


class _Tables:
    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._verdict(options)
        for tables in self._layouts():
            if all(
                Measurement.get(console, options.update(width=10_000), table).maximum <= options.max_width
                for table in tables
            ):
                for table in tables:
                    yield table
                    yield Text()
                break
        else:
            for arm in self._comparison.arms:
                yield self._list(arm)
        yield from self._notes(options)

    def _verdict(self, options: ConsoleOptions) -> Iterator[RenderableType]:
        comparison = self._comparison
        facts = [comparison.corpus.name, *(["synthetic"] if comparison.corpus.synthetic else []), comparison.budget]
        seeds = f"{'seed' if len(comparison.seeds) == 1 else 'seeds'} {', '.join(map(str, comparison.seeds))}"
        lines = [
            Text(comparison.title, style="bold"),
            Text(" · ".join([*facts, seeds]), style="dim"),
            Text(),
            *(
                Text(sentence, style="bold green" if index == 0 else "")
                for index, sentence in enumerate(comparison.verdict)
            ),
        ]
        yield _column(Group(*lines), options)
        yield Text()

    def _notes(self, options: ConsoleOptions) -> Iterator[RenderableType]:
        lines = [Text(f"! {caveat}", style="yellow") for caveat in self._comparison.caveats]
        level = wording.interval_level(self._comparison)
        lines.append(
            Text(f"{wording.capital(self._comparison.metric_label)}: {direction(self._comparison)}.", style="dim")
        )
        lines[-1].append(f" In brackets: {level} intervals. The report has the signatures.")
        yield _column(Group(*lines), options)

    def _layouts(self) -> Iterator[list[Table]]:
        """The layouts of the tables, from the widest to the narrowest; narrow layouts wrap the names of arms, never numbers."""
        tests = list(self._comparison.test_labels)
        yield [self._table(leading=tests, further=tests, costs=True)]
        yield [self._table(leading=tests, further=tests), self._table(costs=True)]
        for limit in (None, _FOLDED):
            difference = [self._table(leading=tests, limit=limit), self._table(costs=True, limit=limit)]
            if any(self._further(test) for test in tests):
                difference.insert(1, self._table(further=tests, limit=limit))
            yield difference
        by_test = [self._table(leading=[test], further=[test], limit=_FOLDED) for test in tests]
        yield [*by_test, self._table(costs=True, limit=_FOLDED)]

    def _table(
        self, *, leading: Sequence[str] = (), further: Sequence[str] = (), costs: bool = False, limit: int | None = None
    ) -> Table:
        arms = self._comparison.arms
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("", no_wrap=limit is None, max_width=limit, overflow="fold")
        rows = [[Text(label, style="bold")] for label in self._labels()]
        for test in self._comparison.test_labels:
            if test in leading:
                head = f"{self._comparison.metric_label}\n{self._comparison.test_labels[test]}"
                table.add_column(head, no_wrap=True)
                for row, cell in zip(rows, self._leading(test), strict=True):
                    row.append(cell)
            for metric, name in self._further(test).items() if test in further else ():
                table.add_column(f"{name}\n{'' if test in leading else test}", no_wrap=True, justify="right")
                for row, arm in zip(rows, arms, strict=True):
                    quality = wording.leading(arm.tests.get(test, ()), metric)
                    row.append(Text(wording.score(metric, quality.value) if quality else wording.MISSING))
        item = wording.test_item(self._comparison)
        # The short form keeps the table within 80 columns.
        items = "sent" if item == "sentence" else f"{item}s"
        for measure, head in _COST_HEADS.items() if costs else ():
            table.add_column(head.format(items=items).replace(" ", "\n"), no_wrap=True, justify="right")
            for row, arm in zip(rows, arms, strict=True):
                row.append(Text(cost_text(measure, mean_cost(arm, measure))))
        for row in rows:
            table.add_row(*row)
        return table

    def _labels(self) -> list[str]:
        labels = wording.arm_labels(self._comparison)
        return [labels[arm.name] + ("" if arm.runs else " (outside)") for arm in self._comparison.arms]

    def _further(self, test: str) -> dict[str, str]:
        """The labels of the other metrics that were measured on a test split, in order."""
        further = {q.metric: q.label for arm in self._comparison.arms for q in arm.tests.get(test, ())}
        further.pop(self._comparison.metric, None)
        return further

    def _leading(self, test: str) -> list[Text]:
        metric = self._comparison.metric
        leading = [wording.leading(arm.tests.get(test, ()), metric) for arm in self._comparison.arms]
        choose = max if wording.higher_is_better(self._comparison) else min
        best = choose((quality.value for quality in leading if quality is not None), default=None)
        cells = []
        width = max((len(wording.score(metric, q.value)) for q in leading if q is not None), default=0)
        for quality in leading:
            if quality is None:
                cells.append(Text(wording.MISSING))
                continue
            is_best = quality.value == best and len(leading) > 1
            cell = Text(wording.score(metric, quality.value).rjust(width), style="bold green" if is_best else "")
            if quality.interval is not None:
                cell.append(f" {wording.bounds(metric, quality.interval)}", style="not bold dim")
            cells.append(cell)
        return cells

    def _list(self, arm: ArmResult) -> RenderableType:
        # For a terminal that is too narrow for a table of one test split.
        lines = [Text(self._labels()[self._comparison.arms.index(arm)], style="bold")]
        for test, label in self._comparison.test_labels.items():
            lines += [
                Text(f"  {quality.label}, {label}: {wording.score_with_interval(quality)}")
                for quality in arm.tests.get(test, ())
            ]
        for measure in COSTS:
            title = cost_title(self._comparison, measure)
            lines.append(Text(f"  {title}: {cost_text(measure, mean_cost(arm, measure))}"))
        return Group(*lines, Text())


def _column(content: RenderableType, options: ConsoleOptions) -> RenderableType:
    return Padding(content, (0, max(0, options.max_width - _MEASURE), 0, 0))
