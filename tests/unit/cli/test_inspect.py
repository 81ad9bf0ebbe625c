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


def test_errors_are_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--data", str(tmp_path / "nothing.tsv")]) == 2
    assert "neither a named data set nor a file" in capsys.readouterr().err
