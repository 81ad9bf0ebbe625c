"""Documents of text files: nothing is lost but separator lines, and long documents are divided."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqloom.corpus import cache, passages, text_files
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.passages import RunningText
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.text_files import BLANK_LINE, TextFiles

LINES = st.lists(st.sampled_from(["a line\n", "b\n", "---\n", "\n", "  \n", " --- \n"]), max_size=30)


def texts_of(*paths: Path, separator: str | None = None, read_pass: ReadPass | None = None) -> list[str]:
    source = TextFiles("texts", tuple(RunningText(InputFile(path)) for path in paths), separator)
    return [text for _, _, _, text in source.rows(read_pass or ReadPass())]


def test_a_file_is_a_document(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(f"{name}\n\n---\nmore")
    assert texts_of(*sorted(tmp_path.iterdir())) == [f"{name}\n\n---\nmore" for name in "abc"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES)
def test_separators_end_documents(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(lines))
    groups: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == "---":
            groups.append([])
        else:
            groups[-1].append(line)
    expected = [text for group in groups if (text := "".join(group)).strip()]
    assert texts_of(path, separator="---") == expected
    blocks = "".join("\n" if not line.strip() else line for line in lines).split("\n\n")
    assert "".join(texts_of(path, separator=BLANK_LINE)) == "".join(line for line in lines if line.strip())
    assert len(texts_of(path, separator=BLANK_LINE)) == sum(bool(block.strip()) for block in blocks)


def test_empty_documents_are_counted_and_the_end_of_a_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\n<|endoftext|>\n<|endoftext|>\ntwo\n<|endoftext|>")
    read_pass = ReadPass()
    assert texts_of(path, separator="<|endoftext|>", read_pass=read_pass) == ["one\n", "two\n"]
    assert read_pass.num_skipped == {"empty documents": 1}
    (tmp_path / "blank.txt").write_text("  \n")
    assert texts_of(tmp_path / "blank.txt", read_pass=read_pass) == []
    assert read_pass.num_skipped == {"empty documents": 2}


def test_long_documents_are_divided_at_empty_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "LONGEST_DOCUMENT", 1000)
    path = tmp_path / "a.txt"
    text = "".join(f"Line {i} of a speech.\n" + "\n" * (i % 5 == 0) for i in range(300))
    path.write_text(text)
    read_pass = ReadPass()
    parts = texts_of(path, read_pass=read_pass)
    assert "".join(parts) == text
    assert all(part.endswith("\n\n") and len(part) < 1200 for part in parts[:-1])
    assert list(read_pass.num_changed.values()) == [1]
    path.write_text("no line ends " * 1000)
    assert "".join(texts_of(path)) == "no line ends " * 1000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, min_size=1, max_size=4))
def test_cuts_lose_nothing_and_are_near_their_shares(tmp_path: Path, files: list[list[str]]) -> None:
    paths = []
    for number, lines in enumerate(files):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_text("".join(lines))
    source = TextFiles("texts", tuple(RunningText(InputFile(path)) for path in paths))
    cuts = source.cut((0.5, 0.75), "error")
    assert len(cuts) == 3
    pieces = [["".join(part.passages(ReadPass())) for part in cut.parts] for cut in cuts]
    text = "".join(map("".join, files))
    assert "".join(map("".join, pieces)) == text
    ends = [len("".join(pieces[0])), len("".join(pieces[0] + pieces[1]))]
    for end, share in zip(ends, (0.5, 0.75), strict=True):
        assert 0 <= end - int(len(text) * share) < 7


def test_cuts_of_large_files_are_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_LEAST_BYTES", 10)
    monkeypatch.setattr(cache, "_SETTLED_SECONDS", -1.0)
    file = InputFile(tmp_path / "a.txt")
    file.path.write_text("A line of text.\n" * 100)
    source = TextFiles("texts", (RunningText(file), RunningText(file)))
    first = source.cut((0.7,), "error"), passages.cut(file, (0.5,), "error", at_lines=True)

    def read(*_: object) -> Iterator[str]:
        raise AssertionError("the file was read again")

    monkeypatch.setattr(text_files, "text_pieces", read)
    monkeypatch.setattr(passages, "text_pieces", read)
    assert (source.cut((0.7,), "error"), passages.cut(file, (0.5,), "error", at_lines=True)) == first


def test_documents_are_counted_without_reading_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n---\ntwo\n---\nthree\n" + b"---\nnot UTF-8: \xff\n")
    source = TextFiles("texts", (RunningText(InputFile(path)),), "---")
    assert source.has_documents(3, "error")
    assert not source.has_documents(4, "skip")
