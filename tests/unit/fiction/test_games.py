"""Names of games."""

import functools
import hashlib
import http.server
import importlib.metadata
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqloom.corpus.catalogue import FileEntry
from seqloom.errors import CorpusError, FictionError
from seqloom.fiction import games
from seqloom.fiction.games import find_game
from tests.unit.fiction.zmachine.tiny_story import tiny_story


def test_games_are_found_by_name() -> None:
    game = find_game("Cloak")
    assert game.open().title == "Cloak of Darkness"


def test_unknown_games_are_one_message() -> None:
    with pytest.raises(FictionError, match=r"there is no game 'cloack'; did you mean cloak\?"):
        find_game("cloack")
    with pytest.raises(
        FictionError, match="there is no game 'x'; the games are cloak, adventure, zork1, or name a story file"
    ):
        find_game("x")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of files that a server of this machine gives in place of the published ones."""
    folder = tmp_path / "mirror"
    (folder / "zork1").mkdir(parents=True)
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("SEQLOOM_MIRROR_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))
        yield folder
        server.shutdown()
        thread.join()


def test_zork_is_downloaded_once_and_checked(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = mirror / "zork1" / "zork1.z3"
    path.write_bytes(tiny_story())
    with pytest.raises(CorpusError, match="has another SHA-256 than the catalogue says: expected 37084966"):
        find_game("zork1")
    digest = hashlib.sha256(tiny_story()).hexdigest()
    monkeypatch.setattr(games, "_ZORK1", FileEntry(url="http://127.0.0.1:9/x", sha256=digest, bytes=len(tiny_story())))
    game = find_game("zork1")
    assert game.key == "zork1"
    assert game.open().title == "Zork I"
    assert digest in game.fingerprint
    path.unlink()
    assert find_game("zork1").fingerprint == game.fingerprint


def test_nothing_is_downloaded_without_its_interpreter(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(FictionError, match=r"pip install 'seqloom\[fiction\]'"):
        find_game("zork1")


def test_zork_of_a_mirror_folder_is_played(shared_data: Path) -> None:
    if not (shared_data / "zork1" / "zork1.z3").is_file():
        pytest.skip("needs zork1/zork1.z3 in the mirror of data sets")
    interpreter = find_game("zork1", data_dir=str(shared_data)).open()
    try:
        assert "West of House" in interpreter.reset().text
        assert interpreter.step("open mailbox").text == "Opening the small mailbox reveals a leaflet."
        assert any(thing.nouns[1] == "leaflet" for thing in interpreter.objects_in_scope() if len(thing.nouns) > 1)
        assert len(interpreter.words().grammar) == 265
    finally:
        interpreter.close()
