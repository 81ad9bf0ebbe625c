"""The contract of what turns a free phrasing into commands of the game, such as a trained network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from seqloom.fiction.interpreter import Awaiting, Interpreter


@dataclass(frozen=True)
class Proposal:
    """What a line may mean.

    Attributes:
        commands: the commands that it stands for, in order.
        is_sure: whether they are carried out at once; else the player is asked.
    """

    commands: tuple[str, ...]
    is_sure: bool = True


class Proposer(Protocol):
    """Proposes commands for a line that the game's own parser did not understand."""

    def propose(self, line: str, interpreter: Interpreter) -> Sequence[Proposal]:
        """Proposals, the best first.

        The proposer may read `interpreter.words()` and `objects_in_scope()`, and try lines, but must leave the game as it was.
        """
        ...


def are_understood(commands: Sequence[str], interpreter: Interpreter) -> bool:
    """Whether the game's parser understands all commands, tried on a snapshot; their outcomes do not count."""
    before = interpreter.snapshot()
    try:
        for command in commands:
            turn = interpreter.step(command)
            if turn.error is not None:
                return False
            if turn.awaiting is Awaiting.NOTHING:
                break
        return True
    finally:
        interpreter.restore(before)


def question(offers: Sequence[Sequence[str]]) -> str:
    """Asks which of the offers is meant; empty without offers."""
    if not offers:
        return ""
    numbered = [f"{number}: {'. '.join(commands)}" for number, commands in enumerate(offers, start=1)]
    return f"\n\nDid you mean {'; '.join(numbered)}? Type the number, or something else."
