"""Lines: results stay one field of one line, facts stay readable."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.cli.lines import as_text, one_line, output
from seqloom.errors import SeqloomError


@given(st.text())
def test_one_line_is_one_field_of_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert "\t" not in line


@given(st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp"])))
def test_what_is_one_line_already_stays(text: str) -> None:
    assert one_line(text) == text


def test_output_makes_folders_and_explains_what_cannot_be(tmp_path: Path) -> None:
    with output(tmp_path / "a" / "b.txt") as stream:
        stream.write("x")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"x"
    with pytest.raises(SeqloomError, match="cannot be written"), output(tmp_path / "a"):
        pass


def test_facts() -> None:
    facts = {
        "name": "x",
        "size_in_bytes": 12345,
        "verified": True,
        "nothing": None,
        "sides": ["en", "de"],
        "files": {"a": 1},
        "long": "1\n2",
    }
    assert list(as_text(facts)) == [
        "name: x",
        "size in bytes: 12,345",
        "verified: yes",
        "sides: en, de",
        "files:",
        "  a: 1",
        "long: 1",
        "  2",
    ]
    assert list(as_text({"files": [{"file": "a", "bytes": 1}, {"file": "b"}]})) == [
        "files:",
        "  - file: a",
        "    bytes: 1",
        "  - file: b",
    ]
