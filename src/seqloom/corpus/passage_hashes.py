"""Hashes all passages of 50 characters of texts, in batches. The hashes show near-duplicates and repeated passages."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seqloom.corpus.split import split_key

PASSAGE = 50
"""The number of characters of a passage, in the text that `split_key` returns (lower case, no punctuation)."""

Hashes = NDArray[np.uint64]

_BATCH = 1 << 15
# A power of an odd number modulo 2^64 has an inverse, so the hash of any window follows from two prefix sums.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class PassageHasher:
    """Hashes the passages of texts in batches of about 33,000 characters.

    The passages of a text are all windows of 50 characters of its `split_key`. A text with a shorter key has no passages.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._owners: list[int] = []
        self._length = 0
        # A piece is at most as long as a batch (and 49 characters), so a batch is at most twice as long.
        self._powers = _powers(_BASE, 2 * (_BATCH + PASSAGE))
        self._inverses = _powers(_INVERSE, 2 * (_BATCH + PASSAGE))

    def add(self, owner: int, text: str) -> Iterator[tuple[Hashes, NDArray[np.int64]]]:
        """Adds a text.

        Args:
            owner: the number of the text.

        Yields:
            For each full batch, the hashes of its passages and the `owner` of each, both (passages,).
        """
        key = split_key(text)
        for start in range(0, max(1, len(key) - PASSAGE + 1), _BATCH):
            # Pieces overlap, so that no passage is lost.
            piece = key[start : start + _BATCH + PASSAGE - 1]
            if len(piece) < PASSAGE:
                continue
            self._pieces.append(piece)
            self._owners.append(owner)
            self._length += len(piece)
            if self._length >= _BATCH:
                yield self._hash()

    def rest(self) -> Iterator[tuple[Hashes, NDArray[np.int64]]]:
        """Yields the last batch, if it is not empty, as `add` does."""
        if self._pieces:
            yield self._hash()

    def _hash(self) -> tuple[Hashes, NDArray[np.int64]]:
        text = "".join(self._pieces).encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(text, dtype="<u4").astype(np.uint64)
        lengths = np.fromiter(map(len, self._pieces), np.int64, len(self._pieces))
        owners = np.repeat(np.arange(len(lengths)), lengths)
        sums = np.concatenate([[np.uint64(0)], np.cumsum(codes * self._powers[: len(codes)], dtype=np.uint64)])
        windows = _mix((sums[PASSAGE:] - sums[:-PASSAGE]) * self._inverses[: len(codes) - PASSAGE + 1])
        inside = owners[PASSAGE - 1 :] == owners[: len(owners) - PASSAGE + 1]
        numbers = np.asarray(self._owners, dtype=np.int64)[owners[: len(owners) - PASSAGE + 1][inside]]
        self._pieces, self._owners, self._length = [], [], 0
        return windows[inside], numbers


def _powers(base: int, count: int) -> Hashes:
    """The powers 0 to count - 1 of a number, modulo 2^64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _mix(values: Hashes) -> Hashes:
    """A bijection of 64 bits after which all bits depend on all bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))
