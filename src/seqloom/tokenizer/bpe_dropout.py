"""BPE-dropout (Provilkov et al. 2020, algorithm 1): byte-pair encoding that leaves merges out at random, from a seed.

Input: parts of a text, a probability and a random number generator; output: ids. No merge crosses parts. Hugging Face has
BPE-dropout too, but its random numbers cannot be seeded, so a run could not be resumed with the same bits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

# The ids of a part between two merges.
_State = tuple[int, ...]
# The possible merges of a state, best first: the position in the state, and the merged id.
_Candidates = tuple[tuple[int, int], ...]

# Longer parts are not cached, because they are not words and rarely recur.
_LONGEST_CACHED = 32
_MOST_CACHED = 100_000
# The time for a part grows with the square of its length, so a longer part is cut. This changes at most a few merges.
_LONGEST_PART = 512


class BpeDropout:
    """Encodes with merge dropout.

    In each step every possible merge is dropped with the probability p, and the best remaining merge is applied. The number of
    dropped merges before the best remaining one has a geometric distribution, so a step needs only one random number. Words recur,
    and so do the states between merges, so the possible merges of each state are cached.

    Args:
        ids: the id of each piece, including single characters.
        merges: (left id, right id, merged id), best first.
    """

    def __init__(self, ids: Mapping[str, int], merges: Iterable[tuple[int, int, int]]) -> None:
        self._ids = ids
        self._merges = {(left, right): (rank, merged) for rank, (left, right, merged) in enumerate(merges)}
        self._cached_candidates: dict[_State, _Candidates] = {}
        self._plain_paths: dict[str, list[_State]] = {}

    def encode(self, parts: Sequence[str], probability: float, rng: np.random.Generator) -> list[int]:
        """The ids of the parts.

        Args:
            probability: the probability of leaving a merge out, below 1; 0 gives plain BPE.
            rng: the random number generator; the number of draws depends only on the lengths of the parts.
        """
        drawn = rng.geometric(1.0 - probability, sum(map(len, parts))) - 1
        drops = drawn.tolist()
        # Most draws are 0: no merge is dropped. Up to the next draw above 0, a word follows the path of plain BPE.
        drop_positions = [*np.flatnonzero(drawn).tolist(), len(drops)]
        next_drop, position = 0, 0
        ids: list[int] = []
        for part in _slices(parts):
            path = self._plain_paths.get(part) or self._plain_path(part)
            while drop_positions[next_drop] < position:
                next_drop += 1
            num_plain = drop_positions[next_drop] - position
            if num_plain >= len(path) - 1:
                ids += path[-1]
                position += len(path) - 1
                continue
            state = path[num_plain]
            position += num_plain
            while candidates := self._candidates(state):
                dropped = drops[position]
                position += 1
                if dropped >= len(candidates):
                    break
                state = _merge(state, *candidates[dropped])
            ids += state
        return ids

    def _plain_path(self, part: str) -> list[_State]:
        """The states of a part from characters to the last merge, if no merge is dropped."""
        path = [tuple([self._ids[char] for char in part])]
        while candidates := self._candidates(path[-1]):
            path.append(_merge(path[-1], *candidates[0]))
        if len(part) <= _LONGEST_CACHED:
            if len(self._plain_paths) >= _MOST_CACHED:
                self._plain_paths.clear()
            self._plain_paths[part] = path
        return path

    def _candidates(self, state: _State) -> _Candidates:
        known = self._cached_candidates.get(state)
        if known is not None:
            return known
        merges = self._merges
        ranked: list[tuple[int, int, int]] = []
        for position, pair in enumerate(pairwise(state)):
            merge = merges.get(pair)
            if merge is not None:
                ranked.append((merge[0], position, merge[1]))
        candidates = tuple((position, merged) for _, position, merged in sorted(ranked))
        if len(state) <= _LONGEST_CACHED:
            if len(self._cached_candidates) >= _MOST_CACHED:
                self._cached_candidates.clear()
            self._cached_candidates[state] = candidates
        return candidates


def _merge(state: _State, position: int, merged: int) -> _State:
    return (*state[:position], merged, *state[position + 2 :])


def _slices(parts: Sequence[str]) -> Iterator[str]:
    """The parts, with parts that are too long cut into several."""
    for part in parts:
        if len(part) <= _LONGEST_PART:
            yield part
        else:
            yield from (part[start : start + _LONGEST_PART] for start in range(0, len(part), _LONGEST_PART))
