"""Parity and even pairs: the answer again by other means, and what splits promise."""

from collections import Counter
from functools import reduce
from operator import xor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.generators import GENERATORS

RANGES = {"train": (1, 20), "val": (5, 20), "test": (5, 20), "beyond": (21, 40), "to-60": (41, 60), "to-100": (61, 100)}


def parity(symbols: list[str]) -> bool:
    return reduce(xor, (symbol == "b" for symbol in symbols))


def even_pairs(symbols: list[str]) -> bool:
    # After an even number of changes, the last symbol equals the first.
    return symbols[0] != symbols[-1]


ODD = {"parity": parity, "even-pairs": even_pairs}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(ODD)), st.sampled_from(sorted(RANGES)), st.integers(), st.integers(0))
def test_the_answer_is_right_and_lengths_follow_the_split(name: str, split: str, seed: int, index: int) -> None:
    pair = GENERATORS[name].item(split, seed, index)
    symbols = pair.src.split(" ")
    assert set(symbols) <= {"a", "b"}
    assert pair.tgt == ("odd" if ODD[name](symbols) else "even")
    low, high = RANGES[split]
    assert low <= len(symbols) <= high


@pytest.mark.parametrize("name", sorted(ODD))
@pytest.mark.parametrize("seed", [0, 1])
def test_answers_are_balanced_and_splits_are_full(name: str, seed: int) -> None:
    corpus = GENERATORS[name].open(seed=seed, size=4000)
    for split in (corpus.train, corpus.val, *corpus.tests.values()):
        answers = Counter(pair.tgt for pair in split)
        assert answers.total() == split.size
        # Four standard deviations of a fair coin.
        assert abs(answers["odd"] / split.size - 0.5) < 2 / split.size**0.5
    assert {len(pair.src.split()) for pair in corpus.train} == set(range(1, 21))


@pytest.mark.parametrize("name", sorted(ODD))
def test_all_sources_too_short_to_be_held_out_are_trained_on(name: str) -> None:
    trained = {pair.src for pair in GENERATORS[name].open(size=4000).train}
    assert sum(len(source.split()) <= 4 for source in trained) == 2 + 4 + 8 + 16
