"""Facts about texts for language models: their size, passages that they share with the training text, and new characters."""

from collections import Counter

import numpy as np

from seqloom.config import Settings
from seqloom.corpus.hash_sample import HashSample
from seqloom.corpus.passage_hashes import PassageHasher

# One passage in 64 is used, chosen by its hash, so that it is the same passage in all splits.
_ONE_PASSAGE_IN = 64


class TextFacts(Settings):
    """Facts about the texts of a split.

    Attributes:
        unit: what the items are: "documents", or "passages" of one running text.
        num_characters: the number of characters of all texts.
        num_bytes: the number of bytes of all texts in UTF-8.
        repeated_passages: the share of passages of 50 characters (without punctuation, in lower case) that are also in the
            training text, estimated from one passage in 64; of the training text itself, the share that repeat an earlier passage.
        new_characters: characters that do not occur in the training text, the most frequent first, up to 40 of them.
        num_new_characters: the number of occurrences of characters that are not in the training text.
    """

    unit: str
    num_characters: int
    num_bytes: int
    repeated_passages: float
    new_characters: str
    num_new_characters: int


class TextInspector:
    """Collects facts about the splits of a corpus, one split after another, the training data first.

    Args:
        max_hashes: the largest number of hashes of passages in memory.
    """

    def __init__(self, max_hashes: int) -> None:
        self._trained = HashSample(max_hashes)
        self._alphabet: set[str] = set()
        self._is_training = True
        self._begin()

    def _begin(self) -> None:
        self._hasher = PassageHasher()
        self._num_texts = self._num_characters = self._num_bytes = 0
        self._num_passages = self._num_repeated = 0

    def add(self, text: str) -> None:
        """Adds a text of the current split."""
        self._num_texts += 1
        self._num_characters += len(text)
        self._num_bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        for hashes, _ in self._hasher.add(self._num_texts, text):
            self._count(hashes)

    def _count(self, hashes: np.ndarray) -> None:
        for value in (hashes[hashes % np.uint64(_ONE_PASSAGE_IN) == 0] // np.uint64(_ONE_PASSAGE_IN)).tolist():
            if not self._trained.covers(value):
                continue
            self._num_passages += 1
            self._num_repeated += value in self._trained
            if self._is_training:
                self._trained.add(value)

    def facts(self, unit: str, letters: Counter[str], *, training: bool) -> TextFacts:
        """The facts about the current split. Texts that are added later belong to the next split.

        Args:
            unit: what the items are, as in `TextFacts`.
            letters: how often each character occurs in the split.
            training: whether the split is the training data.
        """
        for hashes, _ in self._hasher.rest():
            self._count(hashes)
        if training:
            self._alphabet = set(letters)
        new = [(char, count) for char, count in letters.most_common() if char not in self._alphabet]
        facts = TextFacts(
            unit=unit,
            num_characters=self._num_characters,
            num_bytes=self._num_bytes,
            repeated_passages=round(self._num_repeated / self._num_passages, 4) if self._num_passages else 0.0,
            new_characters="".join(char for char, _ in new if char.isprintable())[:40],
            num_new_characters=sum(count for _, count in new),
        )
        self._is_training = False
        self._begin()
        return facts
