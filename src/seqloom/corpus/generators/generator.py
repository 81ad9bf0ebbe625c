"""Generator: a corpus that is made up from a seed; and Draw: randomness that is the same on every machine.

A seed and a size enter, a Corpus of streaming splits leaves. This module does not know what the generators write.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, TypeVar

from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.errors import CorpusError

T = TypeVar("T")

DEFAULT_SIZE = 40_000
VAL_SIZE = 1_000
TEST_SIZES: Mapping[str, int] = {"test": 1_000, "beyond": 500}

# A proposal is refused for a good reason now and then; a thousand refusals in a row mean that a generator is broken.
_MOST_PROPOSALS = 1_000


class Draw:
    """Random choices that depend on the key alone.

    Python promises that `Random(int).random()` stays the same from version to version; it does not promise that for `choice`,
    `shuffle` and their kin, so these are made here.
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
        """One of the items, each as likely as the others."""
        return items[int(self._random() * len(items))]

    def sample(self, items: Iterable[T], count: int) -> list[T]:
        """So many of the items, none twice, in random order."""
        mixed = list(items)
        for place in range(count):
            other = self.between(place, len(mixed) - 1)
            mixed[place], mixed[other] = mixed[other], mixed[place]
        return mixed[:count]


def bucket(text: str, num_buckets: int) -> int:
    """A number from 0 to `num_buckets - 1` that depends on the text alone: keeps splits apart without remembering them."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % num_buckets


@dataclass(frozen=True)
class Generator:
    """A corpus made up from a seed, with exact truth.

    Item i of the training split depends on (name, version, seed, i) alone, so it can be had without the items before it.
    Evaluation splits repeat no source, not even with other capitals.

    Attributes:
        name: what `--data` calls it.
        description: one sentence for a catalogue.
        version: raised whenever the same seed begins to give other text; part of every fingerprint.
        propose: draws a pair that may stand in the given split, or None where this draw makes none.
        facts: the fields of Corpus that do not depend on seed and size.
        requires: fails with a SeqloomError where an optional library is missing; returns what of it belongs in the fingerprint.
        test_sizes: the test splits and how many pairs each holds, "test" first; `propose` hears their names.
    """

    name: str
    description: str
    version: int
    propose: Callable[[Draw, str], SentencePair | None] = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)
    requires: Callable[[], str] = field(default=lambda: "", repr=False)
    test_sizes: Mapping[str, int] = field(default_factory=lambda: TEST_SIZES, repr=False)

    def open(self, *, seed: int = 0, size: int | None = None) -> Corpus:
        """The corpus of a seed.

        Args:
            seed: any integer; another seed gives other items of the same language, and never a test source of one seed among
                the training sources of another.
            size: training pairs; 40,000 by default. Evaluation splits keep their sizes.

        Raises:
            CorpusError: `size` is below 1, or an optional library is missing.
        """
        size = DEFAULT_SIZE if size is None else size
        if size < 1:
            raise CorpusError(f"{self.name}: a training size of {size} was asked for; expected 1 or more")
        libraries = self.requires()
        sizes = {"train": size, "val": VAL_SIZE, **self.test_sizes}
        splits = {name: self._split(name, seed, count, libraries) for name, count in sizes.items()}
        return Corpus(
            name=self.name,
            kind="pairs",
            train=splits["train"],
            val=splits["val"],
            tests={name: splits[name] for name in self.test_sizes},
            synthetic=True,
            licence="CC0-1.0",
            **self.facts,
        )

    def item(self, split: str, seed: int, index: int) -> SentencePair:
        """The pair that one index stands for (in evaluation splits: unless it repeats an earlier one)."""
        draw = Draw(f"{self.name}/{self.version}/{seed}/{split}/{index}")
        for _ in range(_MOST_PROPOSALS):
            pair = self.propose(draw, split)
            if pair is not None:
                return pair
        raise RuntimeError(f"{self.name}: no item for split {split!r} in {_MOST_PROPOSALS} proposals")

    def _split(self, split: str, seed: int, size: int, libraries: str) -> Split:
        facts = f"{self.name}|version {self.version}|seed {seed}|split {split}|size {size}|{libraries}"
        return Split(
            name=split,
            origin=f"generated: {self.name} (seed {seed}, {size:,} pairs)",
            fingerprint=hashlib.sha256(facts.encode()).hexdigest(),
            read=partial(self._read, split, seed, size),
            size=size,
            sample=partial(self._sample, split, seed, size) if split == "train" else None,
        )

    def _sample(self, split: str, seed: int, size: int, count: int) -> Iterator[SentencePair]:
        # Which ones does not matter as long as they are spread: no item depends on its neighbours.
        for number in range(min(size, count)):
            yield self.item(split, seed, number * size // min(size, count))

    def _read(self, split: str, seed: int, size: int) -> Iterator[SentencePair]:
        if split == "train":
            for index in range(size):
                yield self.item(split, seed, index)
            return
        seen: set[str] = set()
        index = 0
        while len(seen) < size:
            pair = self.item(split, seed, index)
            index += 1
            if pair.src.lower() not in seen:
                seen.add(pair.src.lower())
                yield pair
