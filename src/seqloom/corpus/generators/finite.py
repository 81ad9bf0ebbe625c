"""FiniteGenerator: a synthetic corpus with a finite list of items, such as all sentences of a small grammar.

Its splits hold every item. A `CorpusGenerator` would repeat some items, and others would be missing.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.corpus.generators.corpus_generator import VAL_SIZE
from seqloom.errors import CorpusError

Division = tuple[Sequence[SentencePair], Mapping[str, Sequence[SentencePair]]]
"""The training pairs, and the pairs of each test split."""


@dataclass(frozen=True)
class FiniteGenerator:
    """A synthetic corpus with a finite list of items. Its targets are right.

    Validation and test splits depend on the items alone. The seed decides the order of the training split, and so the pairs of a
    smaller one. The order of tests is pseudorandom, so that the first n pairs are a fair sample.

    Attributes:
        name: its name for `--data`.
        description: one sentence for a catalogue.
        version: increased when the same seed gives other text; part of every fingerprint.
        divide: returns all pairs: the training pairs, from which the validation split is taken, and those of each test split,
            "test" first.
        facts: the fields of Corpus that do not depend on seed and size.
    """

    name: str
    description: str
    version: int
    divide: Callable[[], Division] = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)

    def open(self, *, seed: int = 0, size: int | None = None) -> Corpus:
        """Makes the corpus of a seed.

        Args:
            seed: any integer.
            size: the number of training pairs, all by default. Evaluation splits have fixed sizes.

        Raises:
            CorpusError: `size` is below 1, or above the number of training pairs.
        """
        trained, tests = self.divide()
        train, val = _hold_out(trained, seed)
        size = len(train) if size is None else size
        if not 1 <= size <= len(train):
            raise CorpusError(
                f"{self.name}: a training size of {size} was asked for; expected 1 to {len(train)}, which are all there are"
            )
        return Corpus(
            name=self.name,
            kind="pairs",
            train=self._split("train", seed, train[:size]),
            val=self._split("val", seed, val),
            tests={name: self._split(name, seed, _ordered(pairs, name)) for name, pairs in tests.items()},
            synthetic=True,
            licence="CC0-1.0",
            **self.facts,
        )

    def _split(self, name: str, seed: int, pairs: Sequence[SentencePair]) -> Split:
        hashed = hashlib.sha256(f"{self.name}|version {self.version}|split {name}".encode())
        for pair in pairs:
            hashed.update(f"\n{pair.src}\t{pair.tgt}".encode())
        return Split(
            name=name,
            origin=f"generated: {self.name} (seed {seed}, {len(pairs):,} pairs)",
            fingerprint=hashed.hexdigest(),
            read=partial(iter, pairs),
            size=len(pairs),
            sample=partial(_sample, pairs) if name == "train" else None,
        )


def _hold_out(trained: Sequence[SentencePair], seed: int) -> tuple[list[SentencePair], list[SentencePair]]:
    # Pairs that training repeats must be learned, so they are not held out.
    counts = Counter(trained)
    val = set(_ordered([pair for pair, count in counts.items() if count == 1], "val")[:VAL_SIZE])
    return _ordered([pair for pair in trained if pair not in val], f"train {seed}"), _ordered(list(val), "val")


def _ordered(pairs: Sequence[SentencePair], key: str) -> list[SentencePair]:
    # Sorted by a hash of the pair and its number of earlier copies, so that copies are spread.
    num_copies: Counter[SentencePair] = Counter()
    hashes = []
    for pair in pairs:
        hashes.append(hashlib.sha256(f"{key}\t{num_copies[pair]}\t{pair.src}\t{pair.tgt}".encode()).digest())
        num_copies[pair] += 1
    return [pair for _, pair in sorted(zip(hashes, pairs, strict=True), key=lambda item: item[0])]


def _sample(pairs: Sequence[SentencePair], count: int) -> Iterator[SentencePair]:
    # The order is random, so the first items are a sample.
    return iter(pairs[:count])
