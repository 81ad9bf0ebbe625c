import shlex
import sys
from pathlib import Path

import pytest

from seqloom.messages import command_line, counted, listed, option, use_command


@pytest.mark.parametrize("name", ["a b", "it's", 'say "hi"', "$HOME", "a\nb", "grün", "*", "a;b", "-dash"])
def test_a_command_line_survives_the_shell(name: str) -> None:
    words = shlex.split(command_line("train", "--resume", "--out", Path("runs") / name))
    assert words == ["seqloom", "train", "--resume", "--out", f"runs/{name}"]


def test_a_path_is_not_read_as_an_option() -> None:
    assert command_line("show", Path("-run")) == "seqloom show ./-run"
    assert option("text", "-x") == ["--text=-x"]
    assert option("minutes", 2.0) == ["--minutes", "2"]


def test_the_command_fits_the_run() -> None:
    assert use_command(Path("my run"), "generate") == "seqloom generate 'my run'"
    assert use_command(Path("my run"), "translate") == "seqloom translate 'my run'"


def test_counted() -> None:
    assert [counted(n, "pair") for n in (0, 1, 2000)] == ["0 pairs", "1 pair", "2,000 pairs"]
    assert counted(2, "hypothesis", "hypotheses") == "2 hypotheses"


def test_windows_gets_double_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert command_line("show", "C:\\my runs\\a", "runs\\b") == 'seqloom show "C:\\my runs\\a" runs\\b'
    assert command_line("train", "a&b", 'say "hi"', "") == 'seqloom train "a&b" "say \\"hi\\"" ""'
    assert command_line("show", "training.sizes=[1,2]") == 'seqloom show "training.sizes=[1,2]"'


def test_listed_nouns() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
