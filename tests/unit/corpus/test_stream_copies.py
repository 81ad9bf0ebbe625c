import gzip
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.stream_copies import regular_file
from seqloom.errors import ConfigError, CorpusError

LINES = b"".join(b"Wort %d\tword %d\n" % (i, i) for i in range(40))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pipe(path: Path, content: bytes) -> threading.Thread:
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    return writer


@pytest.mark.parametrize("content", [LINES, gzip.compress(LINES)])
def test_a_pipe_is_read_once_and_kept(tmp_path: Path, content: bytes) -> None:
    writer = pipe(tmp_path / "pipe", content)
    settings = CorpusSettings(data=str(tmp_path / "pipe"))
    located = settings.located()
    writer.join()
    corpus = open_corpus(settings)
    assert sum(len(list(split.pairs())) for split in (corpus.train, corpus.val, corpus.tests["test"])) == 40
    assert open_corpus(located).fingerprint == corpus.fingerprint
    assert located.data is not None
    assert Path(located.data).is_relative_to(tmp_path / "cache")


def test_old_copies_are_deleted_when_the_next_one_is_made(tmp_path: Path, cache: Path) -> None:
    folder = cache / "streams"
    folder.mkdir(parents=True)
    days = {"pipe-0123": 31, "stdin-4567.gz": 31, "pipe-89ab": 29, "partial-x": 2, "partial-y": 0, "other": 99}
    for name, age in days.items():
        (folder / name).write_bytes(b"x")
        then = time.time() - age * 86_400
        os.utime(folder / name, (then, then))
    # One that was read since is in use.
    (folder / "pipe-read").write_bytes(b"x")
    os.utime(folder / "pipe-read", (time.time(), time.time() - 99 * 86_400))
    writer = pipe(tmp_path / "pipe", LINES)
    copy = regular_file(tmp_path / "pipe")
    writer.join()
    assert {path.name for path in folder.iterdir()} == {copy.name, "pipe-89ab", "partial-y", "other", "pipe-read"}


def test_process_substitution(tmp_path: Path) -> None:
    del tmp_path
    read, write = os.pipe()
    os.write(write, LINES)
    os.close(write)
    try:
        assert regular_file(f"/dev/fd/{read}").read_bytes() == LINES
        assert regular_file(f"/dev/fd/{read}").read_bytes() == LINES
    finally:
        os.close(read)


def test_macos_reopens_a_descriptor_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.tsv").write_bytes(LINES)
    with (tmp_path / "in.tsv").open("rb") as stream:
        name = f"/dev/fd/{stream.fileno()}"
        if sys.platform == "linux":
            assert regular_file(name) == Path(name)
        monkeypatch.setattr(sys, "platform", "darwin")
        kept = regular_file(name)
    assert kept.is_relative_to(tmp_path / "cache")
    assert kept.read_bytes() == LINES


def test_windows_numbers_no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(CorpusError, match="is a terminal or a device"):
        regular_file(os.devnull)


def test_what_cannot_be_kept_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="/dev/null: is empty"):
        open_corpus(CorpusSettings(data="/dev/null"))
    with pytest.raises(CorpusError, match="is a terminal or a device"):
        open_corpus(CorpusSettings(data="/dev/zero"))
    writer = pipe(tmp_path / "empty", b"")
    with pytest.raises(CorpusError, match="empty: is empty"):
        open_corpus(CorpusSettings(data=str(tmp_path / "empty")))
    writer.join()


def test_regular_files_and_names_stay_as_they_are(tmp_path: Path) -> None:
    assert regular_file("multi30k") == Path("multi30k")
    assert regular_file(tmp_path) == tmp_path


def test_standard_input_serves_one_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.tsv").write_bytes(LINES)
    with (tmp_path / "in.tsv").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(ConfigError, match="data and val are both standard input"):
            open_corpus(CorpusSettings(data="-", val="-"))


@pytest.mark.parametrize(
    ("name", "words"), [("x" * 300, "cannot be opened|File name too long"), ("dangling", "is a link to .*no file")]
)
def test_paths_that_cannot_be_opened(tmp_path: Path, name: str, words: str) -> None:
    if name == "dangling":
        (tmp_path / name).symlink_to(tmp_path / "nothing")
    with pytest.raises(CorpusError, match=words):
        open_corpus(CorpusSettings(data=str(tmp_path / name)))
    with pytest.raises(CorpusError, match=words):
        open_corpus(CorpusSettings(src=str(tmp_path / name), tgt=str(tmp_path / "y")))
