"""The games that `seqloom play` opens, by name or by file."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import Interpreter

DEFAULT = "cloak"


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


NAMED: dict[str, Callable[[], Game]] = {"cloak": _cloak, "adventure": _adventure}


def find_game(name: str) -> Game:
    """The game of a name.

    Raises:
        FictionError: there is no such game.
    """
    if name.lower() in NAMED:
        return NAMED[name.lower()]()
    close = difflib.get_close_matches(name.lower(), NAMED, n=1)
    hint = f"did you mean {close[0]}?" if close else f"the games are {', '.join(NAMED)}"
    raise FictionError(f"there is no game {name!r}; {hint}")
