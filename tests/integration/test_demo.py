"""The demo: from nothing to a table, a report and answers, in one command."""

import json
from pathlib import Path

import pytest

from seqloom.cli import main

BRIEF = (
    *("training.validations=1", "training.validation_sentences=4", "model.d_model=32"),
    *("decoding.max_len_ratio=0.1", "decoding.max_len_offset=2"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "out"


def demo(folder: Path) -> int:
    return main(
        ["demo", "--steps", "2", "--size", "300", "--out", str(folder), "--threads", "1", "--quiet", "--set", *BRIEF]
    )


def test_it_ends_in_a_table_and_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo(folder) == 0
    told = capsys.readouterr().out
    comparison = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    assert comparison["corpus"]["synthetic"]
    assert {arm["name"] for arm in comparison["arms"]} == {"rnn-tiny", "attention-rnn-tiny", "transformer-tiny"}
    assert set(comparison["test_labels"]) == {"test", "beyond"}
    for arm in comparison["arms"]:
        assert arm["label"] in told
    assert told.rstrip().endswith("report.html")
    assert (folder / "report.html").stat().st_size > 100_000


def test_the_user_types_and_all_arms_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["take the lamp", "", "never read"])
    monkeypatch.setattr("seqloom.cli.demo._someone_is_there", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    assert demo(folder) == 0
    told = capsys.readouterr().out
    answers = told[told.index("An empty line ends.") :].splitlines()
    assert len([line for line in answers if line.startswith("  ") and not line.strip().startswith("(")]) == 3
    assert next(typed) == "never read"
