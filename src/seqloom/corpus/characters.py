"""Counts of character sequences of a corpus's two sides, to find out which side a text belongs to.

Only the most frequent sequences of three characters are kept, so the corpus cannot be read from the counts.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from seqloom.corpus.corpus import SentencePair

_LENGTH = 3
_PAIRS = 5_000
_KEPT = 3_000
_LONGEST = 1_000
"""Characters of a text that are looked at; the language of a longer one is clear by then."""


@dataclass(frozen=True)
class CharacterCounts:
    """How often each sequence of three characters stands in texts, the rarer ones together.

    Attributes:
        counts: of the commonest sequences.
        rest: occurrences of all others.
    """

    counts: Mapping[str, float]
    rest: float = 0.0

    @classmethod
    def of(cls, texts: Iterable[str]) -> "CharacterCounts":
        """Counts texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_sequences(text))
        # Of equally common ones those that come first in the alphabet: the same texts give the same counts.
        kept = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_KEPT])
        return cls(kept, float(counts.total() - sum(kept.values())))

    def __add__(self, other: "CharacterCounts") -> "CharacterCounts":
        counts = dict(self.counts)
        for sequence, count in other.counts.items():
            counts[sequence] = counts.get(sequence, 0.0) + count
        return CharacterCounts(counts, self.rest + other.rest)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"counts": dict(self.counts), "rest": self.rest}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "CharacterCounts":
        """The inverse of `to_json`.

        Raises:
            ValueError, KeyError, TypeError: the values are not what `to_json` made.
        """
        counts = {str(name): float(count) for name, count in values["counts"].items()}
        rest = float(values["rest"])
        if not all(0 <= count < math.inf for count in (*counts.values(), rest)):
            raise ValueError("a count is not a number of occurrences")
        return cls(counts, rest)


def count_sides(pairs: Iterable[SentencePair]) -> tuple[CharacterCounts, CharacterCounts]:
    """The counts of sources and of targets, over the first few thousand pairs."""
    seen = list(islice(pairs, _PAIRS))
    return CharacterCounts.of(pair.src for pair in seen), CharacterCounts.of(pair.tgt for pair in seen)


def likelihoods(text: str, sides: Mapping[str, CharacterCounts]) -> dict[str, float]:
    """How probable it is that a text is of each side, all being equally probable before: naive Bayes over its sequences.

    Each sequence counts by how often it stands in a side, with half an occurrence added to what was never seen. A text in which
    nothing was ever seen anywhere, or nothing at all, could be of any side: the probabilities are equal.
    """
    if not sides:
        return {}
    counts = Counter(_sequences(text[:_LONGEST]))
    known = set().union(*(side.counts for side in sides.values()))
    scores = dict.fromkeys(sides, 0.0)
    for name, side in sides.items():
        total = sum(side.counts.values()) + side.rest + 0.5 * (len(known) + 1)
        for sequence, count in counts.items():
            # What no side keeps tells nothing: in some it is a part of the rest, in others it never was.
            if sequence in known:
                scores[name] += count * math.log((side.counts.get(sequence, 0.0) + 0.5) / total)
    best = max(scores.values())
    weights = {name: math.exp(score - best) for name, score in scores.items()}
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _sequences(text: str) -> Iterable[str]:
    """Three characters each; words are seen from the space before to the space after them, digits are one."""
    plain = "".join("0" if char.isdigit() else char for char in " ".join(text.casefold().split()))
    padded = f" {plain} "
    return (padded[start : start + _LENGTH] for start in range(len(padded) - _LENGTH + 1))
