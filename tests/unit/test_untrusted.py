"""Small files that somebody sent: what is refused, and by which message."""

import os
from pathlib import Path

import pytest

from seqloom.errors import CheckpointError
from seqloom.untrusted import MAX_DEPTH, parse_json, printable, read_bytes, read_json, read_text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "deep inside one another"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "deep inside one another"),
        ('{"a":' * 200 + "1" + "}" * 200, "deep inside one another"),
        ("1" * 5_000, "a number of 5,000 digits"),
        ("NaN", "NaN stands where a number is expected"),
        ("[-Infinity]", "-Infinity stands where"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('["\\ud800"]', "half a surrogate pair"),
        ('{"\\uDFFF": 1}', "half a surrogate pair"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
    ],
)
def test_json_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_json(text)


def test_json_within_the_limits_is_read_as_it_is() -> None:
    assert parse_json('{"a": [1, -2.5e3, true, null, "\\ud83d\\ude00"]}') == {"a": [1, -2500.0, True, None, "😀"]}
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    assert parse_json("Infinity", allow_nan=True) == float("inf")


def test_only_regular_files_of_some_size_are_read(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.write_bytes(b"12345")
    assert read_bytes(good, max_bytes=5) == b"12345"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    for name, message in (("pipe", "is a pipe"), (".", "is a folder"), ("circle", "links lead in a circle")):
        with pytest.raises(CheckpointError, match=message):
            read_bytes(tmp_path / name, max_bytes=5)
    with pytest.raises(CheckpointError, match="is a device"):
        read_bytes(Path("/dev/zero"), max_bytes=5)
    with pytest.raises(CheckpointError, match="has 5 bytes, but such a file has at most 4"):
        read_bytes(good, max_bytes=4)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none", max_bytes=5)


def test_links_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "secret").write_text("s")
    (folder / "inside").write_text("i")
    (folder / "out").symlink_to("../secret")
    (folder / "in").symlink_to("inside")
    (tmp_path / "door").symlink_to("run")
    with pytest.raises(CheckpointError, match="a link that leads out of"):
        read_text(folder / "out", max_bytes=9, within=folder)
    assert read_text(folder / "in", max_bytes=9, within=folder) == "i"
    # The folder itself may be reached through a link.
    assert read_text(tmp_path / "door" / "in", max_bytes=9, within=tmp_path / "door") == "i"


def test_a_file_that_is_not_utf8_or_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"{}\n\xff")
    with pytest.raises(CheckpointError, match=r"x\.json:2: .*not UTF-8 \(byte 0xff\)"):
        read_json(path)
    path.write_text("[")
    with pytest.raises(CheckpointError, match=r"x\.json: damaged: not valid JSON"):
        read_json(path)


def test_control_characters_are_spelt_out() -> None:
    assert printable("a\x1b[2J\tb\u202eä") == "a\\u001b[2J\tb\\u202eä"
