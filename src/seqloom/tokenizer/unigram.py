"""Training of the unigram language model tokenizer (Kudo 2018), with the same result for the same text.

Input: counted words; output: pieces with log-probabilities. Hugging Face's trainer sums in the order of a randomly seeded hash
table, so two runs on the same text differ; this one always gives the same result. Expectation and maximisation handle all words
at once, over a lattice in flat arrays. Encoding is done by Hugging Face.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_LONGEST_PIECE = 16
_LONGEST_WORD = 64
_MOST_WORDS = 100_000
_SHRINK = 0.75
_ROUNDS = 2
_LEAST_EXPECTED = 0.5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def train_unigram(
    words: Mapping[str, int], alphabet: Sequence[str], *, num_pieces: int, min_frequency: int
) -> list[tuple[str, float]]:
    """Finds the pieces that make the words most probable.

    Args:
        words: how often each word occurs, written in the alphabet.
        alphabet: the characters; they are always kept, so that every word can be written.
        num_pieces: the most pieces, the alphabet among them.
        min_frequency: how often a piece must occur.

    Returns:
        Pieces with log-probabilities: the alphabet in its order, then by falling probability.
    """
    common = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:_MOST_WORDS]
    common = [(word[:_LONGEST_WORD], count) for word, count in common]
    pieces, scores = _seed(common, alphabet, num_pieces, min_frequency)
    counts = np.array([count for _, count in common], dtype=np.float64)
    lattice = _Lattice([word for word, _ in common], pieces)
    num_single = len(alphabet)
    while True:
        for _ in range(_ROUNDS):
            expected = lattice.expect(scores, counts, len(pieces))
            keep = expected >= _LEAST_EXPECTED
            keep[:num_single] = True
            pieces, expected = _filter(pieces, expected, keep, lattice)
            scores = _log_probs(expected)
        if len(pieces) <= num_pieces:
            break
        loss = expected * (scores - _best_alternative(pieces, scores))
        loss[:num_single] = np.inf
        wanted = max(num_pieces, int(len(pieces) * _SHRINK))
        order = np.lexsort((np.arange(len(pieces)), -loss))
        keep = np.zeros(len(pieces), dtype=bool)
        keep[order[:wanted]] = True
        pieces, expected = _filter(pieces, expected, keep, lattice)
        scores = _log_probs(expected)
    longer = sorted(zip(pieces[num_single:], scores[num_single:].tolist(), strict=True), key=lambda p: (-p[1], p[0]))
    return [(p, round(s, 6)) for p, s in [*zip(alphabet, scores[:num_single].tolist(), strict=True), *longer]]


def _seed(
    words: list[tuple[str, int]], alphabet: Sequence[str], num_pieces: int, min_frequency: int
) -> tuple[list[str], Floats]:
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
    # The digamma function instead of the logarithm makes rare pieces rarer (as in SentencePiece); this is its usual expansion.
    smoothed = np.maximum(expected, _LEAST_EXPECTED)
    return _digamma(smoothed) - _digamma(np.array([smoothed.sum()]))


def _digamma(x: Floats) -> Floats:
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
    """All ways to split words into pieces: for each begin and end, the words and pieces that fit."""

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
        """Keeps some pieces: drops the edges of the others and renumbers."""
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
        """The log-probability of the best split of each word."""
        table = self._table()
        table[:, 0] = 0
        for start, end, rows, edge_pieces in self._edges:
            table[rows, end] = np.maximum(table[rows, end], table[rows, start] + scores[edge_pieces])
        return np.asarray(table[np.arange(len(self._lengths)), self._lengths])

    def expect(self, scores: Floats, counts: Floats, num_pieces: int) -> Floats:
        """How often each piece is expected in the words, over all splits (forward and backward sums)."""
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
