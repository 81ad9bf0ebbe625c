"""Exact match, and the fraction of right items, for targets with a single right answer, such as commands.

Input: texts; output: counts. This module does not know significance.
"""

from collections.abc import Sequence

import numpy as np

from seqloom.errors import ConfigError
from seqloom.metrics.metric import Metric, Stats, ratio


def split_items(text: str, separator: str) -> list[str]:
    """The items of a text; [] if it has no words. White space around and within items is normalised.

    White space around the separator is optional: "take lamp;open door" has two items.
    """
    if not text.strip():
        return []
    # str.split(None) splits at any white space.
    return [" ".join(item.split()) for item in text.split(separator.strip() or None)]


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence: the most items that both have in the same order, with or without gaps."""
    best = [0] * (len(second) + 1)
    for item in first:
        diagonal = 0
        for index, other in enumerate(second, start=1):
            above = best[index]
            best[index] = diagonal + 1 if item == other else max(above, best[index - 1])
            diagonal = above
    return best[-1]


def _count_exact(hypotheses: Sequence[str], references: Sequence[Sequence[str]], separator: str | None) -> Stats:
    # White space around a text comes from the file format, not from the model.
    right = [
        hypothesis.strip() in [reference.strip() for reference in sentence_references]
        for hypothesis, *sentence_references in zip(hypotheses, *references, strict=True)
    ]
    return np.stack([np.asarray(right, dtype=np.float64), np.ones(len(right))], axis=1)


def _count_items(hypotheses: Sequence[str], references: Sequence[Sequence[str]], separator: str | None) -> Stats:
    if separator is None or separator == "":
        raise ConfigError(
            "the metric 'items' needs the text between the items of a target, for example item_separator=' ; '"
        )
    rows = []
    for hypothesis, *sentence_references in zip(hypotheses, *references, strict=True):
        hyp_items = split_items(hypothesis, separator)
        counts = [
            (longest_common_subsequence(hyp_items, items), max(len(hyp_items), len(items)))
            for items in (split_items(reference, separator) for reference in sentence_references)
        ]
        # Of several references, the one that is most similar to the hypothesis counts.
        rows.append(max(counts, key=lambda count: count[0] / count[1] if count[1] else 1.0))
    return np.asarray(rows, dtype=np.float64)


def combine_share(sums: Stats) -> Stats:
    """A fraction in percent, (...), from sums (..., 2) of right and of all items. It is 100 if there are no items at all."""
    return 100.0 * ratio(sums[..., 0], sums[..., 1], 1.0)


EXACT_MATCH = Metric(
    "exact_match",
    "exact match",
    True,
    _count_exact,
    combine_share,
    lambda separator: "exact_match|case:mixed|trim:yes|version:1",
)
ITEMS = Metric(
    "items",
    "share of right {items}",
    True,
    _count_items,
    combine_share,
    lambda separator: f"items|match:lcs/max|sep:{separator!r}|case:mixed|version:1",
)
