"""SCAN: its published counts, its meaning by rewriting instead of recursion, and what finite corpora promise."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import Corpus, SentencePair
from seqloom.corpus.generators import GENERATORS
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.finite import FiniteGenerator
from seqloom.corpus.generators.scan import commands, interpret
from seqloom.errors import CorpusError

ACTS = {"walk": "W", "look": "K", "run": "U", "jump": "J"}
TURNS = {"left": "L", "right": "R"}
ACTIONS = {"W": "I_WALK", "K": "I_LOOK", "U": "I_RUN", "J": "I_JUMP", "L": "I_TURN_LEFT", "R": "I_TURN_RIGHT"}
COUNTS = {"scan-simple": (16_728, 4_182), "scan-length": (16_990, 3_920), "scan-add-jump": (14_670, 7_706)}

VERB = r"(?:(?:walk|look|run|jump)(?: (?:(?:opposite|around) )?(?:left|right))?|turn (?:(?:opposite|around) )?(?:left|right))"
PHRASE = rf"{VERB}(?: twice| thrice)?"
COMMAND = re.compile(rf"{PHRASE}(?: (?:and|after) {PHRASE})?")
ALL = frozenset(commands())


def rewrite(command: str) -> list[str]:
    """The actions of a command, from its innermost words outwards."""
    for way, turn in TURNS.items():
        for verb, act in {"turn": "", **ACTS}.items():
            command = re.sub(rf"{verb} around {way}", (turn + act) * 4, command)
            command = re.sub(rf"{verb} opposite {way}", turn * 2 + act, command)
            command = re.sub(rf"{verb} {way}", turn + act, command)
    for verb, act in ACTS.items():
        command = command.replace(verb, act)
    command = re.sub(r"(\w+) twice", r"\1\1", command)
    command = re.sub(r"(\w+) thrice", r"\1\1\1", command)
    command = re.sub(r"(\w+) after (\w+)", r"\2\1", command).replace(" and ", "")
    return [ACTIONS[letter] for letter in command]


@pytest.fixture(scope="module", params=sorted(COUNTS))
def scan(request: pytest.FixtureRequest) -> CorpusGenerator | FiniteGenerator:
    return GENERATORS[request.param]


def everything(corpus: Corpus) -> tuple[list[SentencePair], list[SentencePair]]:
    return [*corpus.train.pairs(), *corpus.val.pairs()], list(corpus.tests["test"].pairs())


def test_the_grammar_has_20910_commands() -> None:
    assert len(commands()) == len(set(commands())) == 20_910
    assert all(COMMAND.fullmatch(command) for command in commands())


@settings(max_examples=200, deadline=None)
@given(st.from_regex(COMMAND, fullmatch=True))
def test_every_sentence_of_the_grammar_is_a_command_and_means_what_rewriting_says(command: str) -> None:
    assert command in ALL
    assert interpret(command) == rewrite(command)


def test_all_targets_are_what_rewriting_says(scan: CorpusGenerator | FiniteGenerator) -> None:
    trained, tested = everything(scan.open())
    assert all(pair.tgt.split(" ") == rewrite(pair.src) for pair in set(trained + tested))


@pytest.mark.parametrize(
    ("command", "actions"),
    [
        # Examples of Lake & Baroni 2018, figure 1.
        ("jump", "J"),
        ("jump left", "L J"),
        ("jump around right", "R J R J R J R J"),
        ("turn left twice", "L L"),
        ("jump thrice", "J J J"),
        ("jump opposite left and walk thrice", "L L J W W W"),
        ("jump opposite left after walk around left", "L W L W L W L W L L J"),
    ],
)
def test_the_examples_of_the_paper(command: str, actions: str) -> None:
    assert interpret(command) == rewrite(command) == [ACTIONS[letter] for letter in actions.split()]


def test_the_published_counts(scan: CorpusGenerator | FiniteGenerator) -> None:
    trained, tested = everything(scan.open())
    assert (len(trained), len(tested)) == COUNTS[scan.name]
    assert len(set(tested)) == len(tested)
    assert not set(trained) & set(tested)
    assert {pair.src for pair in trained + tested} == ALL


def test_length_divides_at_22_actions() -> None:
    trained, tested = everything(GENERATORS["scan-length"].open())
    assert max(len(pair.tgt.split()) for pair in trained) == 22
    lengths = {len(pair.tgt.split()) for pair in tested}
    assert (min(lengths), max(lengths)) == (24, 48)


def test_jump_is_trained_alone_and_tested_in_combinations() -> None:
    corpus = GENERATORS["scan-add-jump"].open()
    trained = Counter(pair.src for pair in corpus.train)
    assert [source for source in trained if "jump" in source] == ["jump"]
    assert trained["jump"] == 1_467
    assert set(trained.values()) == {1, 1_467}
    assert not any("jump" in pair.src for pair in corpus.val)
    assert all("jump" in pair.src and pair.src != "jump" for pair in corpus.tests["test"])
    # Copies are spread, so that a smaller training split has its tenth too.
    some = [pair.src for pair in GENERATORS["scan-add-jump"].open(size=2000).train]
    assert 0.08 < some.count("jump") / len(some) < 0.14


def test_a_seed_changes_the_order_of_training_and_nothing_else(scan: CorpusGenerator | FiniteGenerator) -> None:
    first, other = scan.open(), scan.open(seed=1)
    assert list(first.train) != list(other.train)
    assert Counter(first.train) == Counter(other.train)
    for name in first.tests:
        assert first.tests[name].fingerprint == other.tests[name].fingerprint
        assert list(first.tests[name]) == list(other.tests[name])
    assert first.val.fingerprint == other.val.fingerprint


def test_a_smaller_size_takes_the_first_pairs(scan: CorpusGenerator | FiniteGenerator) -> None:
    assert list(scan.open(size=30).train) == list(scan.open().train)[:30]


def test_the_first_pairs_of_a_test_are_a_fair_sample(scan: CorpusGenerator | FiniteGenerator) -> None:
    tests = list(scan.open().tests["test"])
    mean, first = (sum(len(pair.tgt.split()) for pair in pairs) / len(pairs) for pairs in (tests, tests[:500]))
    assert first == pytest.approx(mean, rel=0.1)


@pytest.mark.parametrize("size", [0, 20_000])
def test_a_size_that_is_too_small_or_too_large_is_an_error(scan: CorpusGenerator | FiniteGenerator, size: int) -> None:
    with pytest.raises(CorpusError, match=rf"{scan.name}: a training size of {size} .*expected 1 to 1\d,?\d+"):
        scan.open(size=size)
