"""Verdicts in a terminal: a row for each claim, with its answer as a word, a sign and a colour.

Input: verdicts. Output: a table for rich.
"""

from rich.table import Table
from rich.text import Text

from seqloom.claims.verdict import Verdict, Verdicts
from seqloom.report import claims_wording

_COLOURS = {"supported": "green", "contradicted": "red", "inconclusive": "yellow"}


def claims_table(verdicts: Verdicts) -> Table:
    """A row for each claim: number and name, verdict, effect with interval, origin and effort."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("claim", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("effect", overflow="fold")
    table.add_column("made", overflow="fold")
    for verdict in sorted(verdicts.verdicts, key=lambda item: (item.number, item.claim)):
        table.add_row(Text(str(verdict.number)), Text(verdict.claim, style="bold"), *_cells(verdict))
    return table


def _cells(verdict: Verdict) -> tuple[Text, Text, Text]:
    headline = f"{claims_wording.SIGNS[verdict.verdict]} {verdict.headline}"
    answer = Text(headline, style=_COLOURS[verdict.verdict])
    # The unit is on a second line, which keeps the column narrow, so that the names of claims are not wrapped.
    effect = Text(claims_wording.leading_estimate(verdict))
    effect.append(f"\n{verdict.unit}", style="dim")
    return answer, effect, Text(f"{verdict.origin}\n{verdict.effort}", style="dim")
