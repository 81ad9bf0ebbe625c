"""Measures parsers on phrasings of players.

A line of the data is a JSON object with `writer`, `game`, `text`, `room`, `inventory` and `accepted`: for each part of what the
player means, the commands that do it. A text without a game is no command.
"""

import gzip
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.forms import render_all
from seqloom.fiction.parsing.inflection import forms
from seqloom.fiction.parsing.linking import MarkedText, link
from seqloom.fiction.parsing.phrase_table import EXPLICIT
from seqloom.fiction.parsing.proposals import PhrasingParser
from seqloom.fiction.parsing.scene import Scene, scene_from_texts

OFFERS = 3
"""So many candidates are offered where a parser does not execute."""
LEAST_OFFERED = 0.05
"""Candidates below this confidence are not worth a question."""
_RESAMPLES = 2000
_MAX_LINE = 100_000


@dataclass(frozen=True)
class Phrasing:
    """A line of the data.

    Attributes:
        game: the game that it belongs to; empty for a text that is no command.
        accepted: for each part of what the player means, the commands that do it.
    """

    text: str
    writer: str
    game: str
    accepted: tuple[frozenset[str], ...]
    room_text: str = ""
    inventory: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a parser did with a phrasing: it executed commands, offered some, or said that it did not understand.

    Attributes:
        executed: the commands that it would carry out without asking.
        offered: what it offers instead.
        right: whether what it executed is accepted.
        right_offer: whether what it offers is accepted.
    """

    phrasing: Phrasing
    executed: tuple[str, ...] = ()
    offered: tuple[tuple[str, ...], ...] = ()
    right: bool = False
    right_offer: bool = False


def read_phrasings(path: Path) -> list[Phrasing]:
    """Reads the data, `.jsonl` or `.jsonl.gz`.

    Raises:
        FictionError: a line has another form.
    """
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    phrasings = []
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    phrasings.append(_phrasing(line, f"{path}, line {number}"))
    except (OSError, UnicodeDecodeError, EOFError) as problem:
        raise FictionError(f"{path}: cannot be read as phrasings: {problem}") from None
    if not phrasings:
        raise FictionError(f"{path}: there are no phrasings in it")
    return phrasings


def _phrasing(line: str, source: str) -> Phrasing:
    try:
        values = json.loads(line[:_MAX_LINE])
        text, game, writer = values["text"], values.get("game") or "", values.get("writer") or ""
        accepted = tuple(frozenset(_plain(command) for command in part) for part in values.get("accepted") or ())
        room_text, inventory = values.get("room") or "", values.get("inventory") or ""
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise FictionError(
            f'{source}: expected a JSON object such as {{"text": "grab the lamp", "game": "zork1", "writer": "plain", '
            f'"accepted": [["take lamp"]], "room": "…", "inventory": "…"}} ({problem})'
        ) from None
    if not all(isinstance(value, str) for value in (text, game, writer, room_text, inventory)):
        raise FictionError(f"{source}: text, game, writer, room and inventory must be texts")
    if game and not accepted:
        raise FictionError(f"{source}: a phrasing of a game needs accepted commands")
    return Phrasing(text, writer, game, accepted, room_text, inventory)


def judge(
    parser: PhrasingParser, phrasings: Iterable[Phrasing], words: dict[str, Words], threshold: float
) -> list[Outcome]:
    """What a parser does with each phrasing; a text without a game is read in a scene of all games' words.

    Args:
        words: the vocabulary of each game.
        threshold: the least confidence at which commands are executed.
    """
    merged = merged_words(words.values())
    outcomes = []
    for phrasing in phrasings:
        vocabulary = words[phrasing.game] if phrasing.game else merged
        scene = scene_from_texts(vocabulary, phrasing.room_text, phrasing.inventory)
        outcomes.append(_outcome(parser, phrasing, scene, threshold))
    return outcomes


def _outcome(parser: PhrasingParser, phrasing: Phrasing, scene: Scene, threshold: float) -> Outcome:
    marked = link(phrasing.text, scene)
    proposals: list[tuple[tuple[str, ...], float]] = []
    candidates = parser.parse(marked, scene)
    for candidate in candidates if candidates and candidates[0].commands else ():
        commands = render_all(candidate.commands, marked.names, scene.words)
        if commands is not None and candidate.confidence >= min(LEAST_OFFERED, threshold):
            proposals.append((commands, candidate.confidence))
    if not proposals:
        return Outcome(phrasing)
    commands, confidence = proposals[0]
    if confidence >= threshold and not is_dangerous(commands, marked):
        return Outcome(phrasing, commands, right=is_accepted(commands, phrasing, scene.words))
    offered = tuple(dict.fromkeys(commands for commands, _ in proposals))[:OFFERS]
    right_offer = any(is_accepted(commands, phrasing, scene.words) for commands in offered)
    return Outcome(phrasing, offered=offered, right_offer=right_offer)


def is_dangerous(commands: Sequence[str], text: MarkedText) -> bool:
    """Whether commands need the player's consent: they cannot be taken back in the story, and the text does not say their verb."""
    verbs = {command.split()[0] for command in commands}
    said = set(text.tokens)
    return any(
        not said & {form for word in EXPLICIT.get(verb, ()) for form in forms(word)} for verb in verbs & {*EXPLICIT}
    )


