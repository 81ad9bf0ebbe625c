"""Memory: a large corpus that has not changed is opened without being read, and is the same; a changed one is read."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import Corpus, CorpusSettings, cache, open_corpus
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.parallel import ParallelFiles
from seqloom.corpus.tables import InputTable
from seqloom.errors import CorpusError


@pytest.fixture(autouse=True)
def _small_files_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache, "_LEAST_BYTES", 1)
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def _unread(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*arguments: Any) -> Iterator[Any]:
        raise AssertionError("the file was read")

    monkeypatch.setattr(InputTable, "records", read)
    monkeypatch.setattr(ParallelFiles, "rows", read)


def write(path: Path, count: int = 300, first: int = 0, settled: bool = True) -> Path:
    words = ["red", "cat", "old", "dog", "sees", "blue", "eats"]
    rows = ([words[(i // 7**k) % 7] for k in range(4)] for i in range(first, first + count))
    path.write_text("".join(f"{' '.join(row)}\t{' '.join(row[::-1])}\n" for row in rows), encoding="utf-8")
    if settled:
        os.utime(path, (time.time() - 60, time.time() - 60))
    return path


def content(corpus: Corpus) -> dict[str, list[tuple[str, str]]]:
    splits = {"train": corpus.train, "val": corpus.val, **corpus.tests}
    return {name: [(pair.src, pair.tgt) for pair in split.pairs()] for name, split in splits.items()}


def facts(corpus: Corpus) -> tuple[Any, ...]:
    splits = (corpus.train, corpus.val, *corpus.tests.values())
    return corpus.name, corpus.notes, [(split.name, split.origin, split.fingerprint, split.size) for split in splits]


@pytest.mark.parametrize("given", [{}, {"val": 40}, {"val": 40, "test": 30}, {"val": 40, "overlap": "keep"}])
def test_what_is_remembered_is_what_was_read(
    given: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    files = {
        name: write(tmp_path / f"{name}.tsv", value, first=50 * value) if isinstance(value, int) else value
        for name, value in given.items()
    }
    settings = CorpusSettings(data=write(tmp_path / "x.tsv", 2401), **files)
    first = open_corpus(settings)
    again = open_corpus(settings)
    assert content(again) == content(first)
    if "overlap" not in given and given:
        assert any("left out" in note for note in again.notes)
    request.getfixturevalue("_unread")
    unread = open_corpus(settings)
    assert facts(unread) == facts(first) == facts(again)
    if not given:
        # What was cut out is kept, so validation does not search the file.
        assert [(pair.src, pair.tgt) for pair in unread.val.pairs()] == content_of_val(first)
    with pytest.raises(AssertionError, match="was read"):
        next(iter(unread.train))


def content_of_val(corpus: Corpus) -> list[tuple[str, str]]:
    return [(pair.src, pair.tgt) for pair in corpus.val.pairs()]


def test_changes_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv")
    first = open_corpus(path)
    before = path.stat()
    text = path.read_text().replace("red cat", "cat red")
    path.write_text(text)
    # Of equal size and with its old time put back; what the system notes of the change cannot be put back.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert open_corpus(path).fingerprint != first.fingerprint
    assert open_corpus(CorpusSettings(data=path, split_seed=1)).fingerprint != open_corpus(path).fingerprint


def test_a_file_that_may_still_change_is_not_remembered(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = write(tmp_path / "x.tsv", settled=False)
    open_corpus(path)
    request.getfixturevalue("_unread")
    with pytest.raises(AssertionError, match="was read"):
        open_corpus(path)


def test_a_damaged_memory_and_one_that_cannot_be_written_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "x.tsv")
    first = open_corpus(path)
    folder = tmp_path / "cache/corpora"
    for file in folder.iterdir():
        file.write_text(file.read_text()[:100])
    assert facts(open_corpus(path)) == facts(first)
    for file in list(folder.iterdir()):
        file.unlink()
    folder.rmdir()
    folder.write_text("")
    assert facts(open_corpus(path)) == facts(first)


def test_small_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_LEAST_BYTES", 1 << 30)
    open_corpus(write(tmp_path / "x.tsv"))
    assert not (tmp_path / "cache").exists()


def test_large_cuts_are_read_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqloom.corpus.assembly._MAX_STORED_CHARS", 50)
    settings = CorpusSettings(data=write(tmp_path / "x.tsv", 2000))
    first = content(open_corpus(settings))
    assert content(open_corpus(settings)) == first
    assert len(first["val"]) == 100
    write(tmp_path / "x.tsv", 0)
    with pytest.raises(CorpusError):
        open_corpus(settings)


@pytest.mark.parametrize("size", [None, 1, 700])
def test_many_rows_apart_are_told_by_their_texts(
    size: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    val = write(tmp_path / "val.tsv", 120, first=900)
    settings = CorpusSettings(data=write(tmp_path / "x.tsv", 2401), val=val, size=size)
    by_number = content(open_corpus(settings))
    monkeypatch.setattr(cache, "_LEAST_BYTES", 1 << 30)
    monkeypatch.setattr("seqloom.corpus.assembly._MAX_STORED_ROWS", 10)
    assert content(open_corpus(settings)) == by_number
    assert len(by_number["train"]) == size or size is None


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("a\tb\n")
    kept = cache.FactsCache([InputFile(path)], "")
    kept.check_unchanged()
    path.write_text("a\tb\nc\td\n")
    with pytest.raises(CorpusError, match=r"x\.tsv: changed while it was read"):
        kept.check_unchanged()
    path.unlink()
    with pytest.raises(CorpusError, match=r"x\.tsv: vanished while it was read"):
        kept.check_unchanged()
