"""`seqloom claims`: listing, showing, and what is refused before anything is trained."""

import json
from pathlib import Path

import pytest

from seqloom.claims import claims
from seqloom.claims.running import FILE, recorded
from seqloom.cli import main


def test_the_list_names_every_claim(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [claim["name"] for claim in listed] == list(claims())
    assert main(["claims", "list"]) == 0
    assert "copying" in capsys.readouterr().out


def test_show_prints_the_source_and_the_counter_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "show", "4"]) == 0
    output = capsys.readouterr().out
    assert "Delétang" in output
    assert "contradicted by" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["claims", "run", "--out", "{}"], "or say --all"),
        (["claims", "run", "copying", "--all", "--out", "{}"], "or say --all"),
        (["claims", "run", "copyng", "--out", "{}"], "Did you mean 'copying'"),
        (["claims", "run", "copying", "--seeds", "1", "--out", "{}"], "2 seeds or more"),
        (["claims", "run", "copying", "--data", "reverse", "--out", "{}"], "leave the data options out"),
        (["claims", "report", "{}"], "there are no verdicts"),
        (["claims", "show", "99"], "no claim '99'"),
    ],
)
def test_a_wrong_command_line_gets_a_message(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(tmp_path) for word in words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_recorded_verdicts_are_shown_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = next(
        (verdict.claim for verdict in recorded().verdicts if "quick" not in claims()[verdict.claim].protocols), None
    )
    if name is None:
        pytest.skip("no claim without a quick protocol has been recorded yet")
    assert main(["claims", "run", name, "--out", str(tmp_path), "--json", "--quiet"]) == 0
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert verdict["origin"] == "recorded"
    assert json.loads((tmp_path / FILE).read_text())["verdicts"] == [verdict]
    page = (tmp_path / "report.html").read_text()
    assert claims()[name].statement in page
    assert main(["claims", "report", str(tmp_path)]) == 0
