import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from seqloom.corpus.input_file import InputFile, read_head
from seqloom.corpus.lines import text_lines
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError


def lines_of(path: Path) -> list[str | None]:
    return list(text_lines(InputFile(path), ReadPass()))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a\x00b\n", "zero bytes"),
        (b"  <!DOCTYPE html><html>", "web page"),
        (b"a\rb\rc\r", "carriage return"),
        (b"PK\x03\x04rest", "archive"),
    ],
)
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=words):
        read_head(InputFile(path))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        lines_of(tmp_path / "nothing")
    with pytest.raises(CorpusError, match="is a folder"):
        lines_of(tmp_path)


def test_members_of_archives(tmp_path: Path) -> None:
    packed = tmp_path / "a.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        for name, content in (("x/a.de", b"eins\nzwei\n"), ("x/b.en.gz", gzip.compress(b"one\n"))):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    zipped = tmp_path / "a.zip"
    with zipfile.ZipFile(zipped, "w") as archive_:
        archive_.writestr("c.txt", "drei\n")
    assert list(text_lines(InputFile(packed, "x/a.de"), ReadPass())) == ["eins", "zwei"]
    assert list(text_lines(InputFile(packed, "x/b.en.gz"), ReadPass())) == ["one"]
    assert list(text_lines(InputFile(zipped, "c.txt"), ReadPass())) == ["drei"]
    for path in (packed, zipped):
        with pytest.raises(CorpusError, match="holds no member 'nothing'"):
            list(text_lines(InputFile(path, "nothing"), ReadPass()))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xlsx", b"PK\x03\x04", "Excel workbook; save the sheet as CSV"),
        ("a.docx", b"PK\x03\x04", "Word document"),
        ("a", b"%PDF-1.7\n", "PDF"),
        ("a", b"SQLite format 3\x00", "SQLite"),
        ("a.pkl", b"\x80\x04\x95\x00", "pickle"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "picture"),
        ("a.txt", "a\tb\n".encode("utf-16-le") * 20, r"iconv -f utf-16le"),
        ("a.txt", "a\tb\n".encode("utf-32"), "UTF-32"),
    ],
)
def test_binary_files_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=words):
        read_head(InputFile(tmp_path / name))
