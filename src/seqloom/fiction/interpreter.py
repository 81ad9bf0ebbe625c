"""The protocol of interpreters: what a session, a parser network or a report may ask of any game.

A turn is a line of the player and the answer of the game. A parser error, where the game did not understand the line, is told apart
from every outcome of a command that it did understand, such as "It is locked."
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

THING = "<thing>"
"""A slot of a grammar line: a thing in scope."""
THINGS = "<things>"
"""A slot of a grammar line: things in scope, joined by "and", or "all"."""
DIRECTION = "<direction>"
"""A slot of a grammar line: one of `Words.directions`."""
TEXT = "<text>"
"""A slot of a grammar line: any words or number."""


class ParserError(StrEnum):
    """Why the game's parser did not understand a line.

    Of a line with several commands, those before the error were carried out; nothing else has happened to the things of the game.
    """

    UNKNOWN_VERB = "unknown verb"
    UNKNOWN_NOUN = "unknown noun"
    NOT_IN_SCOPE = "not in scope"
    SYNTAX = "syntax"


class Awaiting(StrEnum):
    """What the game reads next."""

    COMMAND = "command"
    CLARIFICATION = "clarification"
    """The rest of a command, as after "Which do you mean?"; a new command is accepted too."""
    YES_OR_NO = "yes or no"
    """Yes or no, or another answer to a question of the game, such as RESTART or QUIT after the end."""
    KEY = "key"
    """One key. `step` takes its character; an empty line is the Enter key."""
    NOTHING = "nothing"
    """The game has ended. Only `reset` and `restore` are possible."""


@dataclass(frozen=True)
class Turn:
    """The answer of the game to one line.

    Attributes:
        text: what the game printed, without its prompt.
        awaiting: what it reads next.
        error: why the parser did not understand the line; None if it did.
        word: the word that the error is about, as the player typed it; empty if the game names none.
    """

    text: str
    awaiting: Awaiting = Awaiting.COMMAND
    error: ParserError | None = None
    word: str = ""


@dataclass(frozen=True)
class GrammarLine:
    """One form of command: `verbs` are synonyms for its first word, `pattern` is what follows.

    Attributes:
        pattern: slots (`THING`, `THINGS`, `DIRECTION`, `TEXT`) and prepositions. Prepositions with the same meaning stand together,
            separated by `/`: `("<thing>", "on/onto", "<thing>")`.
    """

    verbs: tuple[str, ...]
    pattern: tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """The vocabulary of a game.

    Attributes:
        grammar: all forms of command. A game without a grammar table gives a line for each form that its documents describe.
        nouns: words that name things, anywhere in the game; adjectives too where the game does not tell them apart.
        adjectives: words that only describe things.
        directions: words for directions, which are commands of their own.
        synonyms: groups of nouns that name one and the same thing, and no other.
        num_letters: the number of leading letters of a word that the game reads; None if it reads all of them.
    """

    grammar: tuple[GrammarLine, ...]
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    num_letters: int | None = None
    synonyms: tuple[tuple[str, ...], ...] = ()

    @property
    def verbs(self) -> tuple[str, ...]:
        """The first words of all commands, without directions, in the order of the grammar."""
        return _unique(verb for line in self.grammar for verb in line.verbs)

    @property
    def prepositions(self) -> tuple[str, ...]:
        """All words of patterns that are not slots."""
        return _unique(
            word
            for line in self.grammar
            for element in line.pattern
            if not element.startswith("<")
            for word in element.split("/")
        )


@dataclass(frozen=True)
class SceneObject:
    """A thing that a command may name now.

    Attributes:
        name: how the game shows it, such as `velvet cloak`.
        nouns: the words that name it.
        adjectives: the words that may stand before them.
        held: whether the player carries or wears it.
    """

    name: str
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...] = ()
    held: bool = False


@dataclass(frozen=True)
class Score:
    """The score of a game: points so far, the most that can be had if the game tells, and the turns that it has counted."""

    points: int
    maximum: int | None = None
    turns: int | None = None


class Interpreter(Protocol):
    """A game that runs.

    The same seed and lines give the same turns. All methods may raise `FictionError`: the story or the snapshot is damaged, or the
    interpreter failed or exceeded its time limit. `step` then leaves the game as it was before the line.
    """

    @property
    def title(self) -> str:
        """The name of the game, for the player."""
        ...

    @property
    def awaiting(self) -> Awaiting:
        """What the game reads next."""
        ...

    def reset(self, seed: int = 0) -> Turn:
        """Starts the game anew and returns its opening."""
        ...

    def step(self, line: str) -> Turn:
        """Passes a line of the player to the game and returns its answer."""
        ...

    def snapshot(self) -> bytes:
        """The whole state of the game, its random numbers included."""
        ...

    def restore(self, snapshot: bytes) -> None:
        """Returns to a snapshot that this or another interpreter of the same game made."""
        ...

    def words(self) -> Words:
        """The vocabulary of the game."""
        ...

    def objects_in_scope(self) -> tuple[SceneObject, ...]:
        """The things that a command may name now; where the game does not tell, things that are likely."""
        ...

    def score(self) -> Score | None:
        """The score; None if the game has none, or does not tell."""
        ...

    def close(self) -> None:
        """Ends the interpreter and its processes."""
        ...


@runtime_checkable
class PortableSaves(Protocol):
    """What an interpreter has in addition if its games can be continued in other programs."""

    def export_save(self) -> bytes:
        """The game as other programs read it.

        Raises:
            FictionError: the game cannot be saved now.
        """
        ...

    def import_save(self, content: bytes, source: str) -> Turn:
        """Continues a game that another program saved.

        Args:
            source: where it comes from, for messages.

        Raises:
            FictionError: it is damaged or of another game; the game is as it was before.
        """
        ...


@dataclass(frozen=True)
class Trial:
    """What became of a line that was tried on a snapshot; the game is back in the state before."""

    turn: Turn
    after: bytes = field(repr=False)


def attempt(interpreter: Interpreter, line: str) -> Trial:
    """Passes a line to the game and returns to the state before; `restore(trial.after)` makes it the turn that was played."""
    before = interpreter.snapshot()
    turn = interpreter.step(line)
    after = interpreter.snapshot()
    interpreter.restore(before)
    return Trial(turn, after)


def only_synonyms(names: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """The groups of `Words.synonyms`, from the nouns of each thing: without nouns of several things, and groups of one."""
    things = [_unique(nouns) for nouns in names]
    counts = Counter(noun for nouns in things for noun in nouns)
    groups = [tuple(noun for noun in nouns if counts[noun] == 1) for nouns in things]
    return tuple(group for group in groups if len(group) > 1)


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
