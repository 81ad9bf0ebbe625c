"""`seqloom explain`: what is told about wrong command lines, before anything is computed."""

import pytest

from seqloom.cli import main


@pytest.mark.parametrize(
    ("argv", "told"),
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
def test_mistakes_are_told(argv, told, capsys, tmp_path):
    assert main(["explain", str(tmp_path / "none"), "--text", "a", "--quiet", *argv]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


def test_missing_matplotlib_is_told_before_any_work(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["explain", str(tmp_path / "none"), "--text", "a", "--out", "x.png"]) == 2
    assert "pip install 'seqloom[pictures]'" in capsys.readouterr().err
