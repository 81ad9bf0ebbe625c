"""Story files: raw and in Blorb containers, and everything that is not one that can be played."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.errors import FictionError
from seqloom.fiction.zmachine.story import Story, parse_story, read_story
from tests.unit.fiction.zmachine.tiny_story import blorb, tiny_story

TINY = tiny_story()


def test_the_header_is_read() -> None:
    story = parse_story(TINY, "x")
    assert (story.version, story.release, story.serial, story.compiler) == (3, 1, "261201", "")
    assert story.static_memory == story.dictionary == 0x300


def test_a_story_in_a_blorb_container_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.zblorb"
    path.write_bytes(blorb((b"Pict", b"abc"), (b"ZCOD", TINY), executable=1))
    assert read_story(path).data == TINY


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no story; expected a Z-machine story"),
        (b"PK\x03\x04" + bytes(100), "is no story"),
        (b"<html>" + bytes(100), "is no story"),
        (b"Glul" + bytes(100), "this is a Glulx story, which seqloom cannot play; play it with another program"),
        (blorb((b"GLUL", b"Glul" + bytes(60))), "this is a Glulx story"),
        (b"\x06" + TINY[1:], "is a Z-machine story of version 6; seqloom plays the versions 3, 4, 5, 8"),
        (TINY[:200], "the file is cut off: its header announces"),
        (TINY[:0x0E] + b"\xff\xff" + TINY[0x10:], "the story is damaged: its header gives 0xffff"),
        (TINY + bytes(600_000), "but a story has at most 524,288"),
        (blorb((b"Pict", b"abc")), "the Blorb container holds no story"),
        (blorb((b"ZCOD", TINY), executable=None), "the Blorb container holds no story"),
        (blorb((b"ZCOD", TINY))[:300], "the Blorb container is cut off"),
        (b"FORM\0\0\0\4IFRS", "the Blorb container has no index"),
    ],
)
def test_what_cannot_be_played_is_one_message(content: bytes, message: str) -> None:
    with pytest.raises(FictionError) as raised:
        parse_story(content, "x.z5")
    assert str(raised.value).startswith("x.z5: ")
    assert message in str(raised.value)


def test_a_missing_file_and_a_folder_are_one_message(tmp_path: Path) -> None:
    with pytest.raises(FictionError, match=r"no\.z5: there is no such file; expected a Z-machine story"):
        read_story(tmp_path / "no.z5")
    with pytest.raises(FictionError, match="is a folder; expected a file"):
        read_story(tmp_path)


@given(st.binary(max_size=300), st.integers(0, 12))
def test_no_bytes_are_anything_but_a_story_or_an_error(content: bytes, keep: int) -> None:
    container = blorb((b"ZCOD", TINY))
    for candidate in (content, TINY[:keep] + content, container[: keep * 4] + content):
        with contextlib.suppress(FictionError):
            assert isinstance(parse_story(candidate, "x"), Story)
