"""Verdicts in a terminal: a row for each claim, with its answer in a word, a sign and a colour.

Verdicts enter, a table that rich prints leaves.
"""

from rich.table import Table
from rich.text import Text

from seqloom.claims.verdict import Verdict, Verdicts
from seqloom.report import claims_wording

_COLOURS = {"supported": "green", "contradicted": "red", "inconclusive": "yellow"}


def claims_table(verdicts: Verdicts) -> Table:
    """One row a claim: its number and name, the verdict, the effect with its interval, and how it was made."""
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
    # The unit has a line of its own, so that the column can be narrow and names of claims stay whole.
    effect = Text(claims_wording.leading_estimate(verdict))
    effect.append(f"\n{verdict.unit}", style="dim")
    return answer, effect, Text(f"{verdict.origin}\n{verdict.effort}", style="dim")
