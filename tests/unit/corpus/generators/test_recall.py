"""Recall: each query's key is in the source once, at distances that differ."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.generators import GENERATORS
from seqloom.corpus.generators.recall import FILLER, KEYS, VALUES, distances

LENGTHS = {"recall-4": (4, 32), "recall-8": (8, 64), "recall-16": (16, 128)}


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(LENGTHS)), st.sampled_from(["train", "val", "test", "beyond"]), st.integers(), st.integers(0)
)
def test_the_target_has_the_values_in_the_order_of_the_queries(name: str, split: str, seed: int, index: int) -> None:
    pair = GENERATORS[name].item(split, seed, index)
    num_pairs, length = LENGTHS[name]
    context, question = pair.src.split("?")
    known = dict(re.findall(r"\b(\w+a) (\w+o)\b", context))
    queries = [word for word in question.split() if word != FILLER]
    assert len(pair.src.split(" ")) == length * (2 if split == "beyond" else 1)
    assert len(known) == num_pairs
    # Apart from pairs there is nothing but fillers.
    assert not set(re.sub(r"\b\w+a \w+o\b", "", context).split()) - {FILLER}
    assert sorted(queries) == sorted(known)
    assert pair.tgt == " , ".join(f"{query} {known[query]}" for query in queries)


def test_keys_and_values_are_two_halves_of_256_words() -> None:
    assert len(set(KEYS)) == len(set(VALUES)) == 128
    assert not set(KEYS) & set(VALUES)
    assert all(word.isalpha() for word in KEYS + VALUES)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(LENGTHS)), st.integers(0))
def test_distances_lead_from_the_query_to_the_value(name: str, index: int) -> None:
    pair = GENERATORS[name].item("train", 0, index)
    words = pair.src.split()
    query_indexes = [position for position, word in enumerate(words) if position > words.index("?") and word != FILLER]
    for position, distance, answer in zip(query_indexes, distances(pair.src), pair.tgt.split(" , "), strict=True):
        assert words[position - distance] == words[position]
        assert f"{words[position]} {words[position - distance + 1]}" == answer


@pytest.mark.parametrize("name", sorted(LENGTHS))
def test_short_and_long_distances_occur(name: str) -> None:
    num_pairs, length = LENGTHS[name]
    occurring = {distance for pair in GENERATORS[name].open(size=2000).train for distance in distances(pair.src)}
    # The nearest key is asked for right after the last pair, the furthest first of all and last of all.
    assert min(occurring) <= num_pairs
    assert max(occurring) >= 0.9 * length
    assert len(occurring) > length / 2


def test_every_word_is_trained_on() -> None:
    words = {word for pair in GENERATORS["recall-4"].open(size=4000).train for word in pair.src.split()}
    assert words == {*KEYS, *VALUES, FILLER, "?"}
