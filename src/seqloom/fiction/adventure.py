"""Adventure (Crowther and Woods, 1977) as an interpreter, on Brandon Rhodes's package `adventure`.

The package saves games as pickles, which can run code when they are read. They are neither written nor read here: a snapshot is
the seed and the lines so far, and restoring it repeats them. The states of the latest snapshots are also kept in memory, so that
trying a line on a snapshot repeats nothing.
"""

import importlib.metadata
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import (
    TEXT,
    THING,
    Awaiting,
    GrammarLine,
    ParserError,
    SceneObject,
    Score,
    Turn,
    Words,
    only_synonyms,
)
from seqloom.untrusted import parse_json

if TYPE_CHECKING:
    from adventure.game import Game

MISSING = "adventure: needs the package adventure, which is not installed: pip install 'seqloom[fiction]'"
_MAX_LINES = 1_000_000
# States that are kept in memory, of 0.1 MB each.
_MAX_STATES = 32

_State = list[tuple[Any, Any]]
"""The objects of a game that change, each with its attributes; for the random numbers, their state."""
# The verb that reads the word after it as text.
_SAYING = "say"
_CANNOT_SAVE = "The game does not save itself here. Use the command SAVE of the session."


def version() -> str:
    """The version of the package.

    Raises:
        FictionError: it is not installed.
    """
    try:
        return importlib.metadata.version("adventure")
    except importlib.metadata.PackageNotFoundError:
        raise FictionError(MISSING) from None


class Adventure:
    """The game; see `Interpreter` for its methods."""

    title = "Adventure"

    def __init__(self) -> None:
        """Prepares the game.

        Raises:
            FictionError: the package is not installed.
        """
        version()
        self._seed = 0
        self._lines: list[str] = []
        self._game: Any = None
        self._error: ParserError | None = None
        self._states: OrderedDict[bytes, _State] = OrderedDict()

    @property
    def awaiting(self) -> Awaiting:
        """What the game reads next."""
        if self._game.yesno_callback:
            return Awaiting.CLARIFICATION if self._game.yesno_casual else Awaiting.YES_OR_NO
        return Awaiting.NOTHING if self._game.is_finished else Awaiting.COMMAND

    def reset(self, seed: int = 0) -> Turn:
        """Starts the game."""
        from adventure import load_advent_dat

        self._seed, self._lines = seed, []
        self._states.clear()  # They hold objects of the game before.
        self._game = _watched_game(self._set_error)(seed)
        load_advent_dat(self._game)
        self._game.start()
        return Turn(_text(self._game.output), self.awaiting)

    def step(self, line: str) -> Turn:
        """Passes a line to the game, which reads one or two words."""
        if self.awaiting is Awaiting.NOTHING:
            raise FictionError(f"{self.title}: the game has ended; it reads no more commands")
        words = re.findall(r"[\w'-]+", line.lower())
        if not words:
            return Turn("Please say something.", self.awaiting, ParserError.SYNTAX)
        is_command = not self._game.yesno_callback or self._game.yesno_casual
        self._error = None
        try:
            text = _text(self._game.do_command(words))
        except Exception as problem:
            # An error in the game's own code, on a line that it does not expect; the state may have changed half-way.
            self._repeat(self._seed, self._lines)
            raise FictionError(f"{self.title}: the game failed on this line ({problem!r}); try other words") from None
        self._lines.append(line)
        error = self._error if is_command else None
        return Turn(text, self.awaiting, *self._explained(error, words))

    def snapshot(self) -> bytes:
        """The seed and all lines, as JSON."""
        snapshot = json.dumps({"seed": self._seed, "lines": self._lines}).encode()
        self._states[snapshot] = _capture(self._game)
        self._states.move_to_end(snapshot)
        if len(self._states) > _MAX_STATES:
            self._states.popitem(last=False)
        return snapshot

    def restore(self, snapshot: bytes) -> None:
        """Repeats the lines of a snapshot."""
        try:
            values = parse_json(snapshot.decode())
            seed, lines = values["seed"], values["lines"]
            if type(seed) is not int or not isinstance(lines, list) or len(lines) > _MAX_LINES:
                raise ValueError("no seed and lines")
            if not all(isinstance(line, str) for line in lines):
                raise ValueError("a line is no text")
        except (ValueError, TypeError, KeyError) as problem:
            raise FictionError(f"{self.title}: the snapshot is damaged: {problem}") from None
        if snapshot in self._states:
            _reinstate(self._states[snapshot])
            self._lines = lines
        elif seed == self._seed and lines[: len(self._lines)] == self._lines and self._game is not None:
            for line in lines[len(self._lines) :]:
                self.step(line)
        else:
            self._repeat(seed, lines)

    def words(self) -> Words:
        """The words of the game: verbs with or without a thing, and words that are directions."""
        vocabulary = _whole_words(self._game.vocabulary)
        verbs: dict[str, list[str]] = {}
        for word, entry in vocabulary.items():
            if entry.kind == "verb":
                verbs.setdefault(entry.synonyms[0].text, []).append(word)
        asks = type(self._game).ask_verb_what
        grammar = []
        for name, synonyms in verbs.items():
            if name == _SAYING:
                grammar.append(GrammarLine(tuple(synonyms), (TEXT,)))
                continue
            if getattr(type(self._game), f"i_{name}", asks) is not asks:
                grammar.append(GrammarLine(tuple(synonyms)))
            if hasattr(self._game, f"t_{name}"):
                grammar.append(GrammarLine(tuple(synonyms), (THING,)))
        single = tuple(word for word, entry in vocabulary.items() if entry.kind == "snappy_comeback")
        nouns = {word: entry for word, entry in vocabulary.items() if entry.kind == "noun"}
        names = {entry.synonyms[0].text: [other.text for other in entry.synonyms] for entry in nouns.values()}
        return Words(
            (*grammar, GrammarLine(single)),
            tuple(nouns),
            directions=tuple(word for word, entry in vocabulary.items() if entry.kind == "travel"),
            synonyms=only_synonyms(names.values()),
        )

    def objects_in_scope(self) -> tuple[SceneObject, ...]:
        """What is here or carried, with the liquid of the bottle or of the room."""
        game = self._game
        if not hasattr(game, "loc"):  # The game asks whether it should explain itself, and has not begun.
            return ()
        things = dict.fromkeys([*game.inventory, *game.objects_here])
        liquids = [game.bottle.contents if game.bottle in things else None, game.loc.liquid]
        things |= dict.fromkeys(liquid for liquid in liquids if liquid is not None)
        if any(map(game.is_here, game.dwarves)):
            things[game.dwarf] = None
        return tuple(
            SceneObject(thing.names[0], tuple(dict.fromkeys(thing.names)), held=thing.is_toting) for thing in things
        )

    def score(self) -> Score:
        """What the game's own SCORE says."""
        points, maximum = self._game.compute_score(for_score_command=not self._game.is_finished)
        return Score(points, maximum, self._game.turns)

    def close(self) -> None:
        """Does nothing: there are no processes."""

    def _repeat(self, seed: int, lines: list[str]) -> None:
        self.reset(seed)
        for line in list(lines):
            self.step(line)

    def _set_error(self, error: ParserError) -> None:
        self._error = self._error or error

    def _explained(self, error: ParserError | None, words: list[str]) -> tuple[ParserError | None, str]:
        """The parser error with the word that it is about."""
        if error is None:
            return None, ""
        unknown = [word for word in words if word not in self._game.vocabulary]
        if error is ParserError.SYNTAX and unknown:
            error = ParserError.UNKNOWN_VERB if unknown[0] == words[0] else ParserError.UNKNOWN_NOUN
            return error, unknown[0]
        return error, words[-1]


