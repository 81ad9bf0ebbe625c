import shlex
from pathlib import Path

import pytest

from seqloom.messages import command_line, counted, option, use_command


@pytest.mark.parametrize("name", ["a b", "it's", 'say "hi"', "$HOME", "a\nb", "grün", "*", "a;b", "-dash"])
def test_a_command_line_survives_the_shell(name: str) -> None:
    words = shlex.split(command_line("train", "--resume", "--out", Path("runs") / name))
    assert words == ["seqloom", "train", "--resume", "--out", f"runs/{name}"]


def test_a_path_is_not_read_as_an_option() -> None:
    assert command_line("show", Path("-run")) == "seqloom show ./-run"
    assert option("text", "-x") == ["--text=-x"]
    assert option("minutes", 2.0) == ["--minutes", "2"]


def test_the_verb_fits_the_run() -> None:
    assert use_command(Path("my run"), "text") == "seqloom generate 'my run'"
    assert use_command(Path("my run"), "pairs") == "seqloom translate 'my run'"


def test_counted() -> None:
    assert [counted(n, "pair") for n in (0, 1, 2000)] == ["0 pairs", "1 pair", "2,000 pairs"]
    assert counted(2, "hypothesis", "hypotheses") == "2 hypotheses"
