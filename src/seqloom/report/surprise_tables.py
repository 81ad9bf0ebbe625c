"""Tables in the terminal about the surprise of language models: the sums, each token, and the bits by kind of part."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seqloom.explain.explanations import Explanations
from seqloom.report.surprise_view import comparison_view, summary_rows, token_row

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def surprise_tables(explanations: Explanations) -> Iterator["Table"]:
    """A table for each language model, and one with the differences between them."""
    for surprise in explanations.surprises:
        summary = summary_rows(surprise)
        title = (
            f"{surprise.run.label}: {summary['bits']} bits for {summary['tokens']} tokens, {summary['bits_per_byte']} bits per "
            f"byte; context of a token: {summary['context']}"
        )
        table = _table(title, ("token",), ("bits", "prob.", "rank", "context"), ("most probable in its place",))
        for row in surprise.tokens:
            table.add_row(*map(_plain, token_row(row)))
        yield table
    if explanations.surprise_comparison is not None:
        view = comparison_view(explanations.surprise_comparison)
        differences = [f"{other['label']} minus {view['runs'][0]}" for other in view["others"]]
        columns = ("parts", "characters", *view["runs"], *differences)
        table = _table("bits by kind of part", ("kind of part",), columns, ())
        for row in view["rows"]:
            table.add_row(row["name"], *row["counts"], *row["bits"], *row["differences"])
        yield table


def _table(title: str, first: tuple[str, ...], numbers: tuple[str, ...], last: tuple[str, ...]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, title=Text(title, style="bold"), title_justify="left")
    for column in first:
        table.add_column(_plain(column))
    for column in numbers:
        table.add_column(_plain(column), justify="right")
    for column in last:
        table.add_column(_plain(column))
    return table


def _plain(text: str) -> "Text":
    """A text in which rich finds no markup."""
    from rich.text import Text

    return Text(text)
