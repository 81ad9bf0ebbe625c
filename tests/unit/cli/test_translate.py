"""translate: one line out for each line in, whatever it is."""

import json
from pathlib import Path

import pytest

from seqloom.cli import main
from tests.unit.cli.conftest import FakeRun, TypeIn


def test_lines_in_lines_out(fake_run: FakeRun, type_in: TypeIn, capsys: pytest.CaptureFixture[str]) -> None:
    type_in("ein Hund\n\nzwei\u2028Hunde\r\nlast without end".encode())
    assert main(["translate", "runs/a", "runs/b", "--beam", "3", "--device", "cpu", "--threads", "1"]) == 0
    caught = capsys.readouterr()
    assert caught.out == "EIN HUND\n\nZWEI HUNDE\nLAST WITHOUT END\n"
    assert "1 of 4 lines: empty source" in caught.err
    assert fake_run.folders == (Path("runs/a"), Path("runs/b"))
    assert fake_run.settings == {"device": "cpu", "threads": 1, "weights": None}
    assert fake_run.asked["beam"] == 3


def test_bytes_that_are_not_utf8_do_not_end_the_stream(
    fake_run: FakeRun, type_in: TypeIn, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(b"good\n\xff\xfe bad\x00\ngood\n")
    assert main(["translate", "x"]) == 0
    caught = capsys.readouterr()
    assert caught.out.split("\n") == ["GOOD", "\ufffd\ufffd BAD\x00", "GOOD", ""]
    assert "1 of 3 lines held bytes that are not UTF-8" in caught.err


def test_quiet(fake_run: FakeRun, type_in: TypeIn, capsys: pytest.CaptureFixture[str]) -> None:
    type_in(b"\xff\n\n")
    assert main(["translate", "x", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_files(fake_run: FakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "new" / "out.txt"
    source.write_text("a\nb\n")
    assert main(["translate", "x", "--input", str(source), "--output", str(target)]) == 0
    assert target.read_text() == "A\nB\n"
    assert capsys.readouterr().out == ""


def test_compressed_input(fake_run: FakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import gzip

    source = tmp_path / "in.txt.gz"
    source.write_bytes(gzip.compress(b"a\nb\n"))
    assert main(["translate", "x", "--input", str(source)]) == 0
    assert capsys.readouterr().out == "A\nB\n"


def test_nbest_is_numbered(fake_run: FakeRun, type_in: TypeIn, capsys: pytest.CaptureFixture[str]) -> None:
    type_in(b"a\tb\nc\n")
    assert main(["translate", "x", "--nbest", "2"]) == 0
    assert capsys.readouterr().out == "1\t-0.500000\tA B\n1\t-1.500000\tA B!\n2\t-0.500000\tC\n2\t-1.500000\tC!\n"


def test_alignments_are_pharaoh(fake_run: FakeRun, type_in: TypeIn, capsys: pytest.CaptureFixture[str]) -> None:
    type_in(b"a\n")
    assert main(["translate", "x", "--alignments"]) == 0
    assert capsys.readouterr().out == "A\t0-0 2-1\n"


def test_json(fake_run: FakeRun, type_in: TypeIn, capsys: pytest.CaptureFixture[str]) -> None:
    type_in("ö\n".encode())
    assert main(["translate", "x", "--json", "--nbest", "2", "--alignments"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["line"] == 1
    assert row["source"] == "ö"
    assert row["translations"][1] == {
        "text": "Ö!",
        "score": -1.5,
        "log_prob": -2.0,
        "finished": True,
        "finish_reason": "stop",
        "tokens": ["<5>", "<6>"],
    }
    assert row["alignment"] == [0, 2]
    assert row["notes"] == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--input", "nowhere.txt"], "--input nowhere.txt: there is no such file"),
        (["--nbest", "5", "--beam", "2"], "a beam of 2 finds at most 2"),
        (["--alignments", "--nbest", "2"], "add --json"),
    ],
)
def test_what_cannot_be_is_said_before_loading(
    options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["translate", "runs/nowhere", *options]) == 2
    assert told in capsys.readouterr().err


def test_input_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.txt"
    path.write_text("keep me")
    assert main(["translate", "x", "--input", str(path), "--output", str(path)]) == 2
    assert path.read_text() == "keep me"
    assert "it would be lost. Name another file" in capsys.readouterr().err
