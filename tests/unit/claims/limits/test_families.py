"""Families say the truth of their generators, at every size, and nothing that their rules do not make."""

from collections.abc import Iterator
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.claims.limits.families import FAMILIES
from seqloom.claims.limits.families.lists import TASKS, answer
from seqloom.claims.limits.family import Case
from seqloom.corpus.generators import GENERATORS
from seqloom.corpus.generators.adventure.nouns import ADJECTIVES, NOUNS
from seqloom.corpus.generators.lengths import TRAINED
from seqloom.corpus.generators.numbers import SEPARATOR
from seqloom.corpus.generators.player_commands import holds_out_pair
from seqloom.corpus.generators.recall import ASK, FILLER, LENGTHS, distances
from seqloom.corpus.generators.recall import SEPARATOR as RECALL_SEPARATOR
from tests.unit.corpus.generators.reader import readings

from .engines import family_of

ALL = [(corpus, family.size_measure) for corpus, families in FAMILIES.items() for family in families]
LISTS = ("copy", "reverse", "sort", "duplicate")


@pytest.mark.parametrize(("corpus", "on"), ALL)
def test_inputs_have_the_size_asked_for_and_are_the_same_for_the_same_key(corpus: str, on: str) -> None:
    family = family_of(corpus, on)
    if corpus.startswith("numbers"):
        pytest.importorskip("num2words")
    for asked in (1, 2, 3, 7, family.trained[1], family.default_max_size):
        size = family.round_down(asked)
        sample = family.sample(size, "key")
        assert sample.size == size
        assert sample == family.sample(size, "key")
        assert sample == family.replay(size, sample.choices)
        assert sample.case.accepts(sample.case.truth)
        assert not sample.case.accepts("")
    assert family.sample(family.round_down(5), "a").case != family.sample(family.round_down(5), "b").case


@pytest.mark.parametrize("corpus", LISTS)
def test_lists_are_answered_as_their_generator_does(corpus: str) -> None:
    """The same words give the same target; and the trained lengths are those that training shows."""
    pairs = list(GENERATORS[corpus].open(size=400).train)
    family = family_of(corpus, "length")
    assert {len(pair.src.split()) for pair in pairs} == set(range(TRAINED[0], TRAINED[1] + 1))
    for pair in pairs:
        assert answer(TASKS[corpus], pair.src.split()) == pair.tgt
    for size in (1, 5, 30):
        assert len(family.sample(size, "key").case.src.split()) == size


