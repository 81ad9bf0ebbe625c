from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.passages import RunningText, cut
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError


def join(text: RunningText) -> str:
    return "".join(text.passages(ReadPass()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["a", "é", "😀", "\n", "\r\n", " ", "\u2028"]), min_size=1, max_size=300))
def test_passages_and_cuts_lose_nothing(tmp_path: Path, pieces: list[str]) -> None:
    text = "".join(pieces)
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    expected = text.replace("\r\n", "\n")
    assert join(RunningText(InputFile(path))) == expected
    for at_lines in (True, False):
        parts = cut(InputFile(path), (0.5, 0.75), "error", at_lines=at_lines)
        assert "".join(map(join, parts)) == expected


def test_long_texts_come_in_passages_that_end_at_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(f"Line {i} of a speech.\n" + "\n" * (i % 5 == 0) for i in range(5000)), encoding="utf-8")
    passages = list(RunningText(InputFile(path)).passages(ReadPass()))
    assert len(passages) > 3
    assert all(passage.endswith("\n\n") for passage in passages[:-1])
    assert max(map(len, passages)) < 1 << 16


def test_a_text_without_line_breaks_streams(tmp_path: Path) -> None:
    path = tmp_path / "text8.txt"
    path.write_bytes("wörter ".encode() * 100_000)
    passages = list(RunningText(InputFile(path)).passages(ReadPass()))
    assert len(passages) > 1
    assert "".join(passages) == "wörter " * 100_000


def test_windows_line_ends_across_a_block_border(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * ((1 << 18) - 1) + b"\r\nend\r\n")
    assert join(RunningText(InputFile(path))) == "x" * ((1 << 18) - 1) + "\nend\n"


def test_cuts_at_shares_and_at_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0123456\n" * 100)
    exact = cut(InputFile(path), (0.505,), "error", at_lines=False)
    assert len(join(exact[0])) == 404
    whole = cut(InputFile(path), (0.505,), "error", at_lines=True)
    assert len(join(whole[0])) == 408


def test_invalid_bytes_are_located_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntwo \xff\nthree\n")
    with pytest.raises(CorpusError, match=r"a\.txt:2: byte 5"):
        join(RunningText(InputFile(path)))
    read_pass = ReadPass("skip")
    assert "".join(RunningText(InputFile(path)).passages(read_pass)) == "one\nthree\n"
    assert read_pass.num_skipped.total() == 1


def test_a_bad_line_is_counted_in_the_part_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"A line of text.\n" * 60 + b"a\x00b\n" + b"Another line.\n" * 40)
    corpus = open_corpus(CorpusSettings(data=str(path), on_bad="skip"))
    assert [note for note in corpus.notes if "left out" in note] == [
        f"train: left out 1 line with a zero byte (the first: {path}:61)."
    ]
