"""Choices: records random choices, so that they can be replayed with some of them removed or changed.

This is how a failing input is made smaller: the family draws a new input from the changed choices, so the new input follows the
family's rules and has its exact truth (MacIver & Donaldson 2020, "Test-case reduction via test-case generation").
"""

from collections.abc import Callable, Sequence

from seqloom.corpus.generators.draw import Draw


class OutOfChoicesError(Exception):
    """A draw needs more choices than were recorded."""


class Choices(Draw):
    """A Draw that records its choices, each a number from 0 to below 1.

    Attributes:
        made: the choices so far, in order.
    """

    __slots__ = ("_source", "made")

    def __init__(self, key: str = "", *, replay: Sequence[float] | None = None) -> None:
        """Makes new choices from a key, or repeats the choices in `replay`; after the last of them, OutOfChoicesError is raised."""
        super().__init__(key)
        self.made: list[float] = []
        self._source = self._random if replay is None else _replayed(replay)
        self._random = self._make

    def _make(self) -> float:
        choice = self._source()
        self.made.append(choice)
        return choice


def _replayed(choices: Sequence[float]) -> Callable[[], float]:
    remaining = iter(choices)

    def next_choice() -> float:
        for choice in remaining:
            return choice
        raise OutOfChoicesError

    return next_choice
