import functools
import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqloom.corpus.catalogue import FileEntry, catalogue
from seqloom.corpus.download import download_folder, locate
from seqloom.corpus.open import fetch
from seqloom.errors import CorpusError

CONTENT = b"eins\nzwei\n" * 5000
SHA = hashlib.sha256(CONTENT).hexdigest()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.fractions: list[float] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        self.fractions.append(fraction)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a mirror that serves the folder `served`."""
    monkeypatch.delenv("SEQLOOM_DATA_DIR", raising=False)
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "served" / "set").mkdir(parents=True)
    (tmp_path / "served" / "set" / "a.txt").write_bytes(CONTENT)
    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_download_is_checked_reported_and_kept(server: str, tmp_path: Path) -> None:
    heard = Heard()
    entry = FileEntry(url=f"{server}/set/a.txt", sha256=SHA)
    path = locate("set/a.txt", entry, progress=heard)
    assert path == tmp_path / "cache" / "data" / "set" / "a.txt"
    assert path.read_bytes() == CONTENT
    assert heard.fractions[-1] == 1.0
    (tmp_path / "served" / "set" / "a.txt").unlink()
    assert locate("set/a.txt", entry) == path
    path.write_bytes(b"changed")
    with pytest.raises(CorpusError, match=f"expected {SHA}, got {hashlib.sha256(b'changed').hexdigest()}"):
        locate("set/a.txt", entry)


def test_a_wrong_checksum_leaves_nothing_behind(server: str) -> None:
    wrong = "0" * 64
    with pytest.raises(CorpusError) as caught:
        locate("set/a.txt", FileEntry(url=f"{server}/set/a.txt", sha256=wrong))
    for text in (f"{server}/set/a.txt", f"expected {wrong}", f"got {SHA}", "taken from a copy"):
        assert text in str(caught.value)
    assert not [path for path in download_folder().rglob("*") if path.is_file()]


def test_a_server_that_sends_too_much_is_stopped(server: str, tmp_path: Path) -> None:
    entry = FileEntry(url=f"{server}/set/a.txt", sha256=SHA, bytes=len(CONTENT))
    assert locate("set/a.txt", entry).read_bytes() == CONTENT
    download_folder().joinpath("set", "a.txt").unlink()
    (tmp_path / "served" / "set" / "a.txt").write_bytes(CONTENT * 100)
    with pytest.raises(CorpusError, match=r"a\.txt: sends more than the 50,000 bytes"):
        locate("set/a.txt", entry)
    assert not [path for path in download_folder().rglob("*") if path.is_file()]


def test_an_unknown_checksum_is_said(server: str) -> None:
    heard = Heard()
    locate("set/a.txt", FileEntry(url=f"{server}/set/a.txt"), progress=heard)
    assert "not verified" in heard.said[0]


def test_what_cannot_be_reached(server: str) -> None:
    with pytest.raises(CorpusError, match=r"cannot be downloaded \(404.*--data-dir"):
        locate("set/b.txt", FileEntry(url=f"{server}/set/b.txt"))
    with pytest.raises(CorpusError, match="cannot be downloaded"):
        locate("set/b.txt", FileEntry(url="http://127.0.0.1:9/b.txt"))
    with pytest.raises(CorpusError, match="not published in this form"):
        locate("set/b.txt", FileEntry())


def test_a_mirror_server_replaces_published_addresses(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLOOM_MIRROR_URL", f"{server}/")
    assert locate("set/a.txt", FileEntry(url="http://127.0.0.1:9/x", sha256=SHA)).read_bytes() == CONTENT


def test_a_mirror_folder_may_hold_files_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SEQLOOM_DATA_DIR", str(tmp_path))
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(CONTENT))
    entry = FileEntry(url="http://127.0.0.1:9/a.txt", sha256=SHA)
    assert locate("a.txt", entry) == packed
    packed.write_bytes(gzip.compress(b"other"))
    with pytest.raises(CorpusError, match="another SHA-256"):
        locate("a.txt", entry)
    with pytest.raises(CorpusError, match="does not hold it; unset the mirror"):
        locate("b.txt", entry)
    with pytest.raises(CorpusError, match=r"--data-dir .*nothing: there is no such folder"):
        locate("b.txt", entry, data_dir=str(tmp_path / "nothing"))


def test_a_data_set_by_name_through_the_network(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEQLOOM_DATA_DIR", raising=False)
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path))
    handler = functools.partial(Quiet, directory=str(shared_data))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever).start()
        monkeypatch.setenv("SEQLOOM_MIRROR_URL", f"http://127.0.0.1:{running.server_port}")
        paths = fetch("tatoeba-eng-fra")
        running.shutdown()
    assert [path.relative_to(tmp_path / "data") for path in paths] == list(
        map(Path, catalogue()["tatoeba-eng-fra"].files)
    )
