"""Recall: what is asked for was told, once, at distances that differ."""

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
def test_the_values_of_the_keys_in_the_order_of_the_queries(name, split, seed, index):
    pair = GENERATORS[name].item(split, seed, index)
    num_pairs, length = LENGTHS[name]
    told, asked = pair.src.split("?")
    known = dict(re.findall(r"\b(\w+a) (\w+o)\b", told))
    queries = [word for word in asked.split() if word != FILLER]
    assert len(pair.src.split(" ")) == length * (2 if split == "beyond" else 1)
    assert len(known) == num_pairs
    # Apart from pairs there is nothing but fillers.
    assert not set(re.sub(r"\b\w+a \w+o\b", "", told).split()) - {FILLER}
    assert sorted(queries) == sorted(known)
    assert pair.tgt == " , ".join(f"{query} {known[query]}" for query in queries)


def test_keys_and_values_are_two_halves_of_256_words():
    assert len(set(KEYS)) == len(set(VALUES)) == 128
    assert not set(KEYS) & set(VALUES)
    assert all(word.isalpha() for word in KEYS + VALUES)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(LENGTHS)), st.integers(0))
def test_distances_lead_from_the_query_to_the_value(name, index):
    pair = GENERATORS[name].item("train", 0, index)
    words = pair.src.split()
    places = [place for place, word in enumerate(words) if place > words.index("?") and word != FILLER]
    for place, distance, said in zip(places, distances(pair.src), pair.tgt.split(" , "), strict=True):
        assert words[place - distance] == words[place]
        assert f"{words[place]} {words[place - distance + 1]}" == said


@pytest.mark.parametrize("name", sorted(LENGTHS))
def test_every_distance_occurs(name):
    num_pairs, length = LENGTHS[name]
    found = {distance for pair in GENERATORS[name].open(size=2000).train for distance in distances(pair.src)}
    # The nearest key is asked for right after the last pair, the furthest first of all and last of all.
    assert min(found) <= num_pairs
    assert max(found) >= 0.9 * length
    assert len(found) > length / 2


def test_every_word_is_trained_on():
    words = {word for pair in GENERATORS["recall-4"].open(size=4000).train for word in pair.src.split()}
    assert words == {*KEYS, *VALUES, FILLER, "?"}
