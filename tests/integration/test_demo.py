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


def test_a_first_model_answers_and_finished_arms_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("seqloom.cli.demo.FIRST_STEPS", 2)
    monkeypatch.setattr("seqloom.cli.demo.FIRST_SIZE", 100)
    monkeypatch.setattr("seqloom.cli.demo.RECIPES", ("rnn-tiny", "transformer-tiny"))
    command = ["demo", "--steps", "2", "--size", "300", "--out", str(tmp_path / "out"), "--threads", "1"]
    assert main([*command, "--set", *BRIEF]) == 0
    told = capsys.readouterr().err
    assert told.index("it says:") < told.index("That is babble") < told.index("finished so far")
    table = told[told.index("finished so far") :].splitlines()
    assert table[0] == "finished so far (share of right commands):"
    assert table[1].split() == ["test", "beyond", "training"]
    assert table[2].startswith("  RNN ")
    assert [line for line in table if line.startswith("  Transformer ")]
    # The first model leaves nothing behind.
    assert sorted(path.name for path in (tmp_path / "out" / "runs").iterdir()) == [
        "rnn-tiny-seed0",
        "transformer-tiny-seed0",
    ]


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
