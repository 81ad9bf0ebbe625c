"""The contract of what turns a free phrasing into commands of the game, such as a trained network."""

from collections.abc import Sequence
from typing import Protocol

from seqloom.fiction.interpreter import Interpreter


class Proposer(Protocol):
    """Proposes commands for a line that the game's own parser did not understand."""

    def propose(self, line: str, interpreter: Interpreter) -> Sequence[Sequence[str]]:
        """Proposals, the best first; each is the commands that the line stands for, in order.

        The proposer may read `interpreter.words()` and `objects_in_scope()`, but must not change the state of the game.
        """
        ...
