"""A game with its history: a tree of turns, with undo without limit and exact replay from sparse snapshots.

Each node of the tree is a turn. Node 0 is the opening. Undo moves to the parent of a node and keeps the node, so that no turn is
lost. A node is reached by restoring the nearest snapshot above it and repeating the lines below that; the answers are compared with
those of the first time, so that a game that answers differently is noticed.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import Interpreter, Turn

MAX_REPLAYED_TURNS = 100
"""At most so many turns are repeated to reach a node."""
_MAX_REPLAYED_SECONDS = 0.05


@dataclass(frozen=True)
class Node:
    """A turn of the history.

    Attributes:
        parent: the index of the turn before; -1 for the opening.
        line: what the game was given.
        answer: a digest of what it printed.
        typed: what the player typed, if that was another line.
        understood: whether the game's parser understood the line; undo passes over turns that it did not understand.
        follows: whether the turn belongs to the same line of the player as the turn before; undo takes both back.
        text: what the game printed, for a turn that cannot be repeated, since it brought a saved game of another program.
    """

    parent: int
    line: str
    answer: str
    typed: str = ""
    understood: bool = True
    follows: bool = False
    text: str = ""


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that stand for an answer of a game."""
    return hashlib.sha256(text.encode("utf-8", errors="backslashreplace")).hexdigest()[:16]


class Playthrough:
    """A game that is played.

    Attributes:
        nodes: all turns.
        current: the index of the last turn.
        snapshots: the state after some of the turns, by index; always that of the opening.
        turn: the answer of the last turn.
    """

    def __init__(self, interpreter: Interpreter, seed: int = 0) -> None:
        """Starts the game."""
        self.interpreter = interpreter
        self.seed = seed
        self.turn = interpreter.reset(seed)
        self.nodes = [Node(-1, "", digest(self.turn.text))]
        self.snapshots = {0: interpreter.snapshot()}
        self.current = 0
        self._turns = {0: self.turn}
        self._turns_since_snapshot = 0
        self._seconds_since_snapshot = 0.0

    @classmethod
    def resumed(
        cls, interpreter: Interpreter, seed: int, nodes: Sequence[Node], snapshots: Mapping[int, bytes], current: int
    ) -> "Playthrough":
        """Continues a game that was saved.

        Raises:
            FictionError: the game does not answer as it did when it was saved.
        """
        playthrough = cls(interpreter, seed)
        playthrough._check(0, playthrough.turn, nodes[0])
        playthrough.nodes = list(nodes)
        playthrough.snapshots |= {index: state for index, state in snapshots.items() if index}
        playthrough.go_to(current)
        return playthrough

    def play(self, line: str, typed: str = "", *, follows: bool = False) -> Turn:
        """Passes a line to the game and adds the turn to the history.

        Args:
            typed: what the player typed, if that was another line.
            follows: whether the player typed it together with the turn before.

        Raises:
            FictionError: the interpreter failed; the history stays as it was.
        """
        start = time.monotonic()
        turn = self.interpreter.step(line)
        self.nodes.append(Node(self.current, line, digest(turn.text), typed, turn.error is None, follows))
        self.current, self.turn = len(self.nodes) - 1, turn
        self._turns[self.current] = turn
        self._turns_since_snapshot += 1
        self._seconds_since_snapshot += time.monotonic() - start
        if self._turns_since_snapshot >= MAX_REPLAYED_TURNS or self._seconds_since_snapshot >= _MAX_REPLAYED_SECONDS:
            self.snapshots[self.current] = self.interpreter.snapshot()
            self._turns_since_snapshot, self._seconds_since_snapshot = 0, 0.0
        return turn

    def adopt(self, turn: Turn, line: str) -> None:
        """Adds a turn that happened outside of `play`, since the interpreter was brought to another state."""
        self.nodes.append(Node(self.current, line, digest(turn.text), text=turn.text))
        self.current, self.turn = len(self.nodes) - 1, turn
        self.snapshots[self.current] = self.interpreter.snapshot()
        self._turns_since_snapshot, self._seconds_since_snapshot = 0, 0.0

    def retract(self) -> None:
        """Removes the turn that was just played, as if it had never been."""
        index = self.current
        assert index == len(self.nodes) - 1
        self.go_to(self.nodes[index].parent)
        self.nodes.pop()
        self._turns.pop(index)
        self.snapshots.pop(index, None)

    def undo(self) -> str | None:
        """Takes back the last line that the game understood, with those after it; returns it, or None at the opening."""
        undone = self._understood(self.current)
        while self.nodes[undone].follows:
            undone = self.nodes[undone].parent
        if not undone:
            return None
        self.go_to(self._understood(self.nodes[undone].parent))
        return self.nodes[undone].typed or self.nodes[undone].line

    def redo(self) -> bool:
        """Moves to the latest turn that was played after this one and undone; False if there is none."""
        current = self._understood(self.current)
        for index in range(len(self.nodes) - 1, current, -1):
            if self.nodes[index].understood and self._understood(self.nodes[index].parent) == current:
                while (
                    index + 1 < len(self.nodes)
                    and self.nodes[index + 1].follows
                    and self.nodes[index + 1].parent == index
                ):
                    index += 1
                self.go_to(index)
                return True
        return False

    def go_to(self, node: int) -> None:
        """Moves to a turn.

        Raises:
            FictionError: the game answers differently than it did when the turn was played.
        """
        path = self.path(node)
        # A turn whose text is not in memory, since it was loaded, is repeated even if there is a snapshot after it.
        known = node in self._turns or bool(self.nodes[node].text)
        starts = path if known else path[:-1]
        start = max(position for position, index in enumerate(starts) if index in self.snapshots)
        self.interpreter.restore(self.snapshots[path[start]])
        for position, index in enumerate(path[start + 1 :], start + 1):
            if self.nodes[index].text:
                raise FictionError(f"{self.interpreter.title}: the snapshot after turn {position} is missing")
            turn = self.interpreter.step(self.nodes[index].line)
            self._check(position, turn, self.nodes[index])
            self._turns[index] = turn
        turn = self._turns.get(node) or Turn(self.nodes[node].text, self.interpreter.awaiting)
        self.current, self.turn = node, turn
        self._turns_since_snapshot, self._seconds_since_snapshot = len(path) - 1 - start, 0.0

    def path(self, node: int) -> list[int]:
        """The indexes of the turns from the opening to `node`."""
        path = []
        while node >= 0:
            path.append(node)
            node = self.nodes[node].parent
        return path[::-1]

    def lines(self) -> Iterator[str]:
        """The lines from the opening to the current turn."""
        return (self.nodes[index].line for index in self.path(self.current)[1:])

    def num_turns(self) -> int:
        """How many lines the game has understood between the opening and now."""
        return sum(self.nodes[index].understood for index in self.path(self.current)[1:])

    def _understood(self, node: int) -> int:
        """The last turn up to `node` whose line the game understood."""
        while node and not self.nodes[node].understood:
            node = self.nodes[node].parent
        return node

    def _check(self, number: int, turn: Turn, node: Node) -> None:
        if digest(turn.text) != node.answer:
            what = f"turn {number} ({node.line!r})" if number else "the opening"
            raise FictionError(
                f"{self.interpreter.title}: {what} has another answer than when it was played; use the version of the game and "
                "of its interpreter with which it was played"
            )
