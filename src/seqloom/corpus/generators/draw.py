"""Random choices that are the same on every machine and in every version of Python."""

import hashlib
from collections.abc import Iterable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Random choices that depend on the key only.

    Python promises that `Random(int).random()` stays the same from version to version; it does not promise that for `choice`,
    `shuffle` and so on, so this class implements them.
    """

    __slots__ = ("_random",)

    def __init__(self, key: str) -> None:
        self._random = Random(int.from_bytes(hashlib.sha256(key.encode()).digest()[:16])).random

    def below(self, limit: int) -> int:
        """An integer from 0 to `limit - 1`."""
        return int(self._random() * limit)

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def choice(self, items: Sequence[T]) -> T:
        """Draws one item; all have the same probability."""
        return items[int(self._random() * len(items))]

    def sample(self, items: Iterable[T], count: int) -> list[T]:
        """Draws `count` items without replacement, in random order."""
        mixed = list(items)
        for index in range(count):
            other = self.between(index, len(mixed) - 1)
            mixed[index], mixed[other] = mixed[other], mixed[index]
        return mixed[:count]


def bucket(text: str, num_buckets: int) -> int:
    """A number from 0 to `num_buckets - 1` that depends on the text only. It assigns items to splits without storing them."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % num_buckets
