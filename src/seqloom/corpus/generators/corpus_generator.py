"""CorpusGenerator: makes a corpus from a seed and a size. Its splits are streams of pairs."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.corpus.generators.draw import Draw
from seqloom.errors import CorpusError

DEFAULT_SIZE = 40_000
VAL_SIZE = 1_000
TEST_SIZES: Mapping[str, int] = {"test": 1_000, "beyond": 500}

# Some proposals do not belong to the split. If a thousand in sequence do not, the generator has an error.
_MOST_PROPOSALS = 1_000


@dataclass(frozen=True)
class CorpusGenerator:
    """A synthetic corpus that is made from a seed. Its targets are right.

    Item i of the training split depends on (name, version, seed, i) only, so it can be made without the items before it.
    No source occurs twice in an evaluation split, also with another case.

    Attributes:
        name: its name for `--data`.
        description: one sentence for a catalogue.
        version: increased when the same seed gives other text; part of every fingerprint.
        propose: draws a pair for a split, by the split's name; None if this draw gives no pair that belongs to the split.
        facts: the fields of Corpus that do not depend on seed and size.
        requires: checks that the optional library is installed (raises a SeqloomError if not), and returns its name and version,
            which are part of the fingerprints; "" without a library.
        test_sizes: the number of pairs of each test split, "test" first.
    """

    name: str
    description: str
    version: int
    propose: Callable[[Draw, str], SentencePair | None] = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)
    requires: Callable[[], str] = field(default=lambda: "", repr=False)
    test_sizes: Mapping[str, int] = field(default_factory=lambda: TEST_SIZES, repr=False)

    def open(self, *, seed: int = 0, size: int | None = None) -> Corpus:
        """Makes the corpus of a seed.

        Args:
            seed: any integer. Another seed gives other items of the same language. No test source of a seed is a training
                source of another seed.
            size: the number of training pairs, 40,000 by default. Evaluation splits have fixed sizes.

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
        """The pair with an index. Evaluation splits leave out pairs that repeat an earlier source."""
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
        # Items at equal distances; each can be made without the others.
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
