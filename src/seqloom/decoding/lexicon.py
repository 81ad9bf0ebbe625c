"""Lexicon: the probable target ids of each source id, and the shortlists of sources that follow from them.

Input: ids of pairs; output: a Lexicon, which gives the shortlists of sources by their ids. It knows no text, no models and no
files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqloom.data.batching import Examples, IdArray
from seqloom.decoding.settings import MOST_TRANSLATIONS
from seqloom.progress import Progress, Silent
from seqloom.vocabulary import Vocabulary

NO_ID = -1
"""Fills the rows of tables after the last id."""

# The most combinations of a source and a target token that are counted: they take about a minute and 300 MB.
_MOST_CELLS = 30_000_000
# The combinations that are in memory at once.
_CELLS_AT_ONCE = 1_000_000
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The probable target ids of source ids.

    Attributes:
        frequent: (at most `MOST_TRANSLATIONS`,), target ids without special ones, the most frequent first.
        likely: (src_size, `MOST_TRANSLATIONS`), the most probable target ids of each source id, best first, then `NO_ID`.
    """

    frequent: NDArray[np.int32]
    likely: NDArray[np.int32]

    @classmethod
    def learn(cls, examples: Examples, vocab: Vocabulary, progress: Progress | None = None) -> "Lexicon":
        """Estimates the probability of each target id given each source id, by IBM Model 1 (Brown 1993, section 4.2).

        Of a corpus with more than `_MOST_CELLS` combinations of tokens, evenly spaced pairs are read.
        """
        progress = progress or Silent()
        chunks = list(_chunks(examples))
        keys, frequencies = np.zeros(0, dtype=np.int64), np.zeros(vocab.tgt_size, dtype=np.int64)
        for chunk in chunks:
            cells = _Cells.of(examples, chunk, vocab)
            keys = np.union1d(keys, cells.keys)
            frequencies += np.bincount(cells.tgt_ids, minlength=vocab.tgt_size)
        probs = np.ones(len(keys))
        for number in range(_ROUNDS):
            counts = np.zeros(len(keys))
            for done, chunk in enumerate(chunks):
                progress.update("learning the lexicon", (number + done / len(chunks)) / _ROUNDS)
                _Cells.of(examples, chunk, vocab).count(keys, probs, counts)
            sources = keys // vocab.tgt_size
            probs = counts / np.bincount(sources, counts, minlength=1)[sources]
        progress.update("learning the lexicon", 1.0)
        frequencies[[vocab.pad_id, vocab.bos_id, vocab.eos_id]] = 0
        order = np.argsort(-frequencies, kind="stable")[: min(MOST_TRANSLATIONS, np.count_nonzero(frequencies))]
        return cls(order.astype(np.int32), _likeliest(keys, probs, vocab))

    def shortlists(self, sources: Sequence[Sequence[int] | IdArray], vocab: Vocabulary, size: int) -> NDArray[np.int64]:
        """The target ids that are allowed for each source.

        They are the `size` most probable ones for each of its ids, the `size` most frequent ones, its own ids if the vocabulary is
        shared (names often stay as they are), and the special ids. A source's shortlist depends on nothing but the source.

        Returns:
            (sources, longest shortlist): pad, bos, eos, then the others in rising order, then `NO_ID`.
        """
        special = [vocab.pad_id, vocab.bos_id, vocab.eos_id]
        rows = []
        for source in sources:
            ids = np.asarray(source, dtype=np.int64)
            own = ids if vocab.shared else ids[:0]
            allowed = np.concatenate([self.frequent[:size], self.likely[ids, :size].reshape(-1), own])
            rows.append(np.concatenate([special, np.setdiff1d(allowed, [*special, NO_ID])]))
        padded = np.full((len(rows), max(map(len, rows), default=len(special))), NO_ID, dtype=np.int64)
        for padded_row, row in zip(padded, rows, strict=True):
            padded_row[: len(row)] = row
        return padded


@dataclass(frozen=True, slots=True)
class _Cells:
    """Every target token with every source token of its pair, and with no source token: some target tokens have no source.

    Attributes:
        keys: (cells,), source id * tgt_size + target id; the source id is src_size for no token.
        tokens: (cells,), which of the target tokens.
        tgt_ids: (target tokens,).
    """

    keys: NDArray[np.int64]
    tokens: NDArray[np.int64]
    tgt_ids: NDArray[np.int64]

    @classmethod
    def of(cls, examples: Examples, rows: Sequence[int], vocab: Vocabulary) -> "_Cells":
        pairs = [examples[row] for row in rows]
        nothing = np.array([vocab.src_size])
        src_ids = np.concatenate([ids for pair in pairs for ids in (pair.src_ids, nothing)]).astype(np.int64)
        tgt_ids = np.concatenate([pair.tgt_ids for pair in pairs]).astype(np.int64)
        src_lengths = np.array([len(pair.src_ids) + 1 for pair in pairs])
        tgt_lengths = np.array([len(pair.tgt_ids) for pair in pairs])
        # Each target token has as many cells as its source has tokens, one after the other.
        widths = np.repeat(src_lengths, tgt_lengths)
        tokens = np.repeat(np.arange(len(tgt_ids)), widths)
        first_cells = np.repeat(np.cumsum(widths) - widths, widths)
        first_positions = np.repeat(np.repeat(np.cumsum(src_lengths) - src_lengths, tgt_lengths), widths)
        positions = first_positions + np.arange(len(tokens)) - first_cells
        return cls(src_ids[positions] * vocab.tgt_size + tgt_ids[tokens], tokens, tgt_ids)

    def count(self, keys: NDArray[np.int64], probs: NDArray[np.float64], counts: NDArray[np.float64]) -> None:
        """Adds the expected count of each key, given the probabilities so far, to `counts`."""
        own, index = np.unique(self.keys, return_inverse=True)
        positions = np.searchsorted(keys, own)
        each = probs[positions][index]
        each /= np.bincount(self.tokens, each)[self.tokens]
        counts[positions] += np.bincount(index, each)


def _chunks(examples: Examples) -> Iterator[list[int]]:
    """The rows of the pairs that are read, in portions."""
    cells = (np.asarray(examples.src_lengths, dtype=np.int64) + 1) * np.asarray(examples.tgt_lengths, dtype=np.int64)
    every = max(1, -(-int(cells.sum()) // _MOST_CELLS))
    rows = np.flatnonzero(cells[::every]) * every
    portions = np.cumsum(cells[rows]) // _CELLS_AT_ONCE
    for portion in np.split(rows, np.flatnonzero(np.diff(portions)) + 1):
        if len(portion):
            yield portion.tolist()


def _likeliest(keys: NDArray[np.int64], probs: NDArray[np.float64], vocab: Vocabulary) -> NDArray[np.int32]:
    """(src_size, `MOST_TRANSLATIONS`): the targets of each source, the most probable first; of equal ones the lower id."""
    sources, targets = keys // vocab.tgt_size, keys % vocab.tgt_size
    order = np.lexsort((targets, -probs, sources))
    sources, targets = sources[order], targets[order]
    ranks = np.arange(len(sources)) - np.searchsorted(sources, sources)
    kept = (ranks < MOST_TRANSLATIONS) & (sources < vocab.src_size)
    likely = np.full((vocab.src_size, MOST_TRANSLATIONS), NO_ID, dtype=np.int32)
    likely[sources[kept], ranks[kept]] = targets[kept]
    return likely
