"""Finds near-duplicates among documents, so that a split keeps them on one side.

Two documents are near-duplicates if they share at least half of the passages of 50 characters that occur in either (the Jaccard
index), estimated from 64 samples by MinHash with one permutation (Broder 1997; Li, Owen and Zhang 2012), with the densification
of Shrivastava and Li (2014). Candidates agree in at least one of 21 groups of 3 samples: this finds 94% of the pairs that share
half of their passages, and nearly all that share more. Near-duplicates of near-duplicates belong together too.
"""

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus.passage_hashes import Hashes, PassageHasher
from seqloom.corpus.split import hash_key

MOST_DOCUMENTS = 500_000
"""The documents that are compared. At most 0.3 GB of memory holds their samples."""

_SAMPLES = 64
_ROWS, _BANDS = 3, 21
_LEAST_SHARED = 0.5
_AT_ONCE = 1 << 14
_EMPTY = np.uint32(0xFFFFFFFF)
_STEP = np.uint32(0x9E3779B1)

Signatures = NDArray[np.uint32]


class NearDuplicates:
    """Collects documents, then says which of them are near-duplicates.

    Attributes:
        num_documents: documents so far. Those after the first `MOST_DOCUMENTS` are not compared.
    """

    def __init__(self) -> None:
        self.num_documents = 0
        self._hasher = PassageHasher()
        self._groups: list[int] = []
        # Blocks of so many rows, so that growing copies nothing.
        self._blocks: list[Signatures] = []

    def add(self, text: str, group: int) -> None:
        """Adds a document.

        Args:
            group: the hash of its key; documents of equal groups are together already.
        """
        self.num_documents += 1
        if self.num_documents <= MOST_DOCUMENTS:
            self._groups.append(group)
            for hashes, owners in self._hasher.add(len(self._groups) - 1, text):
                self._sample(hashes, owners)

    def merged(self, seed: int) -> dict[int, int]:
        """The groups that hold near-duplicates of another group, each with the hash that all of them share.

        Args:
            seed: of the shared hashes.
        """
        for hashes, owners in self._hasher.rest():
            self._sample(hashes, owners)
        rows = np.concatenate(self._blocks) if self._blocks else np.empty((0, _SAMPLES), np.uint32)
        self._blocks = []
        parents: dict[int, int] = {}
        for first, second in _similar_pairs(rows):
            a, b = _root(parents, self._groups[first]), _root(parents, self._groups[second])
            if a != b:
                parents[max(a, b)] = min(a, b)
        members = {*parents, *parents.values()}
        # The smallest hash of a group is a hash that is often chosen, so another one is made of it.
        return {group: hash_key(str(_root(parents, group)), seed) for group in members}

    def _sample(self, hashes: Hashes, owners: NDArray[np.int64]) -> None:
        """Keeps the smallest hash of each document in each of 64 bins."""
        first, last = int(owners[0]), int(owners[-1])
        bins = (owners - first) * _SAMPLES + (hashes >> np.uint64(58)).astype(np.int64)
        smallest = np.full((last - first + 1) * _SAMPLES, _EMPTY)
        # An even number is never _EMPTY.
        np.minimum.at(smallest, bins, ((hashes >> np.uint64(20)) & np.uint64(0xFFFFFFFE)).astype(np.uint32))
        rows = smallest.reshape(-1, _SAMPLES)
        for number in range(first // _AT_ONCE, last // _AT_ONCE + 1):
            while len(self._blocks) <= number:
                self._blocks.append(np.full((_AT_ONCE, _SAMPLES), _EMPTY))
            start = number * _AT_ONCE
            low, high = max(first, start), min(last + 1, start + _AT_ONCE)
            part = self._blocks[number][low - start : high - start]
            np.minimum(part, rows[low - first : high - first], out=part)


def _similar_pairs(signatures: Signatures) -> list[tuple[int, int]]:
    """Pairs of rows that agree in at least half of the samples, each with the first row that it is a candidate for."""
    rows = np.flatnonzero((signatures != _EMPTY).any(axis=1))
    if not len(rows):
        return []
    filled = _fill(signatures[rows])
    pairs: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        key = filled[:, band * _ROWS : (band + 1) * _ROWS].astype(np.uint64)
        hashes = (key[:, 0] * np.uint64(0x9E3779B97F4A7C15)) ^ (key[:, 1] << np.uint64(32)) ^ key[:, 2]
        order = np.argsort(hashes, kind="stable")
        sorted_hashes = hashes[order]
        begins = np.flatnonzero(np.concatenate([[True], sorted_hashes[1:] != sorted_hashes[:-1]]))
        sizes = np.diff(np.append(begins, len(order)))
        # The sort is stable, so the first of equal hashes is the first document.
        firsts = np.repeat(order[begins], sizes)
        different = np.flatnonzero(firsts != order)
        for chunk in np.array_split(different, len(different) // _AT_ONCE + 1):
            a, b = firsts[chunk], order[chunk]
            similar = (filled[a] == filled[b]).mean(axis=1) >= _LEAST_SHARED
            pairs.update(zip(rows[a[similar]].tolist(), rows[b[similar]].tolist(), strict=True))
    return sorted(pairs)


def _fill(signatures: Signatures) -> Signatures:
    """Fills bins without a sample from the next bin that has one, so that equal texts agree in all and others rarely."""
    for start in range(0, len(signatures), _AT_ONCE):
        sampled = signatures[start : start + _AT_ONCE]
        filled = sampled.copy()
        with np.errstate(over="ignore"):
            for distance in range(1, _SAMPLES):
                if not (filled == _EMPTY).any():
                    break
                shifted = np.roll(sampled, -distance, axis=1)
                empty = (filled == _EMPTY) & (shifted != _EMPTY)
                filled[empty] = shifted[empty] + np.uint32(distance) * _STEP
        signatures[start : start + _AT_ONCE] = filled
    return signatures


def _root(parents: dict[int, int], group: int) -> int:
    while (parent := parents.get(group)) is not None:
        parents[group] = above = parents.get(parent, parent)
        group = above
    return group
