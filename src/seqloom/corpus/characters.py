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
    """How often each sequence of three characters occurs in texts. Rare sequences are counted together.

    Attributes:
        counts: of the commonest sequences.
        rest: occurrences of all others.
    """

    counts: Mapping[str, float]
    rest: float = 0.0

    @classmethod
    def of(cls, texts: Iterable[str]) -> "CharacterCounts":
        """Counts the sequences of some texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_sequences(text))
        # Equally frequent sequences are sorted, so that the same texts give the same counts.
        kept = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_KEPT])
        return cls(kept, float(counts.total() - sum(kept.values())))

    def __add__(self, other: "CharacterCounts") -> "CharacterCounts":
        counts = dict(self.counts)
        for sequence, count in other.counts.items():
            counts[sequence] = counts.get(sequence, 0.0) + count
        return CharacterCounts(counts, self.rest + other.rest)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
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
    """The probability that a text belongs to each side: naive Bayes over its sequences, with equal prior probabilities.

    The probability of a sequence follows from its count in a side, plus half an occurrence. For an empty text, and for a text
    without any known sequence, the probabilities are equal.
    """
    if not sides:
        return {}
    counts = Counter(_sequences(text[:_LONGEST]))
    known = set().union(*(side.counts for side in sides.values()))
    scores = dict.fromkeys(sides, 0.0)
    for name, side in sides.items():
        total = sum(side.counts.values()) + side.rest + 0.5 * (len(known) + 1)
        for sequence, count in counts.items():
            # A sequence that no side stores is no evidence: it may be rare in a side, or may not occur.
            if sequence in known:
                scores[name] += count * math.log((side.counts.get(sequence, 0.0) + 0.5) / total)
    best = max(scores.values())
    weights = {name: math.exp(score - best) for name, score in scores.items()}
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _sequences(text: str) -> Iterable[str]:
    """Sequences of three characters. Words include the spaces around them, and all digits count as one."""
    plain = "".join("0" if char.isdigit() else char for char in " ".join(text.casefold().split()))
    padded = f" {plain} "
    return (padded[start : start + _LENGTH] for start in range(len(padded) - _LENGTH + 1))
