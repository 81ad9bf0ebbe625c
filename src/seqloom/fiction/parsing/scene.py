"""A scene: what a player may mean at a moment of a game: words, things in scope, and ways that the room's text tells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from seqloom.errors import FictionError
from seqloom.fiction.games import find_game
from seqloom.fiction.interpreter import Interpreter, SceneObject, Words, attempt
from seqloom.fiction.parsing.phrase_table import DIRECTION_OF
from seqloom.fiction.parsing.word_sets import word_set
from seqloom.progress import Progress

_HELD = re.compile(r"^\s*(?:you are (?:carrying|holding|wearing)|you have|.* contains)", re.IGNORECASE)
# Words of descriptions of rooms that do not tell ways apart.
_COMMON = word_set(
    "the a an of to in on at is are here there you your it its this that these those and or with by from into "
    "through as which where some very can see stand standing leads lead leading goes go one two only large small "
    "room side way be has have end continues runs out up down back for not no all another other above below left right"
)


@dataclass(frozen=True)
class Scene:
    """What commands may name at a moment of a game.

    Attributes:
        words: the vocabulary of the game.
        things: the things in scope.
        ways: words of the room's text that belong to one direction only, such as `crack` -> `south`.
    """

    words: Words
    things: tuple[SceneObject, ...] = ()
    ways: dict[str, str] = field(default_factory=dict)


def scene_of(interpreter: Interpreter) -> Scene:
    """The scene of a game that runs; the room's text is what the game answers to LOOK, on a snapshot."""
    text = attempt(interpreter, "look").turn.text
    return Scene(interpreter.words(), interpreter.objects_in_scope(), ways(text))


def game_words(
    names: Sequence[str], *, data_dir: str | None = None, progress: Progress | None = None
) -> dict[str, Words]:
    """The words of games, by their names.

    Raises:
        FictionError: a game does not exist or cannot be opened, or it tells no words.
    """
    words = {}
    for name in names:
        interpreter = find_game(name, data_dir=data_dir, progress=progress).open()
        try:
            interpreter.reset()
            words[name] = interpreter.words()
        finally:
            interpreter.close()
        if not words[name].nouns:
            raise FictionError(f"{name}: the game tells no nouns, so there is nothing to make phrasings from")
    return words


def scene_from_texts(words: Words, room_text: str, inventory: str) -> Scene:
    """The scene that the texts of a room and of an inventory show: words of the game that stand together are a thing."""
    things: dict[tuple[str, tuple[str, ...]], SceneObject] = {}
    for text, held in ((inventory, True), (room_text, False)):
        for line in text.splitlines():
            if held and _HELD.match(line):
                continue
            for thing in _things(words, line, held=held):
                things.setdefault((thing.nouns[0], thing.adjectives), thing)
    return Scene(words, tuple(things.values()), ways(room_text))


def _things(words: Words, line: str, *, held: bool) -> list[SceneObject]:
    nouns, adjectives = _cut_all(words.nouns, words), _cut_all(words.adjectives, words)
    tokens = re.findall(r"[a-z][a-z'-]*|[^a-z\s]", line.lower())
    things, group = [], list[str]()
    for token in [*tokens, "."]:
        cut = _cut(token, words)
        if cut in nouns or cut in adjectives:
            group.append(token)
            continue
        while group and _cut(group[-1], words) not in nouns:
            group.pop()
        if group:
            things.append(SceneObject(" ".join(group), (group[-1],), tuple(group[:-1]), held))
        group = []
    return things


def ways(room_text: str) -> dict[str, str]:
    """Words of a room's text that stand with one direction only -> that direction."""
    directions: dict[str, set[str]] = {}
    for clause in re.split(r"[.,;:\n]| and | while | but ", room_text.lower().replace("_", " ")):
        tokens = re.findall(r"[a-z][a-z-]*", clause)
        named = {DIRECTION_OF[token] for token in tokens if token in DIRECTION_OF and token not in ("in", "out")}
        for token in tokens if named else ():
            if len(token) > 3 and token not in _COMMON and token not in DIRECTION_OF:
                directions.setdefault(token, set()).update(named)
    return {token: next(iter(named)) for token, named in directions.items() if len(named) == 1}


def _cut(word: str, words: Words) -> str:
    return word[: words.num_letters]


def _cut_all(listed: tuple[str, ...], words: Words) -> set[str]:
    return {_cut(word, words) for word in listed}
