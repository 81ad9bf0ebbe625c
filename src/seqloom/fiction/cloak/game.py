"""Cloak of Darkness as an interpreter."""

import dataclasses
import json
from typing import Any

from seqloom.errors import FictionError
from seqloom.fiction.cloak import actions
from seqloom.fiction.cloak.grammar import DIRECTIONS, GRAMMAR, META, VERBS
from seqloom.fiction.cloak.parser import (
    ARTICLES,
    ClarificationError,
    Command,
    NotUnderstoodError,
    parse,
    split_commands,
    split_words,
)
from seqloom.fiction.cloak.world import BAR, CARRIED, CLOAKROOM, FOYER, HOOK, THINGS, WORN, State
from seqloom.fiction.interpreter import Awaiting, ParserError, SceneObject, Score, Turn, Words, only_synonyms
from seqloom.untrusted import parse_json

_OPENING = (
    "On a rainy November night you hurry towards the bright lights of the opera house, glad to be inside at last. Strange that "
    "there are no other people about."
)
_MAX_COMMANDS = 20
_NAMES = {word for thing in THINGS.values() for word in (*thing.nouns, *thing.adjectives)}


class Cloak:
    """The game; see `Interpreter` for its methods."""

    title = "Cloak of Darkness"

    def __init__(self) -> None:
        self._state = State()

    @property
    def awaiting(self) -> Awaiting:
        """What the game reads next."""
        if self._state.question:
            return Awaiting.YES_OR_NO
        if self._state.ending:
            return Awaiting.NOTHING
        return Awaiting.CLARIFICATION if self._state.incomplete else Awaiting.COMMAND

    def reset(self, seed: int = 0) -> Turn:
        """Starts the game; nothing in it is random."""
        self._state = State()
        return self._turn(f"{_OPENING}\n\n{actions.describe_room(self._state)}")

    def step(self, line: str) -> Turn:
        """Carries out the commands of a line, up to the first that is not understood."""
        if self._state.ending:
            raise FictionError(f"{self.title}: the game has ended; it reads no more commands")
        if self._state.question:
            return self._answer(line)
        clarified = self._clarified(line)
        commands = [clarified] if clarified is not None else split_commands(line)[:_MAX_COMMANDS]
        texts: list[str] = []
        for words in commands:
            if words[:1] in (["again"], ["g"]) and len(words) == 1:
                words = self._state.command.split()
            try:
                command = parse(words, self._state)
            except NotUnderstoodError as error:
                return self._turn("\n\n".join([*texts, str(error)]), error.reason, error.word)
            except ClarificationError as question:
                self._state.candidates = question.candidates
                self._state.incomplete = [" ".join(question.before), " ".join(question.after)]
                return self._turn("\n\n".join([*texts, str(question)]))
            texts.append(self._carry_out(command))
            self._state.command = " ".join(words)
            if self.awaiting is not Awaiting.COMMAND:
                break
        return self._turn("\n\n".join(texts))

    def snapshot(self) -> bytes:
        """The state as JSON."""
        return json.dumps(dataclasses.asdict(self._state)).encode()

    def restore(self, snapshot: bytes) -> None:
        """Returns to a snapshot."""
        try:
            values = parse_json(snapshot.decode())
            self._state = _check(values)
        except (ValueError, TypeError) as error:
            raise FictionError(f"{self.title}: the snapshot is damaged: {error}") from None

    def words(self) -> Words:
        """All words of the game."""
        nouns = dict.fromkeys(word for thing in THINGS.values() for word in thing.nouns)
        adjectives = dict.fromkeys(word for thing in THINGS.values() for word in thing.adjectives)
        synonyms = only_synonyms(thing.nouns for thing in THINGS.values())
        return Words(GRAMMAR, tuple(nouns), tuple(adjectives), tuple(DIRECTIONS), synonyms=synonyms)

    def objects_in_scope(self) -> tuple[SceneObject, ...]:
        """What commands may name now."""
        return tuple(
            SceneObject(thing.name, thing.nouns, thing.adjectives, thing.key == "cloak" and self._state.has_cloak)
            for thing in self._state.in_scope()
        )

    def score(self) -> Score:
        """Points of 2, and turns."""
        return Score(self._state.points, 2, self._state.turns)

    def close(self) -> None:
        """Does nothing: there are no processes."""

    def _turn(self, text: str, error: ParserError | None = None, word: str = "") -> Turn:
        return Turn(text, self.awaiting, error, word)

    def _carry_out(self, command: Command) -> str:
        state = self._state
        match command.action:
            case "score":
                return (
                    f"You have {state.points} of 2 points, after {state.turns} turn{'' if state.turns == 1 else 's'}."
                )
            case "quit" | "restart":
                state.question = command.action
                return f"Do you really want to {command.action}?"
            case action if action in META:
                return actions.carry_out(command, State())
        state.turns += 1
        text = actions.carry_out(command, state)
        if state.ending:
            text += f"\n\nYou have {state.points} of 2 points, after {state.turns} turns."
        return text

    def _answer(self, line: str) -> Turn:
        answer = (split_words(line) or [""])[0]
        if answer not in ("y", "yes", "n", "no"):
            return self._turn("Please answer yes or no.")
        question, self._state.question = self._state.question, ""
        if answer in ("n", "no"):
            return self._turn("You play on.")
        if question == "restart":
            return self.reset()
        self._state.ending = "quit"
        return self._turn("The game ends here.")

    def _clarified(self, line: str) -> list[str] | None:
        """The whole command, if the game asked for a part of it and the line is that part."""
        state, words = self._state, split_words(line)
        if not state.incomplete:
            return None
        before, after = (part.split() for part in state.incomplete)
        candidates, state.candidates, state.incomplete = state.candidates, [], []
        if not words or (words[0] in VERBS and words[0] not in _NAMES):
            return None
        if not candidates:
            return None if len(words) == 1 and words[0] in DIRECTIONS else [*before, *words, *after]
        named = set(words) - ARTICLES
        things = [THINGS[key] for key in candidates]
        meant = [thing for thing in things if named <= {*thing.nouns, *thing.adjectives}]
        return [*before, *meant[0].adjectives[:1], meant[0].nouns[0], *after] if len(meant) == 1 else None


def _check(values: Any) -> State:
    """The state in a snapshot.

    Raises:
        ValueError: it holds something that the game never writes.
    """
    if not isinstance(values, dict) or set(values) != {field.name for field in dataclasses.fields(State)}:
        raise ValueError("it holds other fields than the game writes")
    state = State(**values)
    allowed: dict[str, object] = {
        "location": (FOYER, CLOAKROOM, BAR),
        "cloak": (WORN, CARRIED, HOOK, CLOAKROOM),
        "points": (0, 1, 2),
        "hung": (False, True),
        "ending": ("", "won", "lost", "quit"),
        "question": ("", "quit", "restart"),
        "last": ("", *THINGS),
    }
    for name, options in allowed.items():
        if values[name] not in options:  # type: ignore[operator]
            raise ValueError(f"{name} is {str(values[name])[:40]!r}")
    for name in ("disturbed", "turns"):
        if type(values[name]) is not int or values[name] < 0:
            raise ValueError(f"{name} is {str(values[name])[:40]!r}")
    if not isinstance(state.command, str) or not isinstance(state.candidates, list):
        raise ValueError("a field has a wrong type")
    if any(key not in THINGS for key in state.candidates) or not all(
        isinstance(part, str) for part in state.incomplete
    ):
        raise ValueError("a question about nothing")
    if len(state.incomplete) not in (0, 2):
        raise ValueError("half a question")
    return state
