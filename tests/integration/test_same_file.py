"""No verb writes over what it reads, by whatever name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqloom.cli import main
from seqloom.comparison.comparing import compare
from seqloom.corpus import CorpusSettings
from seqloom.errors import ConfigError
from seqloom.run.train import train


@contextmanager
def _stdout(path: Path) -> Iterator[None]:
    before = os.dup(1)
    with path.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


@pytest.mark.parametrize(
    "argv",
    [
        ("score", "run", "--src", "in", "--ref", "hard"),
        ("evaluate", "run", "--src", "in", "--ref", "hard"),
        ("evaluate", "run", "--data", "hard"),
        ("export", "run", "--to", "huggingface", "--out", "new", "--input", "hard"),
        ("translate", "run", "--input", "hard"),
    ],
    ids=lambda argv: " ".join((argv[0], *argv[2:3])),
)
def test_standard_output_is_not_what_is_read(
    argv: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").write_text("kept\n", encoding="utf-8")
    Path("hard").hardlink_to("in")
    with _stdout(Path("in")):
        assert main(argv) == 2
    assert "standard output: this is the same file as" in capfd.readouterr().err
    assert Path("in").read_text(encoding="utf-8") == "kept\n"


@pytest.mark.parametrize("name", ["comparison.json", "report.html"])
def test_a_comparison_does_not_replace_its_data(tmp_path: Path, name: str) -> None:
    data, out = tmp_path / "data.tsv", tmp_path / "out"
    data.write_text("kept\tkept\n", encoding="utf-8")
    out.mkdir()
    (out / name).hardlink_to(data)
    with pytest.raises(ConfigError, match="which is read; it would be lost"):
        compare(["rnn-tiny"], CorpusSettings(data=str(data)), out=out)
    assert data.read_text(encoding="utf-8") == "kept\tkept\n"


def test_a_run_does_not_replace_its_data(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    data = out / "metrics.jsonl"
    content = "".join(f'{{"src": "number {number}", "tgt": "Zahl {number}"}}\n' for number in range(100))
    data.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="which is read; it would be lost"):
        train("rnn-tiny", data, out=out)
    assert data.read_text(encoding="utf-8") == content
