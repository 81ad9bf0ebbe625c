import json
from pathlib import Path

import pytest

from seqloom.cli import main


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "x.en-fr.tsv"
    path.write_text("".join(f"The bird {i} sings [red]loudly[/red].\tL'oiseau {i} chante fort.\n" for i in range(100)))
    return path


def test_tables_and_json(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--data", str(pairs), "--quiet"]) == 0
    text = capsys.readouterr().out
    for word in ("en -> fr", "Split: ", "duplicates", "advice", "latin 100.0%"):
        assert word in text
    assert main(["inspect", "--data", str(pairs), "--json", "--quiet"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [split["name"] for split in facts["splits"]] == ["train", "val", "test"]


def test_overlap_is_shown_rather_than_dropped(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--data", str(pairs), "--val", str(pairs), "--json", "--quiet"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["splits"][1]["overlap"] > 50


def test_texts_show_documents_and_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        (tmp_path / f"{number}.txt").write_text(f"Story {'abcdefghijkl'[number]} of the old [red] house.\n" * 20)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\x00")
    assert main(["inspect", "--data", str(tmp_path), "--quiet"]) == 0
    text = capsys.readouterr().out
    for word in (
        "12 files of text",
        "1 file that is not text (picture.png)",
        "documents",
        "bytes a token",
        "not in vocabulary",
    ):
        assert word in " ".join(text.split())
    assert main(["inspect", "--data", str(tmp_path), "--json", "--quiet"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["splits"][0]["text"]["unit"] == "documents"
    assert facts["tokens"]["splits"]["val"]["bytes_per_token"] > 1


def test_errors_are_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--data", str(tmp_path / "nothing.tsv")]) == 2
    assert "neither a named data set nor a file" in capsys.readouterr().err
