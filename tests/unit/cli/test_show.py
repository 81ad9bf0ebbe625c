"""show: a run in lines that people read, or as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.cli import main
from seqloom.cli.show import sparkline, table

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)

BEGUN: dict[str, Any] = {
    "run": "runs/x",
    "recipe": "rnn-tiny",
    "description": "A small one.",
    "state": "not finished; continue: seqloom train --resume --out runs/x",
    "seed": 3,
    "budget": "100 steps",
    "corpus": {
        "name": "pairs",
        "src_lang": "de",
        "tgt_lang": "en",
        "sizes": {"train": 20000, "val": 500},
        "synthetic": False,
        "metric": "bleu",
        "notes": ["3 lines were left out."],
    },
    "tokenizer": "BPE: joint, 400 ids",
    "parameters": 1043000,
    "parameters_without_embeddings": 990000,
    "setup_seconds": 1.5,
}
FINISHED = BEGUN | {
    "state": "finished",
    "steps": 100,
    "tokens": 123456,
    "epochs": 2.5,
    "train_seconds": 61.2,
    "validation_seconds": 4.0,
    "tokens_per_second": 9876.5,
    "padding_share": 0.125,
    "peak_memory_mib": 1234.5,
    "best": "step 80",
    "curve": [
        {
            "step": step,
            "tokens": step * 900,
            "seconds": step / 2,
            "train_loss": 4.0,
            "val_loss": 5 - step / 50,
            "val_quality": step / 4,
        }
        for step in (20, 40, 60, 80, 100)
    ],
}


@pytest.fixture
def describe(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the run says of itself; tests fill it."""
    facts: dict[str, Any] = {}
    monkeypatch.setattr("seqloom.run.load.describe", lambda folder: facts)
    return facts


def test_a_finished_run(describe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe.update(FINISHED)
    (tmp_path / "recipe.yaml").write_text("x" * 2048)
    assert main(["show", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for told in (
        "rnn-tiny, seed 3, finished",
        "de -> en: 20,000 train, 500 val",
        "1,043,000",
        "3 lines were left out.",
    ):
        assert told in text
    for told in (
        "100 steps, 123,456 target tokens, 2.5 epochs",
        "9,876 target tokens/s, 12% padding",
        "step 80",
        "val bleu",
    ):
        assert told in text
    assert "val loss  █▆▅▃▁" in text
    assert f"2.0 KiB  {tmp_path / 'recipe.yaml'}" in text


def test_a_run_that_is_not_finished(
    describe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    describe.update(BEGUN)
    assert main(["show", str(tmp_path)]) == 0
    assert "continue: seqloom train --resume --out runs/x" in capsys.readouterr().out


def test_json_is_everything(describe: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    describe.update(FINISHED)
    assert main(["show", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == FINISHED


def test_columns_without_values_are_left_out() -> None:
    lines = table([{"step": 1, "loss": 2.5, "quality": None}, {"step": 2000, "loss": None, "quality": None}])
    assert [line.split() for line in lines] == [["step", "loss"], ["1", "2.500"], ["2,000"]]


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
