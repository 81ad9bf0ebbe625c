"""Verdicts in a terminal: every estimate whole, at any width."""

import io
from collections import Counter

import pytest
from rich.console import Console

from seqloom.claims.verdict import Verdicts
from seqloom.report import claims_wording
from seqloom.report.claims_terminal import claims_table
from tests.claims_factory import make_verdicts


def printed(verdicts: Verdicts, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(claims_table(verdicts))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_verdict_and_every_estimate_is_whole(width: int) -> None:
    lines = printed(make_verdicts(), width).splitlines()
    assert max(map(len, lines)) <= width
    for one in make_verdicts().verdicts:
        (line,) = [line for line in lines if line.split()[:1] == [str(one.number)]]
        assert one.verdict in line
        assert claims_wording.leading_estimate(one) in line
        assert one.unit in "".join(lines) or width < 100
    assert "…" not in "".join(lines)


def test_a_narrow_terminal_loses_nothing() -> None:
    lines = printed(make_verdicts(), 44).splitlines()
    assert max(map(len, lines)) <= 44
    letters = Counter("".join(lines))
    for one in make_verdicts().verdicts:
        wanted = Counter(f"{one.claim}{one.verdict}{claims_wording.leading_estimate(one)}{one.unit}".replace(" ", ""))
        assert wanted <= letters
        letters -= wanted


def test_claims_stand_in_order() -> None:
    text = printed(make_verdicts(), 160)
    places = [
        text.index(f"\n{one.number:>2}  {one.claim}")
        for one in sorted(make_verdicts().verdicts, key=lambda v: v.number)
    ]
    assert places == sorted(places)


def test_names_are_no_markup() -> None:
    one = make_verdicts().verdicts[0].model_copy(update={"claim": "[red]x[/red]", "unit": "[/]"})
    text = printed(Verdicts(verdicts=(one,)), 120)
    assert "[red]x[/red]" in text
    assert "[/]" in text
