"""`seqloom explain`: messages about wrong command lines, before anything is computed."""

from pathlib import Path

import pytest

from seqloom.cli import main


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--out", "page.htm"], "must be one of .html"),
        (["--out", "page.html", "--picture", "beam"], "a page shows them all"),
        (["--picture", "beam"], "say where to draw it"),
        (["--out", "data.json", "--json"], "leave one out"),
        (["--out", "example.md", "--history"], "leave --method and --history out"),
        (["--out", "example.md", "--method", "attention"], "leave --method and --history out"),
        (["--out", "example.md", "--picture", "beam"], "a page shows them all"),
        (["--method", "attention,saliency"], "choose among attention, gradient, occlusion"),
        (["--change", "word"], "expected N=WORD"),
        (["--step", "0"], "whole number from 1"),
        ([], "there is no such run folder"),
    ],
)
def test_a_wrong_command_line_gets_a_message(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["explain", str(tmp_path / "none"), "--text", "a", "--quiet", *argv]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_missing_matplotlib_is_an_error_before_any_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["explain", str(tmp_path / "none"), "--text", "a", "--out", "x.png"]) == 2
    assert "pip install 'seqloom[pictures]'" in capsys.readouterr().err
