"""Simple parsers, with which the others are compared: keywords, and the nearest example."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from seqloom.fiction.parsing.clauses import is_marker
from seqloom.fiction.parsing.linking import MarkedText
from seqloom.fiction.parsing.phrase_table import DIRECTION_OF, PHRASES
from seqloom.fiction.parsing.proposals import Candidate
from seqloom.fiction.parsing.scene import Scene


class KeywordParser:
    """The first word that is a verb of the table decides the action, the first things its things."""

    name = "keywords"

    def __init__(self) -> None:
        self._commands: dict[str, str] = {}
        for command, phrases in PHRASES.items():
            for phrase in phrases:
                if phrase.split()[0] not in ("A", "B"):
                    self._commands.setdefault(phrase.split()[0], command)

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """At most one candidate, with one command."""
        markers = list(dict.fromkeys(token for token in text.tokens if is_marker(token)))
        command = next((self._commands[token] for token in text.tokens if token in self._commands), "")
        slots = [part for part in command.split() if part in ("A", "B")]
        if command and len(slots) <= len(markers):
            for slot, marker in zip(slots, markers, strict=False):
                command = " ".join(marker if part == slot else part for part in command.split())
            return [Candidate((command,), 1.0)]
        direction = next((DIRECTION_OF[token] for token in text.tokens if token in DIRECTION_OF), "")
        return [Candidate((direction,), 1.0)] if direction else []


class NearestParser:
    """The commands of the training example that shares most words, markers among them (by the Dice coefficient)."""

    name = "nearest neighbour"

    def __init__(self, examples: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        """Takes marked texts with their commands."""
        self._commands = [commands for _, commands in examples]
        self._sizes: list[int] = []
        self._index: dict[str, list[int]] = {}
        for number, (text, _) in enumerate(examples):
            features = _features(text.split())
            self._sizes.append(len(features))
            for feature in features:
                self._index.setdefault(feature, []).append(number)

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """The commands of the nearest examples; its confidence is the similarity."""
        features = _features(list(text.tokens))
        shared: Counter[int] = Counter()
        for feature in features:
            shared.update(self._index.get(feature, ()))
        if not shared:
            return []
        ranked = sorted(
            shared, key=lambda number: (-2 * shared[number] / (self._sizes[number] + len(features)), number)
        )
        candidates: dict[tuple[str, ...], float] = {}
        for number in ranked[:20]:
            similarity = 2 * shared[number] / (self._sizes[number] + len(features))
            candidates.setdefault(self._commands[number], similarity)
        return [Candidate(commands, similarity) for commands, similarity in list(candidates.items())[:3]]


def _features(tokens: list[str]) -> set[str]:
    return {*tokens, *(f"{first} {second}" for first, second in pairwise(tokens))}
