import json
from pathlib import Path

import pytest

from seqloom.cli import main
from seqloom.corpus.catalogue import catalogue
from seqloom.corpus.generators import GENERATORS


def test_list_names_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [*GENERATORS, *catalogue()]
    assert {row["origin"] for row in rows if row["name"] in GENERATORS} == {"synthetic"}
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("multi30k ") and "29,000" in line for line in lines)


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "show", "multi30k"]) == 0
    text = capsys.readouterr().out
    for word in ("non-commercial", "train.de.gz", "726e39b2", "of the published file", "--from-lang"):
        assert word in text
    assert main(["data", "show", "copy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["synthetic"] is True


def test_unknown_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "show", "multi3k"]) == 2
    assert "Did you mean 'multi30k'" in capsys.readouterr().err
    assert main(["data", "get", "copy"]) == 2
    assert "made when it is needed" in capsys.readouterr().err


def test_get_prints_paths(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "get", "tinyshakespeare", "--data-dir", str(shared_data)]) == 0
    assert capsys.readouterr().out.strip() == str(shared_data / "tinyshakespeare" / "input.txt")
