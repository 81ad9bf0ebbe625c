"""The grammar's truth: checked by reading the texts again with a reader of its own, and by what splits promise."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import Corpus, SentencePair
from seqloom.corpus.generators.adventure.discourse import CONSTRUCTIONS, CombinationRules, draw_player_text
from seqloom.corpus.generators.adventure.nouns import ADJECTIVES, BY_KIND, NOUNS
from seqloom.corpus.generators.adventure.verbs import VERBS, inflect
from seqloom.corpus.generators.draw import Draw
from seqloom.corpus.generators.player_commands import (
    PLAYER_COMMANDS,
    SEPARATOR,
    holds_out_pair,
    holds_out_phrase,
)

from .reader import readings

ANYTHING = CombinationRules(allows_pair=lambda adjective, noun: True, allows_phrase=lambda template, slot: True)
ALL_ADJECTIVES = {word for words in ADJECTIVES.values() for word in words.split()}


@pytest.fixture(scope="module")
def train() -> list[SentencePair]:
    return list(PLAYER_COMMANDS.open(size=12_000).train)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return PLAYER_COMMANDS.open(size=12_000)


def commands(pair: SentencePair) -> list[str]:
    return pair.tgt.split(SEPARATOR)


def named_pairs(pair: SentencePair) -> Iterator[tuple[str, str]]:
    """Each adjective with its noun, as the commands name them."""
    for command in commands(pair):
        words = command.split()
        for index, word in enumerate(words):
            if word in ALL_ADJECTIVES:
                yield word, next(after for after in words[index:] if after in NOUNS)


def test_every_reading_of_a_source_amounts_to_its_target(train: list[SentencePair], corpus: Corpus) -> None:
    for pair in [*train[:1200], *islice(corpus.tests["test"], 200), *islice(corpus.tests["beyond"], 80)]:
        assert readings(pair.src) == {tuple(commands(pair))}, pair.src


@settings(max_examples=60, deadline=None)
@given(st.integers(), st.integers(1, 8))
def test_a_drawn_text_has_the_requested_number_of_commands(key: int, num_commands: int) -> None:
    typed = draw_player_text(Draw(str(key)), num_commands, ANYTHING)
    if typed is not None:
        assert len(typed.commands) == num_commands
        assert readings(typed.text) == {typed.commands}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "before you open the oak door, pick the brass lamp up and light it",
            "take brass lamp ; light brass lamp ; open oak door",
        ),
        ("take the lamp and the sword. drop them", "take lamp ; take sword ; drop lamp ; drop sword"),
        ("greet the king after you put the coins in it", ""),
        ("x the chest, put the coins in it and open it", "examine chest ; put coins in chest ; open chest"),
        (
            "open the gate, but first give the queen the apple and follow her",
            "give apple to queen ; follow queen ; open gate",
        ),
    ],
)
def test_the_reader_reads_known_texts(text: str, expected: str) -> None:
    # A reader that agreed with everything would prove nothing.
    assert readings(text) == ({tuple(expected.split(SEPARATOR))} if expected else set())


def test_targets_name_things_as_sources_do(train: list[SentencePair]) -> None:
    for pair in train:
        source = f" {pair.src.lower()} "
        for command in commands(pair):
            assert not set(command.split()) & {"it", "them", "him", "her", "the"}, pair
            words = command.split()
            for index, word in enumerate(words):
                if word in NOUNS:
                    start = index
                    while words[start - 1] in ALL_ADJECTIVES:
                        start -= 1
                    assert f" {' '.join(words[start : index + 1])}" in source, pair


def test_splits_have_their_numbers_of_commands(train: list[SentencePair], corpus: Corpus) -> None:
    counts = Counter(len(commands(pair)) for pair in train)
    assert sorted(counts) == [1, 2, 3, 4, 5]
    assert min(counts.values()) > 0.9 * len(train) / 5
    assert {len(commands(pair)) for pair in corpus.val} == {1, 2, 3, 4, 5}
    assert {len(commands(pair)) for pair in corpus.tests["test"]} == {1, 2, 3, 4, 5}
    assert {len(commands(pair)) for pair in corpus.tests["beyond"]} == {6, 7, 8}


def test_tests_have_combinations_that_training_does_not_have(train: list[SentencePair], corpus: Corpus) -> None:
    trained = {pair for item in train for pair in named_pairs(item)}
    assert not any(holds_out_pair(*pair) for pair in trained)
    tested: Counter[str] = Counter()
    for split in corpus.tests.values():
        for item in split:
            held_out = [pair for pair in named_pairs(item) if holds_out_pair(*pair)]
            tested["pair" if held_out else "phrase"] += 1
    # What has no held-out pair has a held-out phrase, so it has a construction.
    assert min(tested.values()) > 100
    shapes = ("before", "after", "once", "but first")
    for item in corpus.tests["test"]:
        if not any(holds_out_pair(*pair) for pair in named_pairs(item)):
            assert any(shape in item.src.lower() for shape in shapes), item.src


def test_training_shows_every_part_of_what_is_held_out(train: list[SentencePair]) -> None:
    words = {word for pair in train for command in commands(pair) for word in command.split()}
    assert set(NOUNS) | ALL_ADJECTIVES <= words
    sources = " ".join(pair.src.lower() for pair in train)
    for verb in VERBS:
        for phrase in verb.phrases:
            # Plain sentences hold every phrase: those are never held out.
            assert not holds_out_phrase(phrase.template, "plain")
            assert all(part in sources for part in phrase.template.replace("{1}", "{0}").split("{0}")), phrase.template


def test_held_out_phrases_are_some_of_each_construction() -> None:
    templates = {phrase.template for verb in VERBS for phrase in verb.phrases if phrase.inflects}
    for construction in CONSTRUCTIONS:
        for slot in "xy":
            share = sum(holds_out_phrase(t, f"{construction.name}/{slot}") for t in templates) / len(templates)
            assert 0 < share < 0.3


def test_no_source_is_in_two_splits_even_of_different_seeds(train: list[SentencePair], corpus: Corpus) -> None:
    other = PLAYER_COMMANDS.open(seed=7, size=12_000)
    trained = {pair.src.lower() for pair in train} | {pair.src.lower() for pair in other.train}
    splits = {name: [pair.src.lower() for pair in split] for name, split in {"val": corpus.val, **corpus.tests}.items()}
    for name, sources in splits.items():
        assert not trained & set(sources), name
        assert len(set(sources)) == len(sources), name
    assert not set(splits["val"]) & (set(splits["test"]) | set(splits["beyond"]))


def test_the_language_is_rich(train: list[SentencePair]) -> None:
    assert 60 <= len(NOUNS) <= 100
    assert len(ALL_ADJECTIVES) >= 30
    assert len({verb.command for verb in VERBS}) >= 40
    assert len({pair.src for pair in train}) > 0.97 * len(train)
    sources = [pair.src.lower() for pair in train]
    for construction in CONSTRUCTIONS:
        clue = construction.template.replace("{x}", "").replace("{y}", "").strip(" ,")
        assert sum(clue in source for source in sources) > 100, construction.name
    for pronoun in ("it", "them", "him", "her"):
        assert sum(f" {pronoun}" in source for source in sources) > 100


def test_a_phrase_has_one_meaning() -> None:
    meanings: dict[str, str] = {}
    for verb in VERBS:
        for phrase in verb.phrases:
            assert meanings.setdefault(phrase.template, verb.command) == verb.command
        assert all(kind == "direction" or BY_KIND[kind] for kind in verb.objects)


@pytest.mark.parametrize(
    ("verb", "gerund", "participle"),
    [
        ("take", "taking", "taken"),
        ("grab", "grabbing", "grabbed"),
        ("empty", "emptying", "emptied"),
        ("stow", "stowing", "stowed"),
        ("examine", "examining", "examined"),
        ("tie", "tying", "tied"),
        ("look", "looking", "looked"),
    ],
)
def test_inflections(verb: str, gerund: str, participle: str) -> None:
    assert inflect(verb, "base") == verb
    assert inflect(verb, "gerund") == gerund
    assert inflect(verb, "participle") == participle


def test_the_same_seed_gives_the_same_text_everywhere() -> None:
    # Should this fail after a change on purpose: raise the generator's version, and put the new hash here.
    text = "\n".join(f"{pair.src}\t{pair.tgt}" for pair in PLAYER_COMMANDS.open(size=300).train)
    assert (PLAYER_COMMANDS.version, hashlib.sha256(text.encode()).hexdigest()[:16]) == (1, "9560565d0cc469d8")


def test_an_item_depends_on_seed_and_index_only(train: list[SentencePair]) -> None:
    random.seed(99)
    assert PLAYER_COMMANDS.item("train", 0, 11_999) == train[11_999]
    assert list(PLAYER_COMMANDS.open(size=10).train) == train[:10]
