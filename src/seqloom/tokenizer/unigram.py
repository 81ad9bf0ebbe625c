"""Trains the unigram language model tokenizer (Kudo 2018). The same text gives the same result.

Input: counts of words; output: pieces with log-probabilities. Hugging Face's trainer sums in the order of a randomly seeded hash
table, so two of its runs on the same text differ. The steps of expectation and maximisation process all words at once, over a
lattice in flat arrays. Hugging Face does the encoding.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_LONGEST_PIECE = 16
_LONGEST_WORD = 64
_MAX_WORDS = 100_000
# The share of the pieces that remains after each pruning.
_PRUNED_SHARE = 0.75
# The number of EM iterations between two prunings.
_NUM_ITERATIONS = 2
# Pieces that are expected less often are dropped.
_MIN_EXPECTED = 0.5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def train_unigram(
    words: Mapping[str, int], alphabet: Sequence[str], *, num_pieces: int, min_frequency: int
) -> list[tuple[str, float]]:
    """Finds the pieces that make the words most probable.

    Args:
        words: how often each word occurs. Words consist of characters of the alphabet.
        alphabet: the characters. They are always among the pieces, so that every word can be encoded.
        num_pieces: the largest number of pieces, including the alphabet.
        min_frequency: how often a piece must occur.

    Returns:
        Pieces with log-probabilities in nats: the alphabet in its order, then the others by falling probability.
    """
    common = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:_MAX_WORDS]
    common = [(word[:_LONGEST_WORD], count) for word, count in common]
    pieces, scores = _initial_pieces(common, alphabet, num_pieces, min_frequency)
    counts = np.array([count for _, count in common], dtype=np.float64)
    lattice = _Lattice([word for word, _ in common], pieces)
    num_single = len(alphabet)
    while True:
        for _ in range(_NUM_ITERATIONS):
            expected = lattice.expect(scores, counts, len(pieces))
            keep = expected >= _MIN_EXPECTED
            keep[:num_single] = True
            pieces, expected = _filter(pieces, expected, keep, lattice)
            scores = _log_probs(expected)
        if len(pieces) <= num_pieces:
            break
        # How much the log-likelihood would fall without each piece.
        loss = expected * (scores - _best_alternative(pieces, scores))
        loss[:num_single] = np.inf
        num_kept = max(num_pieces, int(len(pieces) * _PRUNED_SHARE))
        order = np.lexsort((np.arange(len(pieces)), -loss))
        keep = np.zeros(len(pieces), dtype=bool)
        keep[order[:num_kept]] = True
        pieces, expected = _filter(pieces, expected, keep, lattice)
        scores = _log_probs(expected)
    longer = sorted(zip(pieces[num_single:], scores[num_single:].tolist(), strict=True), key=lambda p: (-p[1], p[0]))
    return [(p, round(s, 6)) for p, s in [*zip(alphabet, scores[:num_single].tolist(), strict=True), *longer]]


def _initial_pieces(
    words: list[tuple[str, int]], alphabet: Sequence[str], num_pieces: int, min_frequency: int
) -> tuple[list[str], Floats]:
    """The alphabet and the frequent substrings of the words, with initial log-probabilities."""
    frequencies: Counter[str] = Counter()
    for word, count in words:
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + _LONGEST_PIECE) + 1):
                frequencies[word[start:end]] += count
    longer = [(p, c) for p, c in frequencies.items() if len(p) > 1 and c >= min_frequency]
    longer.sort(key=lambda item: (-item[1] * len(item[0]), item[0]))
    longer = longer[: max(10 * num_pieces, 20_000)]
    pieces = [*alphabet, *(piece for piece, _ in longer)]
    weight = [max(frequencies[p], 1) * len(p) for p in pieces]
    return pieces, np.log(np.array(weight, dtype=np.float64) / sum(weight))


def _log_probs(expected: Floats) -> Floats:
    # As in SentencePiece, the digamma function replaces the logarithm, which makes rare pieces less probable.
    smoothed = np.maximum(expected, _MIN_EXPECTED)
    return _digamma(smoothed) - _digamma(np.array([smoothed.sum()]))


def _digamma(x: Floats) -> Floats:
    """The digamma function: its recurrence up to 6, then its asymptotic expansion."""
    result = np.zeros_like(x)
    shifted = x.copy()
    for _ in range(6):
        small = shifted < 6
        result[small] -= 1 / shifted[small]
        shifted[small] += 1
    inverse = 1 / (shifted * shifted)
    series = inverse * (1 / 12 - inverse * (1 / 120 - inverse / 252))
    return np.asarray(result + np.log(shifted) - 0.5 / shifted - series)


def _filter(
    pieces: list[str], expected: Floats, keep: NDArray[np.bool_], lattice: "_Lattice"
) -> tuple[list[str], Floats]:
    if keep.all():
        return pieces, expected
    lattice.keep(keep)
    return [piece for piece, kept in zip(pieces, keep.tolist(), strict=True) if kept], expected[keep]


def _best_alternative(pieces: list[str], scores: Floats) -> Floats:
    """For each piece, the log-probability of the best way to build it from other pieces."""
    lattice = _Lattice(pieces, pieces)
    lattice.drop_whole()
    return lattice.best(scores)


class _Lattice:
    """All ways to divide words into pieces: for each start and end position, the words and the pieces between these positions."""

    def __init__(self, words: Sequence[str], pieces: Sequence[str]) -> None:
        ids = {piece: i for i, piece in enumerate(pieces)}
        self._lengths = np.array([len(word) for word in words], dtype=np.int64)
        edges: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        for row, word in enumerate(words):
            for end in range(1, len(word) + 1):
                for start in range(max(0, end - _LONGEST_PIECE), end):
                    piece = ids.get(word[start:end])
                    if piece is not None:
                        rows, edge_pieces = edges.setdefault((end, start), ([], []))
                        rows.append(row)
                        edge_pieces.append(piece)
        self._edges: list[tuple[int, int, Ints, Ints]] = [
            (start, end, np.array(rows, dtype=np.int64), np.array(edge_pieces, dtype=np.int64))
            for (end, start), (rows, edge_pieces) in sorted(edges.items())
        ]

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Drops the edges of all pieces but some, and renumbers the remaining pieces.

        Args:
            kept: (num_pieces,), True for the pieces that remain.
        """
        renumbered = np.cumsum(kept) - 1
        masks = [kept[edge_pieces] for *_, edge_pieces in self._edges]
        self._edges = [
            (start, end, rows[mask], renumbered[edge_pieces[mask]])
            for (start, end, rows, edge_pieces), mask in zip(self._edges, masks, strict=True)
        ]

    def drop_whole(self) -> None:
        """Drops the edges that span a word of two characters or more."""
        edges = []
        for start, end, rows, edge_pieces in self._edges:
            mask = (self._lengths[rows] != end) | (start > 0) | (end == 1)
            edges.append((start, end, rows[mask], edge_pieces[mask]))
        self._edges = edges

    def best(self, scores: Floats) -> Floats:
        """(num_words,): the log-probability of the best division of each word.

        Args:
            scores: (num_pieces,), log-probabilities.
        """
        table = self._table()
        table[:, 0] = 0
        for start, end, rows, edge_pieces in self._edges:
            table[rows, end] = np.maximum(table[rows, end], table[rows, start] + scores[edge_pieces])
        return np.asarray(table[np.arange(len(self._lengths)), self._lengths])

    def expect(self, scores: Floats, counts: Floats, num_pieces: int) -> Floats:
        """(num_pieces,): the expected number of occurrences of each piece, over all divisions (forward-backward algorithm).

        Args:
            scores: (num_pieces,), log-probabilities.
            counts: (num_words,), how often each word occurs.
        """
        every = np.arange(len(self._lengths))
        forward, backward = self._table(), self._table()
        forward[:, 0] = 0
        backward[every, self._lengths] = 0
        for start, end, rows, edge_pieces in self._edges:
            forward[rows, end] = np.logaddexp(forward[rows, end], forward[rows, start] + scores[edge_pieces])
        total = forward[every, self._lengths]
        for start, end, rows, edge_pieces in sorted(self._edges, key=lambda edge: (-edge[0], -edge[1])):
            backward[rows, start] = np.logaddexp(backward[rows, start], backward[rows, end] + scores[edge_pieces])
        expected = np.zeros(num_pieces)
        for start, end, rows, edge_pieces in self._edges:
            posterior = np.exp(forward[rows, start] + scores[edge_pieces] + backward[rows, end] - total[rows])
            expected += np.bincount(edge_pieces, weights=posterior * counts[rows], minlength=num_pieces)
        return expected

    def _table(self) -> Floats:
        return np.full((len(self._lengths), int(self._lengths.max(initial=0)) + 1), -np.inf)
