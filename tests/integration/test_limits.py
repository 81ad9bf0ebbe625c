"""The limits of really trained, tiny runs, through the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Cli, train


@pytest.fixture(scope="module")
def copying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has seen a few lists of words, and hardly learnt to copy them."""
    out = tmp_path_factory.mktemp("limits") / "copy"
    brief = ("tokenizer.kind=words", "training.validations=1", "decoding.max_len_ratio=1.2")
    return train(Path("copy"), "transformer-tiny", out, "--size", 200, "--steps", 8, "--set", *brief)


def test_limits_on_drawn_inputs(copying: Path, cli: Cli) -> None:
    argv = ("limits", copying, "--on", "length", "--most", 4, "--samples", 20, "--beam", 1, "--quiet")
    found = json.loads(cli(*argv, "--json"))
    assert found["corpus"] == "copy"
    assert found["sizes"][0]["first"] == 1
    assert found["finished"]
    # Whatever it has learnt: the smallest failing input is one, and really fails.
    failing = found["smallest_failing"]
    assert failing["said"] != failing["truth"] == failing["source"]
    said = cli("translate", copying, "--beam", 1, "--input", _line(copying, failing["source"]), "--quiet")
    assert said.strip() == failing["said"].strip()
    assert json.loads(cli(*argv, "--json")) == found
    assert found["verdict"] in cli(*argv).replace("\n", " ")


def test_what_does_not_fit(copying: Path, cli: Cli) -> None:
    message = cli("limits", copying, "--on", "clauses", status=2)
    assert "trained on copy" in message
    assert "--on length (words)" in message


def test_limits_on_test_sentences(trained: Callable[[str], Path], cli: Cli) -> None:
    run = trained("rnn-tiny")
    found = json.loads(cli("limits", run, "--on", "length", "--beam", 1, "--json", "--quiet"))
    assert found["measure"] == "BLEU"
    assert found["sizes"]
    assert "test sentences" in found["description"]
    assert any("one reference" in note for note in found["notes"])


def _line(run: Path, text: str) -> Path:
    path = run.parent / "line.txt"
    path.write_text(f"{text}\n", encoding="utf-8")
    return path