def is_accepted(commands: Sequence[str], phrasing: Phrasing, words: Words) -> bool:
    """Whether commands are accepted in all parts; nouns that name the same thing in the game count as the same noun."""
    first = {noun: group[0] for group in words.synonyms for noun in group}

    def same(command: str) -> str:
        return " ".join(first.get(word, word) for word in _plain(command).split())

    return len(commands) == len(phrasing.accepted) and all(
        same(command) in {same(other) for other in accepted}
        for command, accepted in zip(commands, phrasing.accepted, strict=True)
    )


def _plain(command: str) -> str:
    return " ".join(word for word in command.lower().split() if word not in ("the", "a", "an"))


def merged_words(vocabularies: Iterable[Words]) -> Words:
    """The words of several games together."""
    listed = list(vocabularies)
    return Words(
        tuple(line for words in listed for line in words.grammar),
        tuple(dict.fromkeys(noun for words in listed for noun in words.nouns)),
        tuple(dict.fromkeys(word for words in listed for word in words.adjectives)),
        tuple(dict.fromkeys(word for words in listed for word in words.directions)),
    )


@dataclass(frozen=True)
class Rates:
    """Counts of outcomes: of commands, and of texts that are none."""

    commands: int
    understood: int
    offered: int
    wrong: int
    noncommands: int
    noncommands_executed: int

    @property
    def share(self) -> float:
        """Understood of all commands."""
        return self.understood / self.commands if self.commands else math.nan


def rates(outcomes: Iterable[Outcome]) -> Rates:
    """The counts; `wrong` is what was executed and is not accepted, of commands only."""
    listed = list(outcomes)
    commands = [outcome for outcome in listed if outcome.phrasing.game]
    others = [outcome for outcome in listed if not outcome.phrasing.game]
    return Rates(
        len(commands),
        sum(outcome.right for outcome in commands),
        sum(outcome.right_offer for outcome in commands),
        sum(bool(outcome.executed) and not outcome.right for outcome in commands),
        len(others),
        sum(bool(outcome.executed) for outcome in others),
    )


def paired_interval(ours: Sequence[Outcome], theirs: Sequence[Outcome], seed: int = 0) -> tuple[float, float, float]:
    """The difference of the understood shares, with its 95% interval: a paired bootstrap over situations.

    The phrasings of one situation (the same game, room and accepted commands) are resampled together, since they are alike.
    """
    groups: dict[tuple[str, str, tuple[frozenset[str], ...]], list[int]] = {}
    for mine, other in zip(ours, theirs, strict=True):
        if mine.phrasing.game:
            key = (mine.phrasing.game, mine.phrasing.room_text, mine.phrasing.accepted)
            groups.setdefault(key, []).append(int(mine.right) - int(other.right))
    sums = np.array([sum(group) for group in groups.values()], dtype=float)
    sizes = np.array([len(group) for group in groups.values()], dtype=float)
    if not len(sums):
        return math.nan, math.nan, math.nan
    draws = np.random.default_rng(seed).integers(0, len(sums), size=(_RESAMPLES, len(sums)))
    resampled = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(sums.sum() / sizes.sum()), float(low), float(high)
