"""Finds near-duplicates among documents, so that they can be put into the same split.

Two documents are near-duplicates if their sets of passages of 50 characters have a Jaccard index of at least 0.5. It is estimated
from 64 samples by MinHash with one permutation (Broder 1997; Li, Owen and Zhang 2012), with the densification of Shrivastava and
Li (2014). Candidates agree in at least one of 21 groups of 3 samples: this finds 94% of the pairs with an index of 0.5, and nearly
all with a larger index. Near-duplicates of near-duplicates belong together too.
"""

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus.passage_hashes import Hashes, PassageHasher
from seqloom.corpus.split import hash_key

MOST_DOCUMENTS = 500_000
"""The largest number of documents that are compared. Their samples take at most 0.3 GB of memory."""

_SAMPLES = 64
_ROWS, _BANDS = 3, 21
_MIN_JACCARD = 0.5
_BLOCK_ROWS = 1 << 14
_EMPTY = np.uint32(0xFFFFFFFF)
_STEP = np.uint32(0x9E3779B1)

Signatures = NDArray[np.uint32]
"""(documents, 64): the samples of each document; _EMPTY in bins without a sample."""


class NearDuplicates:
    """Collects the samples of documents, then finds near-duplicates.

    Attributes:
        num_documents: the number of documents so far. Those after the first `MOST_DOCUMENTS` are not compared.
    """

    def __init__(self) -> None:
        self.num_documents = 0
        self._hasher = PassageHasher()
        self._groups: list[int] = []
        # Blocks of _BLOCK_ROWS rows, so that adding documents does not copy the earlier ones.
        self._blocks: list[Signatures] = []

    def add(self, text: str, group: int) -> None:
        """Adds a document.

        Args:
            group: the hash of its key. Documents of a group are always in the same split.
        """
        self.num_documents += 1
        if self.num_documents <= MOST_DOCUMENTS:
            self._groups.append(group)
            for hashes, owners in self._hasher.add(len(self._groups) - 1, text):
                self._sample(hashes, owners)

    def merged(self, seed: int) -> dict[int, int]:
        """Maps each group that holds near-duplicates of another group to a hash that all these groups share.

        Args:
            seed: the seed of the shared hashes.
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
        # The groups with the smallest hashes are held out. The root is the smallest of several hashes, so it is hashed again:
        # else merged groups would be held out too often.
        return {group: hash_key(str(_root(parents, group)), seed) for group in members}

    def _sample(self, hashes: Hashes, owners: NDArray[np.int64]) -> None:
        """Updates the smallest hash of each document in each of 64 bins.

        Args:
            hashes: hashes of passages.
            owners: for each hash, the index of its document.
        """
        first, last = int(owners[0]), int(owners[-1])
        bins = (owners - first) * _SAMPLES + (hashes >> np.uint64(58)).astype(np.int64)
        smallest = np.full((last - first + 1) * _SAMPLES, _EMPTY)
        # Hashes are made even, so that none is equal to _EMPTY, which is odd.
        np.minimum.at(smallest, bins, ((hashes >> np.uint64(20)) & np.uint64(0xFFFFFFFE)).astype(np.uint32))
        rows = smallest.reshape(-1, _SAMPLES)
        for number in range(first // _BLOCK_ROWS, last // _BLOCK_ROWS + 1):
            while len(self._blocks) <= number:
                self._blocks.append(np.full((_BLOCK_ROWS, _SAMPLES), _EMPTY))
            start = number * _BLOCK_ROWS
            low, high = max(first, start), min(last + 1, start + _BLOCK_ROWS)
            part = self._blocks[number][low - start : high - start]
            np.minimum(part, rows[low - first : high - first], out=part)


def _similar_pairs(signatures: Signatures) -> list[tuple[int, int]]:
    """Pairs of rows that agree in at least half of their samples. Of candidates, each row is compared with the first one only."""
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
        # The sort is stable, so the first of several equal hashes belongs to the first document.
        firsts = np.repeat(order[begins], sizes)
        different = np.flatnonzero(firsts != order)
        for chunk in np.array_split(different, len(different) // _BLOCK_ROWS + 1):
            a, b = firsts[chunk], order[chunk]
            similar = (filled[a] == filled[b]).mean(axis=1) >= _MIN_JACCARD
            pairs.update(zip(rows[a[similar]].tolist(), rows[b[similar]].tolist(), strict=True))
    return sorted(pairs)


def _fill(signatures: Signatures) -> Signatures:
    """Fills empty bins from the next bin that has a sample (densification): equal texts agree in all bins, others rarely."""
    for start in range(0, len(signatures), _BLOCK_ROWS):
        sampled = signatures[start : start + _BLOCK_ROWS]
        filled = sampled.copy()
        with np.errstate(over="ignore"):
            for distance in range(1, _SAMPLES):
                if not (filled == _EMPTY).any():
                    break
                shifted = np.roll(sampled, -distance, axis=1)
                empty = (filled == _EMPTY) & (shifted != _EMPTY)
                filled[empty] = shifted[empty] + np.uint32(distance) * _STEP
        signatures[start : start + _BLOCK_ROWS] = filled
    return signatures


def _root(parents: dict[int, int], group: int) -> int:
    """The smallest group that a group was merged with (union-find, with path halving)."""
    while (parent := parents.get(group)) is not None:
        parents[group] = above = parents.get(parent, parent)
        group = above
    return group
