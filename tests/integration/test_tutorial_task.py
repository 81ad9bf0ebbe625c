"""The commands of the tutorial on tasks run as they stand there, with smaller settings."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks import series
from seqloom.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial-task.md"
SMALL = [
    *("task.num_samples=3", "task.val_windows=1", "task.test_windows=1", "model.d_model=8"),
    *("training.validations=1", "training.average_last=1"),
]


def commands() -> list[list[str]]:
    (block,) = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


def test_the_commands_of_the_tutorial_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("statsmodels")
    monkeypatch.chdir(tmp_path)
    (write, train, evaluate, compare) = commands()
    monkeypatch.setattr("sys.argv", ["series", *write[3:]])
    assert series.main() == 0
    small = ["--threads", "1", "--quiet", "--set", *SMALL]
    assert main([*train[1:], "--steps", "2", *small]) == 0
    assert main([*evaluate[1:], "--threads", "1", "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "test (1 window, the test split of the run's own corpus)" in printed
    assert "statsmodels ETS" in printed
    compare[compare.index("300")] = "2"
    assert main([*compare[1:], *small]) == 0
    report = (tmp_path / "comparisons" / "co2" / "report.html").read_text(encoding="utf-8")
    assert "actual values (dark line)" in report
