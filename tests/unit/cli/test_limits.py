"""limits: what the verb passes on, and what it prints when it is stopped."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from seqloom.cli import main
from seqloom.decoding.hypothesis import Generation
from tests.run_info import make_corpus_info, make_run_info
from tests.unit.cli.conftest import FakeRun

ARGV = ["limits", "x", "--on", "length", "--quiet"]


class Engine:
    """Copies up to seven words; stopped by Ctrl-C after so many sources."""

    def __init__(self, most: int = 10_000) -> None:
        self.most = most

    def generate(self, texts: Iterable[str], **_: Any) -> Iterator[Generation]:
        for text in texts:
            self.most -= 1
            if self.most < 0:
                raise KeyboardInterrupt
            yield Generation(text, (text if len(text.split()) <= 7 else "wrong",), ())


Copying = Callable[..., dict[str, Any]]


@pytest.fixture
def copying(fake_run: FakeRun, monkeypatch: pytest.MonkeyPatch) -> Copying:
    """A run on `copy` with an engine of a known limit."""
    from types import SimpleNamespace

    corpus = make_corpus_info(synthetic=True, metric="exact_match")
    monkeypatch.setattr(fake_run, "folder", "x", raising=False)
    recipe = SimpleNamespace(name="transformer-tiny", corpus=None)
    monkeypatch.setattr(fake_run, "recipe", recipe, raising=False)
    monkeypatch.setattr(fake_run, "info", make_run_info(corpus=corpus))
    asked: dict[str, Any] = {}

    def start(most: int = 10_000) -> dict[str, Any]:
        engine = Engine(most)

        def generator(**settings: Any) -> Engine:
            asked.update(settings)
            return engine

        monkeypatch.setattr(fake_run, "generator", generator)
        return asked

    return start


def test_a_limit_is_printed(copying: Copying, capsys: pytest.CaptureFixture[str]) -> None:
    asked = copying()
    assert main([*ARGV, "--beam", "2"]) == 0
    caught = capsys.readouterr()
    assert caught.out.startswith("Fails from 8 words on: 0 of 20 right [0.0%, 22.4%]; passes at 7 words")
    assert "The smallest failing input: 8 words" in caught.out
    assert caught.err == ""
    assert asked == {"beam": 2}


def test_json(copying: Copying, capsys: pytest.CaptureFixture[str]) -> None:
    copying()
    assert main([*ARGV, "--json", "--seed", "4", "--most", "12", "--samples", "40", "--threshold", "0.4"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["limit"] == 8
    assert found["most"] == 12
    assert found["settings"] == {"threshold": 0.4, "most": 12, "samples": 40, "seed": 4}
    assert found["smallest_failing"]["size"] == 8


def test_ctrl_c_prints_what_was_found(copying: Copying, capsys: pytest.CaptureFixture[str]) -> None:
    copying(most=50)
    assert main(ARGV) == 130
    caught = capsys.readouterr()
    assert caught.out.startswith("Interrupted; so far: no limit found up to 2 words: 20 of 20 right")
    assert "this is what was found so far" in caught.err


def test_what_does_not_fit_is_one_message(copying: Copying, capsys: pytest.CaptureFixture[str]) -> None:
    copying()
    assert main(["limits", "x", "--on", "pairs"]) == 2
    assert "seqloom: --on pairs: the run was trained on copy" in capsys.readouterr().err


def test_on_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["limits", "x"]) == 2
    assert "--on" in capsys.readouterr().err
