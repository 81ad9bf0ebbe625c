"""FiniteGenerator: a synthetic corpus with a finite list of items, such as all sentences of a small grammar.

Its splits are complete and published. A `CorpusGenerator` would draw from them with repetition, and some items would be missing.
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

# The training pairs, and the pairs of each test.
Division = tuple[Sequence[SentencePair], Mapping[str, Sequence[SentencePair]]]


@dataclass(frozen=True)
class FiniteGenerator:
    """A synthetic corpus with a finite list of items, with exact truth.

    What is validation and what is test depends on the items alone. The seed gives the order of the training split, and so which
    pairs a smaller one has. Tests stand in an order without meaning, so that the first n are a fair sample.

    Attributes:
        name: what `--data` calls it.
        description: one sentence for a catalogue.
        version: raised whenever the same seed begins to give other text; part of every fingerprint.
        divide: gives all pairs: those to train on, of which validation is taken, and those of each test, "test" first.
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
            size: training pairs; all there are by default. Evaluation splits keep their sizes.

        Raises:
            CorpusError: `size` is below 1, or above what there is.
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
    # By a hash of the pair and its number of earlier copies, so that copies are spread.
    seen: Counter[SentencePair] = Counter()
    hashes = []
    for pair in pairs:
        hashes.append(hashlib.sha256(f"{key}\t{seen[pair]}\t{pair.src}\t{pair.tgt}".encode()).digest())
        seen[pair] += 1
    return [pair for _, pair in sorted(zip(hashes, pairs, strict=True), key=lambda item: item[0])]


def _sample(pairs: Sequence[SentencePair], count: int) -> Iterator[SentencePair]:
    # The order is random, so the first items are a sample.
    return iter(pairs[:count])
