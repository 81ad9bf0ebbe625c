"""score: a line for each pair, the total apart from it."""

import json
from pathlib import Path

import pytest

from seqloom.cli import main
from tests.unit.cli.conftest import FakeRun


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "src").write_text("abc\nd\n")
    (tmp_path / "ref").write_text("xy\nz\n")
    return ["--src", str(tmp_path / "src"), "--ref", str(tmp_path / "ref")]


def test_a_line_a_pair(fake_run: FakeRun, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "x", *files]) == 0
    caught = capsys.readouterr()
    assert caught.out == "-3.000000\t2\n-1.000000\t1\n"
    assert "2 pairs, 3 tokens, log-probability -4.00, perplexity 3.794" in caught.err


def test_json(fake_run: FakeRun, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "x", *files, "--json", "--quiet"]) == 0
    caught = capsys.readouterr()
    assert json.loads(caught.out.splitlines()[1]) == {
        "line": 2,
        "log_prob": -1.0,
        "num_tokens": 1,
        "token_log_probs": [-1.0],
        "notes": [],
    }
    assert caught.err == ""


def test_unequal_files(fake_run: FakeRun, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ref").write_text("xy\nz\nmore\n")
    assert main(["score", "x", *files]) == 2
    message = capsys.readouterr().err
    assert "src has 2 lines" in message
    assert "ref has 3" in message


def test_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "x", "--src", "nowhere", "--ref", "nowhere"]) == 2
    assert "--src nowhere: there is no such file" in capsys.readouterr().err