def _whole_words(vocabulary: dict[Any, Any]) -> dict[str, Any]:
    """The words of a vocabulary, without the first five letters of words that are there in full."""
    words = {word: entry for word, entry in vocabulary.items() if isinstance(word, str)}
    shortened = {word[:5] for word, entry in words.items() if len(word) > 5 and words.get(word[:5]) is entry}
    return {word: entry for word, entry in words.items() if word not in shortened}


def _watched_game(on_error: Callable[[ParserError], None]) -> "type[Game]":
    """The game's class, which also reports parser errors and does not write files."""
    from adventure.game import Game

    class WatchedGame(Game):  # type: ignore[misc]
        def dont_understand(self) -> None:
            on_error(ParserError.SYNTAX)
            super().dont_understand()

        def i_see_no(self, thing: Any) -> None:
            on_error(ParserError.NOT_IN_SCOPE)
            super().i_see_no(thing)

        def ask_verb_what(self, verb: Any, *args: Any) -> None:
            on_error(ParserError.SYNTAX)
            super().ask_verb_what(verb, *args)

        def write(self, more: Any) -> None:
            if str(more).startswith("What do you want to do with the "):
                on_error(ParserError.SYNTAX)
            super().write(more)

        def i_suspend(self, verb: Any) -> None:
            self.write(_CANNOT_SAVE)

        def t_suspend(self, verb: Any, obj: Any) -> None:
            self.write(_CANNOT_SAVE)

    # Verbs that only ask for a thing are the same function under other names.
    for name, value in vars(Game).items():
        if value is Game.ask_verb_what:
            setattr(WatchedGame, name, WatchedGame.ask_verb_what)
    return WatchedGame


def _capture(game: Any) -> _State:
    """The state of a game: the attributes of everything in it that changes, with copies of lists."""
    holders = [game, *game.rooms.values(), *game.object_list, *game.hints.values()]
    if hasattr(game, "dwarves"):  # Before its first answer, the game has none.
        holders += [*game.dwarves, game.pirate]
    return [*((holder, _copied(vars(holder))) for holder in holders), (None, game.random_generator.getstate())]


def _reinstate(state: _State) -> None:
    """Gives the objects of a game the attributes that they had."""
    *holders, (_, random_state) = state
    for holder, attributes in holders:
        holder.__dict__.clear()
        holder.__dict__.update(_copied(attributes))
    holders[0][0].random_generator.setstate(random_state)


def _copied(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in attributes.items()}


def _text(output: str) -> str:
    return output.rstrip("\n")
