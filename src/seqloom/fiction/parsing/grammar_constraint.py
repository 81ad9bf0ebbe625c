"""Restricts the output of a network to commands that the game knows, for things that the text names."""

from collections.abc import Callable, Collection, Sequence
from itertools import permutations

from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.forms import COMMANDS, NO_COMMAND, SEPARATOR, render
from seqloom.fiction.parsing.linking import Name
from seqloom.fiction.parsing.phrase_table import DIRECTIONS

MAX_COMMANDS = 5
_END = -1
_Trie = dict[int, "_Trie"]


def possible_commands(names: Sequence[Name], words: Words) -> list[str]:
    """All canonical commands that a game can be given about the things of a text."""
    possible = [direction for direction in DIRECTIONS if render(direction, names, words)]
    has_form: dict[tuple[str, ...], bool] = {}
    for command in COMMANDS:
        slots = [part for part in ("A", "B") if part in command.split()]
        for numbers in permutations(range(1, len(names) + 1), len(slots)):
            filled = command
            for slot, number in zip(slots, numbers, strict=True):
                filled = " ".join(f"@{number}" if part == slot else part for part in filled.split())
            # Whether a game has a command depends on the kinds of its things only.
            kinds = (command, *(names[number - 1].kind for number in numbers))
            if kinds not in has_form:
                has_form[kinds] = render(filled, names, words) is not None
            if has_form[kinds]:
                possible.append(filled)
    return possible


class CommandGrammar:
    """Which ids may follow the ids of an output: those of possible commands with separators, or of the output for no command."""

    def __init__(self, commands: Collection[str], encode: Callable[[str], Sequence[int]], eos_id: int) -> None:
        """Encodes the commands, as the first of an output and behind another.

        Args:
            encode: the ids of an output, without eos.
        """
        self._eos_id = eos_id
        self._first: _Trie = {}
        self._later: _Trie = {}
        self._none = tuple(encode(NO_COMMAND))
        stem = next(iter(commands), NO_COMMAND)
        num_stem = len(encode(stem))
        for command in commands:
            _add(self._first, encode(command))
            _add(self._later, encode(f"{stem}{SEPARATOR}{command}")[num_stem:])

    def next_ids(self, ids: Sequence[int]) -> set[int]:
        """The ids that may follow."""
        if tuple(ids) == self._none:
            return {self._eos_id}
        allowed = {self._none[len(ids)]} if tuple(ids) == self._none[: len(ids)] else set()
        nodes, num_commands = [(self._first, 1)], 1
        for token in ids:
            following = [(node[token], count) for node, count in nodes if token in node]
            following += [
                (self._later[token], count + 1)
                for node, count in nodes
                if _END in node and token in self._later and count < MAX_COMMANDS
            ]
            nodes = following
        for node, num_commands in nodes:
            allowed |= set(node) - {_END}
            if _END in node:
                allowed.add(self._eos_id)
                if num_commands < MAX_COMMANDS:
                    allowed |= set(self._later)
        return allowed


def _add(trie: _Trie, ids: Sequence[int]) -> None:
    node = trie
    for token in ids:
        node = node.setdefault(int(token), {})
    node[_END] = {}
