"""Agreement: the number, the attractors and the distance again by a reader that knows no table of nouns."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.agreement import (
    ADJECTIVES,
    AGREEMENT,
    PRESENT,
    VERBS,
    attractors,
    contrast,
    distance,
)

items = st.builds(AGREEMENT.item, st.sampled_from(["train", "val", "test", "beyond"]), st.integers(), st.integers(0))
NOUN = rf"the (?:(?:{'|'.join(ADJECTIVES)}) )?(\w+)"


def is_plural(noun: str) -> bool:
    return noun.endswith("s") or noun in ("men", "women", "children")


def nouns(source: str) -> list[str]:
    """The subject and the nouns between it and the verb."""
    return re.findall(NOUN, source.rpartition(", ")[2].partition(" [")[0])


@settings(max_examples=300, deadline=None)
@given(items)
def test_the_verb_agrees_with_the_subject(pair: SentencePair) -> None:
    lemma = re.search(r"\[(\w+)\]", pair.src)[1]
    forms = ("is", "are") if lemma == "be" else (f"{lemma}s", lemma)
    assert pair.tgt == pair.src.replace(f"[{lemma}]", forms[is_plural(nouns(pair.src)[0])])


@settings(max_examples=300, deadline=None)
@given(items)
def test_attractors_and_distance(pair: SentencePair) -> None:
    subject, *between = nouns(pair.src)
    assert attractors(pair.src) == sum(is_plural(noun) != is_plural(subject) for noun in between)
    assert len(between) <= 4
    after = pair.src.rpartition(", ")[2].partition(f" {subject} ")[2]
    assert distance(pair.src) == after[: after.index("[")].count(" ") + 1


@settings(max_examples=300, deadline=None)
@given(items)
def test_the_contrast_differs_in_the_number_of_the_verb_alone(pair: SentencePair) -> None:
    other = contrast(pair)
    assert other.src == pair.src
    differing = [words for words in zip(other.tgt.split(), pair.tgt.split(), strict=True) if words[0] != words[1]]
    assert len(differing) == 1
    assert tuple(sorted(differing[0])) in {tuple(sorted(forms)) for forms in VERBS.values()}
    assert contrast(other) == pair


@settings(max_examples=300, deadline=None)
@given(items)
def test_no_other_word_tells_the_number_of_the_subject(pair: SentencePair) -> None:
    # Verbs of relative clauses in the present have a subject of their own, right before them.
    agreeing = {form for forms in PRESENT for form in forms}
    words = pair.src.partition(" [")[0].split()
    for index, word in enumerate(words):
        if word in agreeing:
            assert words[index - 1] not in ADJECTIVES
            assert is_plural(words[index - 1]) != word.endswith("s")
            assert "that the" in " ".join(words[index - 4 : index])


@pytest.fixture(scope="module")
def splits() -> dict[str, list[SentencePair]]:
    corpus = AGREEMENT.open(size=3000)
    return {"train": list(corpus.train), **{name: list(split) for name, split in corpus.tests.items()}}


def test_training_has_up_to_two_attractors_and_beyond_more(splits: dict[str, list[SentencePair]]) -> None:
    counts = {name: Counter(attractors(pair.src) for pair in pairs) for name, pairs in splits.items()}
    assert sorted(counts["train"]) == sorted(counts["test"]) == [0, 1, 2]
    assert sorted(counts["beyond"]) == [3, 4]
    for frequencies in counts.values():
        assert min(frequencies.values()) > 0.8 * frequencies.total() / len(frequencies)


def test_beyond_is_not_longer_than_what_was_trained_on(splits: dict[str, list[SentencePair]]) -> None:
    longest = {name: max(len(pair.src.split()) for pair in pairs) for name, pairs in splits.items()}
    between = {name: {len(nouns(pair.src)) - 1 for pair in pairs} for name, pairs in splits.items()}
    assert longest["beyond"] <= longest["train"]
    assert between["beyond"] <= between["train"] == {0, 1, 2, 3, 4}


def test_no_shortcut_gives_the_number(splits: dict[str, list[SentencePair]]) -> None:
    """The nouns that are most, the first one of all and the last one before the verb are each wrong often."""
    wrong: Counter[str] = Counter()
    for pair in splits["train"]:
        plural = is_plural(nouns(pair.src)[0])
        everywhere = re.findall(NOUN, pair.src.replace(",", " ,"))
        most = sum(map(is_plural, everywhere)) * 2
        wrong["most"] += most != len(everywhere) and (most > len(everywhere)) != plural
        wrong["first"] += is_plural(everywhere[0]) != plural
        wrong["last"] += is_plural(everywhere[-1]) != plural
    # "First" is wrong only where a phrase stands in front, a quarter of all, and then half the time.
    assert min(wrong.values()) > 0.1 * len(splits["train"])


def test_each_number_is_as_frequent_as_the_other(splits: dict[str, list[SentencePair]]) -> None:
    for pairs in splits.values():
        plural = sum(is_plural(nouns(pair.src)[0]) for pair in pairs)
        assert abs(plural / len(pairs) - 0.5) < 2 / len(pairs) ** 0.5
