"""N-gram counts as sorted arrays.

Input: sequences of ids; output: one table for each length of context.

An n-gram is a context (the ids before) and the id that follows it. Contexts are numbered by extending them to the left: the number
of a context of m ids is the position of `number of its last m - 1 ids * vocab_size + its first id` in the sorted `contexts` of its
table. So each key fits into 64 bits, whatever the order and the size of the vocabulary. This module handles only numbers: no text,
tensors or models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqloom.data.example import IdArray

Keys = NDArray[np.int64]

# Contexts of at most one id (n-grams of two ids) are never pruned.
_NEVER_PRUNED = 1
# What sorting takes for each id of the text: positions, keys and numbers of contexts, and the buffers of the sort.
_BYTES_PER_ID = 56
# What is kept for each n-gram (key, count), and for each context (key, total).
_BYTES_PER_NGRAM = 12
_BYTES_PER_CONTEXT = 16


@dataclass(frozen=True)
class NgramTable:
    """The n-grams whose contexts have one length.

    Attributes:
        contexts: (num_contexts,), sorted keys: number of the context without its first id * vocab_size + its first id. The table of
            empty contexts has one context and no key.
        ngrams: (num_ngrams,), sorted keys: number of the context * vocab_size + the id that follows it.
        counts: (num_ngrams,), how often an n-gram counts: its occurrences where it cannot be extended to the left, else the
            number of different ids before it (Kneser & Ney 1995).
        totals: (num_contexts,), the sum of the counts of all n-grams of a context, those that were pruned included.
        counts_of_counts: how many n-grams count 1, 2, 3 and 4, before pruning.
    """

    contexts: Keys
    ngrams: Keys
    counts: NDArray[np.int32]
    totals: Keys
    counts_of_counts: tuple[int, int, int, int]


@dataclass(frozen=True)
class SpecialIds:
    """Ids at which contexts end: no context contains bos, and eos can only be the first id of a context."""

    bos: int
    eos: int


def join_sequences(sequences: Sequence[IdArray], special: SpecialIds, *, end: bool) -> IdArray:
    """All sequences in a row.

    Args:
        end: True puts bos before and eos after each sequence; False if the sequences are consecutive parts of one text.
    """
    first, last = np.array([special.bos], dtype=np.int32), np.array([special.eos], dtype=np.int32)
    if not end:
        return np.concatenate([first, *sequences])
    return np.concatenate([first, *(part for ids in sequences for part in (first, ids, last))])


def most_bytes(num_ids: int, vocab_size: int, order: int) -> int:
    """The most memory that counting takes, in bytes: reached where no n-gram repeats."""
    num_ngrams = num_contexts = 0
    for length in range(1, order + 1):
        possible = min(num_ids, vocab_size**length)
        num_ngrams += possible
        num_contexts += possible if length < order else 0
    kept = num_ngrams * _BYTES_PER_NGRAM + num_contexts * _BYTES_PER_CONTEXT
    # Before pruning, counts and occurrences of n-grams are numbers of 64 bits.
    return num_ids * _BYTES_PER_ID + kept + num_ngrams * 16


def count_ngrams(
    ids: IdArray,
    vocab_size: int,
    order: int,
    special: SpecialIds,
    *,
    min_count: int = 1,
    on_progress: Callable[[float], None] = lambda share: None,
) -> list[NgramTable]:
    """Counts the n-grams of joined sequences; the tables of contexts of 0 to `order - 1` ids.

    A context ends at bos, which it does not contain, and at eos, which is its first id: another document is not read.

    Args:
        ids: what `join_sequences` returns.
        min_count: n-grams of three and more ids that occur less often are left out of the tables, after everything was counted.
        on_progress: called with the share of the work that is done, 0 to 1.
    """
    counter = _Counter(ids, vocab_size, special)
    for length in range(1, order):
        counter.extend()
        on_progress(length / (order + 1))
    levels = counter.adjusted()
    on_progress(order / (order + 1))
    tables = _prune(levels, counter.contexts, vocab_size, min_count)
    on_progress(1.0)
    return tables


@dataclass(frozen=True)
class _Level:
    """All n-grams with contexts of one length: keys, counts, and occurrences in the text."""

    ngrams: Keys
    counts: Keys
    occurrences: Keys


class _Counter:
    """Numbers the context of each position, one more id to the left at a time."""

    def __init__(self, ids: IdArray, vocab_size: int, special: SpecialIds) -> None:
        self.contexts: list[Keys] = [np.empty(0, dtype=np.int64)]
        self._ids = ids
        self._size = vocab_size
        self._special = special
        # Positions that have a context of the current length, and the numbers of these contexts.
        self._positions = np.flatnonzero(ids != special.bos)
        self._numbers: Keys = np.zeros(len(self._positions), dtype=np.int64)
        # For each length, the n-grams whose context cannot be extended, each as often as it occurs.
        self._ended: list[Keys] = []

    def extend(self) -> None:
        """Extends each context by the id before it."""
        length = len(self.contexts)
        before = self._ids[self._positions - length]
        goes_on = before != self._special.bos
        if length > 1:
            goes_on &= self._ids[self._positions - length + 1] != self._special.eos
        self._ended.append(self._ngrams(~goes_on))
        keys = self._numbers[goes_on] * self._size + before[goes_on]
        self._positions = self._positions[goes_on]
        contexts, numbers = np.unique(keys, return_inverse=True)
        self.contexts.append(contexts)
        self._numbers = numbers

    def adjusted(self) -> list[_Level]:
        """The n-grams of all lengths, the shortest first, with their counts by Kneser and Ney."""
        ngrams, occurrences = np.unique(self._ngrams(slice(None)), return_counts=True)
        levels = [_Level(ngrams, occurrences, occurrences)]
        for length in range(len(self.contexts) - 2, -1, -1):
            longer, ended = levels[-1], self._ended[length]
            numbers, ids = np.divmod(longer.ngrams, self._size)
            shorter = self.contexts[length + 1][numbers] // self._size * self._size + ids
            # A longer n-gram counts once, whatever its occurrences; one that cannot be extended, as often as it occurs.
            keys = np.concatenate([shorter, ended])
            ngrams, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
            weights = np.concatenate([longer.occurrences, np.ones(len(ended), dtype=np.int64)])
            occurrences = np.bincount(inverse, weights=weights, minlength=len(ngrams)).astype(np.int64)
            levels.append(_Level(ngrams, counts, occurrences))
        return levels[::-1]

    def _ngrams(self, chosen: NDArray[np.bool_] | slice) -> Keys:
        keys: Keys = self._numbers[chosen] * self._size + self._ids[self._positions[chosen]]
        return keys


def _prune(levels: Sequence[_Level], contexts: Sequence[Keys], vocab_size: int, min_count: int) -> list[NgramTable]:
    """The tables without rare n-grams, and without contexts that have no n-gram left.

    An n-gram occurs at most as often as its shorter forms, so the tables contain all shorter forms of each n-gram that is kept.
    """
    tables: list[NgramTable] = []
    # The new number of each context that is shorter by one id.
    renumbered: Keys = np.zeros(1, dtype=np.int64)
    for length, level in enumerate(levels):
        numbers = level.ngrams // vocab_size
        num_contexts = max(1, len(contexts[length])) if length == 0 else len(contexts[length])
        totals = np.bincount(numbers, weights=level.counts, minlength=num_contexts).astype(np.int64)
        keys = contexts[length]
        if length:
            keys = renumbered[keys // vocab_size] * vocab_size + keys % vocab_size
        ngrams, counts = level.ngrams, level.counts
        if min_count > 1 and length > _NEVER_PRUNED:
            kept = level.occurrences >= min_count
            ngrams, counts, numbers = ngrams[kept], counts[kept], numbers[kept]
            used = np.zeros(num_contexts, dtype=bool)
            used[numbers] = True
            renumbered = np.cumsum(used) - 1
            ngrams = renumbered[numbers] * vocab_size + ngrams % vocab_size
            keys, totals = keys[used], totals[used]
        else:
            renumbered = np.arange(num_contexts)
        n1, n2, n3, n4 = (int((level.counts == count).sum()) for count in range(1, 5))
        tables.append(NgramTable(keys, ngrams, counts.astype(np.int32), totals, (n1, n2, n3, n4)))
    return tables
