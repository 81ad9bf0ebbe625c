"""The games that `seqloom play` opens, by name or by file."""

import difflib
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqloom.corpus.catalogue import FileEntry
from seqloom.errors import FictionError
from seqloom.fiction.interpreter import Interpreter
from seqloom.progress import Progress

_ZORK1 = FileEntry(
    url=(
        "https://raw.githubusercontent.com/historicalsource/zork1/97b7b3d68c075dd9af7da499c3e9690ada3471fd/COMPILED/zork1.z3"
    ),
    sha256="37084966477dff679282de42974b2077156b1bd68fad92a65d4ea94d8eb64d79",
    bytes=86838,
)


@dataclass(frozen=True)
class Game:
    """A game that can be played.

    Attributes:
        key: the name of its folder of saved games.
        fingerprint: names the game and the version of its interpreter; a saved game fits only the same.
        open: starts the interpreter.
    """

    key: str
    fingerprint: str
    open: Callable[[], Interpreter]


def _cloak() -> Game:
    from seqloom.fiction.cloak import Cloak

    return Game("cloak", "cloak 1", Cloak)


def _adventure() -> Game:
    from seqloom.fiction.adventure import Adventure, version

    return Game("adventure", f"adventure {version()}", Adventure)


def _zork1(data_dir: str | None, progress: Progress | None) -> Game:
    from seqloom.corpus.download import locate
    from seqloom.fiction.zmachine.game import version

    version()  # Nothing is downloaded that could not be played.
    return story_game(locate("zork1/zork1.z3", _ZORK1, data_dir=data_dir, progress=progress), "zork1", "Zork I")


def story_game(path: Path, key: str | None = None, title: str | None = None) -> Game:
    """The game in a story file.

    Args:
        key: the name of its folder of saved games; None: from the name of the file.
        title: the name of the game, for the player; None: the name of the file.

    Raises:
        FictionError: the file is no story that can be played, or fernz is not installed.
    """
    from seqloom.fiction.zmachine.game import ZMachine, version
    from seqloom.fiction.zmachine.story import read_story

    story = read_story(path)
    digest = hashlib.sha256(story.data).hexdigest()
    stem = re.sub(r"[^\w-]+", "-", path.stem)[:60]
    return Game(
        key or f"{stem}-{digest[:8]}", f"story {digest}, fernz {version()}", lambda: ZMachine(story, title=title)
    )


NAMED = ("cloak", "adventure", "zork1")
"""The games that have a name."""


def find_game(name: str, *, data_dir: str | None = None, progress: Progress | None = None) -> Game:
    """The game of a name, or in a story file.

    Args:
        data_dir: a folder that holds the files of named games, instead of a download.

    Raises:
        FictionError: there is no such game, its file is no story that can be played, or its package is not installed.
        CorpusError: its file cannot be downloaded, or has another checksum.
    """
    match name.lower():
        case "cloak":
            return _cloak()
        case "adventure":
            return _adventure()
        case "zork1":
            return _zork1(data_dir, progress)
    path = Path(name).expanduser()
    if path.exists() or path.suffix or len(path.parts) > 1:
        return story_game(path)
    close = difflib.get_close_matches(name.lower(), NAMED, n=1)
    hint = f"did you mean {close[0]}?" if close else f"the games are {', '.join(NAMED)}, or name a story file"
    raise FictionError(f"there is no game {name!r}; {hint}")
