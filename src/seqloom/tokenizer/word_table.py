"""WordTable: a cache of the ids of words, to encode a corpus fast.

Input: normalised texts; output: all their ids in one array, and the number of ids of each text. No token crosses the space before
a word, so the ids of a text are those of its words, and most words of a large corpus occur many times. The codec encodes the words
that are not in the table, many at a time.
"""

from collections.abc import Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from seqloom.tokenizer.codec import Codec

S = TypeVar("S", np.int32, np.int64)

# These limits keep the table below 100 MB. A full table is emptied; frequent words are soon in it again.
_MAX_WORDS = 500_000
_MAX_CHARS = 8_000_000


class WordTable:
    """Encodes texts with a codec and caches the ids of words."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        # The index of each word in `_starts` and `_lengths`, which say where its ids are in `_ids`.
        self._known: dict[str, int] = {}
        self._num_characters = 0
        self._num_ids = 0
        self._starts: NDArray[np.int64] = np.empty(1024, np.int64)
        self._lengths: NDArray[np.int64] = np.empty(1024, np.int64)
        self._ids: NDArray[np.int32] = np.empty(4096, np.int32)

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of normalised texts, equal to those of `Codec.encode`.

        Returns:
            All ids, (num_ids,), and the number of ids of each text, (num_texts,).
        """
        joined = " ".join(filter(None, texts))
        words = joined.split(" ") if joined else []
        # A tokenizer of characters does not encode word by word, and words do not contain other white space than spaces.
        if self._codec.kind == "characters" or words != joined.split():
            rows = self._codec.encode(texts)
            lengths = np.fromiter(map(len, rows), np.int64, len(rows))
            return np.concatenate([np.empty(0, np.int32), *rows]).astype(np.int32), lengths
        counts = np.fromiter((text.count(" ") + 1 if text else 0 for text in texts), np.int64, len(texts))
        entries = self._indices(words)
        lengths = self._lengths[entries]
        ends = np.cumsum(lengths)
        # For each id of the result its index in the table: the index in the result, minus the start of its word in the result, plus
        # the start of its word in the table.
        index = np.repeat(self._starts[entries] - (ends - lengths), lengths)
        index += np.arange(len(index))
        ends_of_texts = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(counts)])]
        return self._ids[index], np.diff(ends_of_texts)

    def _indices(self, words: Sequence[str]) -> NDArray[np.int64]:
        """The index of each word in the table, to which new words are added."""
        known = self._known
        try:
            return np.fromiter(map(known.__getitem__, words), np.int64, len(words))
        except KeyError:
            pass
        new = list(dict.fromkeys(word for word in words if word not in known))
        num_characters = sum(map(len, new))
        if known and (len(known) + len(new) > _MAX_WORDS or self._num_characters + num_characters > _MAX_CHARS):
            self._clear()
            return self._indices(words)
        self._add(new)
        self._num_characters += num_characters
        return np.fromiter(map(self._known.__getitem__, words), np.int64, len(words))

    def _add(self, words: Sequence[str]) -> None:
        rows = self._codec.encode(words)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        before = len(self._known)
        self._known.update(zip(words, range(before, before + len(words)), strict=True))
        self._starts = _append(self._starts, before, self._num_ids + np.cumsum(lengths) - lengths)
        self._lengths = _append(self._lengths, before, lengths)
        ids = np.fromiter(chain.from_iterable(rows), np.int32, int(lengths.sum()))
        self._ids = _append(self._ids, self._num_ids, ids)
        self._num_ids += len(ids)

    def _clear(self) -> None:
        # The arrays are not freed, but overwritten.
        self._known = {}
        self._num_characters = 0
        self._num_ids = 0


def _append(array: NDArray[S], used: int, more: NDArray[S]) -> NDArray[S]:
    """An array whose first `used` entries are in use, with more entries after them; it doubles its size if it is full."""
    needed = used + len(more)
    if needed > len(array):
        longer = np.empty(max(needed, 2 * len(array)), array.dtype)
        longer[:used] = array[:used]
        array = longer
    array[used:needed] = more
    return array
