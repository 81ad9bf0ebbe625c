"""Choices: random choices that are written down, so that they can be made again with some of them left out or changed.

That is how failures are made smaller without ever leaving their family: what comes of changed choices is drawn by the same rules,
with its truth (MacIver & Donaldson 2020, "Test-case reduction via test-case generation").
"""

from collections.abc import Callable, Sequence

from seqloom.corpus.generators.draw import Draw


class OutOfChoicesError(Exception):
    """More choices were asked for than were written down."""


class Choices(Draw):
    """A Draw that writes down its choices, each a number from 0 up to 1.

    Attributes:
        made: the choices so far.
    """

    __slots__ = ("_source", "made")

    def __init__(self, key: str = "", *, again: Sequence[float] | None = None) -> None:
        """New choices from a key; or, `again`, those that were written down.

        Once these are used up, OutOfChoicesError is raised.
        """
        super().__init__(key)
        self.made: list[float] = []
        self._source = self._random if again is None else _reading(again)
        self._random = self._make

    def _make(self) -> float:
        choice = self._source()
        self.made.append(choice)
        return choice


def _reading(choices: Sequence[float]) -> Callable[[], float]:
    left = iter(choices)

    def read() -> float:
        for choice in left:
            return choice
        raise OutOfChoicesError

    return read
