"""show: facts as text that people read, or as JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.cli import main
from seqloom.cli.show import as_text, sparkline, table

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def test_facts_as_text_and_json(fake_run, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    fake_run.facts_shown = {"recipe": "fake", "parameters": 1043000, "budget": {"steps": 100}, "best": None}
    assert main(["show", "x"]) == 0
    assert capsys.readouterr().out == "recipe: fake\nparameters: 1,043,000\nbudget:\n  steps: 100\n"
    assert main(["show", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == fake_run.facts_shown


def test_rows_become_a_table() -> None:
    rows = [{"step": step, "val_loss": 5.0 - step / 100, "val_quality": None} for step in (100, 200, 300)]
    assert as_text({"curve": rows}) == [
        "curve:",
        "  step  val loss",
        "   100     4.000",
        "   200     3.000",
        "   300     2.000",
        "  val loss: █▅▁",
    ]


def test_long_tables_keep_first_and_last() -> None:
    lines = table([{"step": step} for step in range(1, 1001)])
    assert len(lines) == 13
    assert lines[1].strip() == "1"
    assert lines[-1].strip() == "1,000"


@given(st.lists(FINITE, min_size=1, max_size=200))
def test_sparklines_reach_from_low_to_high(values: list[float]) -> None:
    line = sparkline(values)
    assert len(line) == min(len(values), 60)
    if len(values) <= 60 and max(values) > min(values):
        assert line[values.index(min(values))] == "▁"
        assert line[values.index(max(values))] == "█"
