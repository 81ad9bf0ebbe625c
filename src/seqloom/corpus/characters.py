"""Counts of character trigrams of the two sides of a corpus, to find out which side a text belongs to.

Only the most frequent trigrams are stored, so the corpus cannot be read from the counts.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from seqloom.corpus.corpus import SentencePair

_LENGTH = 3
_MAX_PAIRS = 5_000
_MAX_TRIGRAMS = 3_000
# The first characters of a text are enough to find its side.
_MAX_CHARS = 1_000


@dataclass(frozen=True)
class CharacterCounts:
    """How often each trigram occurs in some texts. Rare trigrams are counted together.

    Attributes:
        counts: the number of occurrences of each frequent trigram.
        rest: the number of occurrences of all others.
    """

    counts: Mapping[str, float]
    rest: float = 0.0

    @classmethod
    def of(cls, texts: Iterable[str]) -> "CharacterCounts":
        """Counts the trigrams of some texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_trigrams(text))
        # Equally frequent trigrams are sorted, so that the same texts give the same counts.
        frequent = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MAX_TRIGRAMS])
        return cls(frequent, float(counts.total() - sum(frequent.values())))

    def __add__(self, other: "CharacterCounts") -> "CharacterCounts":
        counts = dict(self.counts)
        for trigram, count in other.counts.items():
            counts[trigram] = counts.get(trigram, 0.0) + count
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
    """The counts of sources and of targets, over the first 5,000 pairs."""
    first = list(islice(pairs, _MAX_PAIRS))
    return CharacterCounts.of(pair.src for pair in first), CharacterCounts.of(pair.tgt for pair in first)


def likelihoods(text: str, sides: Mapping[str, CharacterCounts]) -> dict[str, float]:
    """The probability that a text belongs to each side: naive Bayes over its trigrams, with equal prior probabilities.

    Half an occurrence is added to the count of each trigram. For an empty text, and for a text without any known trigram, the
    probabilities are equal.
    """
    if not sides:
        return {}
    counts = Counter(_trigrams(text[:_MAX_CHARS]))
    known = set().union(*(side.counts for side in sides.values()))
    scores = dict.fromkeys(sides, 0.0)
    for name, side in sides.items():
        total = sum(side.counts.values()) + side.rest + 0.5 * (len(known) + 1)
        for trigram, count in counts.items():
            # A trigram that no side stores is no evidence: it may be rare in a side, or may not occur.
            if trigram in known:
                scores[name] += count * math.log((side.counts.get(trigram, 0.0) + 0.5) / total)
    best = max(scores.values())
    weights = {name: math.exp(score - best) for name, score in scores.items()}
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _trigrams(text: str) -> Iterable[str]:
    """The trigrams of a text in lower case, with a space before and after each word, and 0 for every digit."""
    plain = "".join("0" if char.isdigit() else char for char in " ".join(text.casefold().split()))
    padded = f" {plain} "
    return (padded[start : start + _LENGTH] for start in range(len(padded) - _LENGTH + 1))
