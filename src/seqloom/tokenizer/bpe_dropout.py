"""BPE-dropout (Provilkov et al. 2020, algorithm 1): byte-pair encoding that leaves merges out at random, from a seed.

Parts of text (between which nothing merges), a probability and a generator of random numbers enter; ids leave. Hugging Face has
this too, but its random numbers cannot be seeded, and a run that cannot be repeated cannot be resumed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

_State = tuple[int, ...]
_Candidates = tuple[tuple[int, int], ...]

# Parts longer than this are not words; they are remembered no more, so that memory stays bounded.
_LONGEST_REMEMBERED = 32
_MOST_REMEMBERED = 100_000
# The time for a part grows with its square; a longer run without spaces is cut, which moves a merge or two.
_LONGEST_PART = 512


class BpeDropout:
    """Encodes with merge dropout.

    In each step every possible merge is dropped with the probability p, and the best that is left is carried out. The number of
    merges dropped before the best one that survives is geometric, so one random number a step is enough; and since words
    recur, so do the states that they pass through: their possible merges are remembered.

    Args:
        ids: the id of each piece, single characters among them.
        merges: (left id, right id, merged id), best first.
    """

    def __init__(self, ids: Mapping[str, int], merges: Iterable[tuple[int, int, int]]) -> None:
        self._ids = ids
        self._merges = {(left, right): (rank, merged) for rank, (left, right, merged) in enumerate(merges)}
        self._remembered: dict[_State, _Candidates] = {}
        self._plain_paths: dict[str, list[_State]] = {}

    def encode(self, parts: Sequence[str], probability: float, rng: np.random.Generator) -> list[int]:
        """The ids of the parts.

        Args:
            probability: of leaving a merge out, below 1; 0 gives plain BPE.
            rng: the only source of chance; the number of draws depends on the parts alone.
        """
        drawn = rng.geometric(1.0 - probability, sum(map(len, parts))) - 1
        drops = drawn.tolist()
        # Most draws are 0: nothing is dropped. Up to the next other one a word follows the path of plain BPE.
        eventful = [*np.flatnonzero(drawn).tolist(), len(drops)]
        at_event, position = 0, 0
        found: list[int] = []
        for part in _slices(parts):
            path = self._plain_paths.get(part) or self._plain_path(part)
            while eventful[at_event] < position:
                at_event += 1
            uneventful = eventful[at_event] - position
            if uneventful >= len(path) - 1:
                found += path[-1]
                position += len(path) - 1
                continue
            state = path[uneventful]
            position += uneventful
            while candidates := self._candidates(state):
                dropped = drops[position]
                position += 1
                if dropped >= len(candidates):
                    break
                state = _merge(state, *candidates[dropped])
            found += state
        return found

    def _plain_path(self, part: str) -> list[_State]:
        """The states that a part passes through when nothing is dropped."""
        path = [tuple([self._ids[char] for char in part])]
        while candidates := self._candidates(path[-1]):
            path.append(_merge(path[-1], *candidates[0]))
        if len(part) <= _LONGEST_REMEMBERED:
            if len(self._plain_paths) >= _MOST_REMEMBERED:
                self._plain_paths.clear()
            self._plain_paths[part] = path
        return path

    def _candidates(self, state: _State) -> _Candidates:
        known = self._remembered.get(state)
        if known is not None:
            return known
        merges = self._merges
        ranked: list[tuple[int, int, int]] = []
        for at, pair in enumerate(pairwise(state)):
            merge = merges.get(pair)
            if merge is not None:
                ranked.append((merge[0], at, merge[1]))
        candidates = tuple((at, merged) for _, at, merged in sorted(ranked))
        if len(state) <= _LONGEST_REMEMBERED:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[state] = candidates
        return candidates


def _merge(state: _State, at: int, merged: int) -> _State:
    return (*state[:at], merged, *state[at + 2 :])


def _slices(parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if len(part) <= _LONGEST_PART:
            yield part
        else:
            yield from (part[start : start + _LONGEST_PART] for start in range(0, len(part), _LONGEST_PART))