@pytest.mark.parametrize("corpus", ["copy", "reverse", "duplicate"])
@given(st.integers(1, 90), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_the_judged_word_stands_so_far_back(corpus: str, asked: int, key: int) -> None:
    family = family_of(corpus, "distance")
    distance = family.round_down(asked)
    case = family.sample(distance, str(key)).case
    assert case.judged_index is not None
    text = case.src.split() + case.truth.split()
    said_at = len(case.src.split()) + case.judged_index
    assert text[said_at] == text[said_at - distance] == case.judged_word
    # As long as trained lists allow the distance, they are what is asked.
    assert len(case.src.split()) <= TRAINED[1] or distance > family.trained[1]


def test_a_sorted_word_stands_at_no_distance() -> None:
    assert [family.size_measure for family in FAMILIES["sort"]] == ["length"]


@given(st.integers(1, 8), st.integers())
@settings(deadline=None, max_examples=40)
def test_commands_are_what_a_reader_of_its_own_reads(size: int, key: int) -> None:
    case = family_of("player-commands", "clauses").sample(size, str(key)).case
    assert readings(case.src) == {tuple(case.truth.split(" ; "))}
    assert len(case.truth.split(" ; ")) == size


def described(text: str) -> Iterator[tuple[str, str]]:
    """Each noun with the adjective before it."""
    adjectives = {word for words in ADJECTIVES.values() for word in words.split()}
    return (pair for pair in pairwise(text.split()) if pair[0] in adjectives and pair[1] in NOUNS)


def test_commands_join_only_what_training_shows() -> None:
    corpus = GENERATORS["player-commands"].open(size=300)
    family = family_of("player-commands", "clauses")
    assert {len(pair.tgt.split(" ; ")) for pair in corpus.train.pairs()} == {*range(1, family.trained[1] + 1)}
    drawn = [pair for key in range(200) for pair in described(family.sample(6, str(key)).case.truth)]
    assert len(drawn) > 200
    assert not any(holds_out_pair(*pair) for pair in drawn)
    tested = [pair for item in islice(corpus.tests["beyond"].pairs(), 200) for pair in described(item.tgt)]
    assert any(holds_out_pair(*pair) for pair in tested)


def test_numbers_are_the_same_in_both_languages() -> None:
    num2words = pytest.importorskip("num2words").num2words
    spelt = {lang: {num2words(n, lang=lang): n for n in range(10_000)} for lang in ("en", "de")}
    for size in (1, 3, 12):
        case = family_of("numbers-en-de", "clauses").sample(size, "key").case
        read = [
            [spelt[lang][text] for text in side.split(SEPARATOR)]
            for lang, side in (("en", case.src), ("de", case.truth))
        ]
        assert read[0] == read[1]
        assert len(read[0]) == size


@pytest.mark.parametrize("num_pairs", [4, 8])
def test_recall_is_asked_as_its_generator_asks(num_pairs: int) -> None:
    """As many pairs as trained, in as many words, at distances that are spread alike; and all truths are right."""
    name = f"recall-{num_pairs}"
    pairs = list(GENERATORS[name].open(size=1500).train.pairs())
    drawn = [family_of(name, "pairs").sample(num_pairs, str(key)).case for key in range(1500)]
    means = []
    for sources in ([pair.src for pair in pairs], [case.src for case in drawn]):
        assert {len(source.split()) for source in sources} == {LENGTHS[num_pairs]}
        found = [distance for source in sources for distance in distances(source)]
        means.append(sum(found) / len(found))
        assert min(found) <= 6
        assert max(found) >= LENGTHS[num_pairs] - 5
    assert abs(means[0] - means[1]) < 0.06 * means[0]
    for case in drawn[:200]:
        assert recalled(case.src) == case.truth.split(RECALL_SEPARATOR)


def recalled(source: str) -> list[str]:
    """What a reader with a perfect memory answers."""
    told, _, asked = source.partition(f" {ASK} ")
    words = told.split()
    return [f"{key} {words[words.index(key) + 1]}" for key in asked.split() if key != FILLER]


@given(st.integers(1, 64), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_recall_of_any_number_of_pairs(num_pairs: int, key: int) -> None:
    case = family_of("recall-4", "pairs").sample(num_pairs, str(key)).case
    assert recalled(case.src) == case.truth.split(RECALL_SEPARATOR)
    assert len(case.src.split()) == max(32, 3 * num_pairs + 1)


@pytest.mark.parametrize("distance", [3, 4, 17, 31, 32, 63, 100])
def test_recall_at_a_distance(distance: int) -> None:
    case = family_of("recall-4", "distance").sample(distance, "key").case
    assert case.judged_index is not None
    asked = case.judged_index // 3
    assert distances(case.src)[asked] == distance
    assert case.judged_word == recalled(case.src)[asked].split()[1]
    assert len(case.src.split()) == 32 * (distance // 32 + 1)


@pytest.mark.parametrize("corpus", ["parity", "even-pairs"])
def test_regular_languages_are_answered_as_their_generator_does(corpus: str) -> None:
    truths = {pair.src: pair.tgt for pair in GENERATORS[corpus].open(size=4000).train.pairs()}
    family = family_of(corpus, "length")
    drawn = [family.sample(size, str(key)).case for size in (1, 2, 3, 4) for key in range(60)]
    assert all(truths[case.src] == case.truth for case in drawn)
    longer = [family.sample(30, str(key)).case.truth for key in range(300)]
    assert 110 < longer.count("odd") < 190
    assert family.threshold == 0.75


def test_one_word_may_be_all_that_is_judged() -> None:
    case = Case("a b c", "c b a", judged_index=1)
    assert case.accepts("x b")
    assert case.accepts("x  b y z")
    assert not case.accepts("b")
    assert not case.accepts("")
    assert not Case("a b c", "c b a").accepts("x b")
    assert Case("a b c", "c b a").accepts(" c b a\n")
