"""Folders of texts: which files are read, and that all others are named."""

import gzip
import os
import sys
from pathlib import Path

import pytest

from seqloom.corpus.text_folder import read_folder
from seqloom.errors import CorpusError


def test_files_are_read_in_the_order_of_their_paths_and_others_are_named(tmp_path: Path) -> None:
    for name in ("b.txt", "a/2.md", "a/1", "c/d/e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("A text.\n")
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(b"A text.\n"))
    (tmp_path / "records.jsonl").write_text('{"text": "a"}\n')
    for number in range(7):
        (tmp_path / f"p{number}.png").write_bytes(b"\x89PNG\x00")
    (tmp_path / "q.tgz").write_bytes(gzip.compress(b"abc"))
    (tmp_path / "page.html").write_text("<!doctype html><p>hello")
    (tmp_path / ".git").mkdir()
    (tmp_path / "empty.txt").touch()
    folder = read_folder(tmp_path)
    names = [file.path.relative_to(tmp_path).as_posix() for file in folder.texts]
    assert names == ["a/1", "a/2.md", "b.txt", "c/d/e.txt", "d.txt.gz"]
    assert [file.name for file in folder.tables] == ["records.jsonl"]
    assert sorted(note.partition(": ")[2] for note in folder.notes()) == [
        "left out 1 empty file (empty.txt).",
        "left out 1 hidden file or folder (.git).",
        "left out 9 files that are not text (p0.png, p1.png, p2.png, p3.png, p4.png and 4 more).",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_to_folders_are_not_followed_and_links_to_files_are(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "a.txt").write_text("A text.\n")
    (tmp_path / "texts" / "b.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "texts" / "circle").symlink_to(tmp_path / "texts")
    (tmp_path / "texts" / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "texts" / "pipe")
    folder = read_folder(tmp_path / "texts")
    assert [file.name for file in folder.texts] == ["b.txt"]
    assert [note.partition(": left out ")[2] for note in folder.notes()] == [
        "1 link to a folder (circle).",
        "1 link without a file (gone).",
        "1 pipe or device (pipe).",
    ]


def test_a_folder_without_text_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="this folder is empty; expected files of plain text, JSON lines or Parquet"):
        read_folder(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\x00")
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY\x00")
    with pytest.raises(CorpusError, match=r"holds no text: 2 files that are not text \(a.png, b.npy\); expected files"):
        read_folder(tmp_path)
