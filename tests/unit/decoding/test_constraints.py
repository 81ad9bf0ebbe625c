"""Constraints over every kind of search, on toy rules: a trie, brackets that match, n-grams that do not repeat."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqloom.data.batching import Sources
from seqloom.decoding.constraints import AllowedIds, Constraint, Histories, NoRepeatNgram
from seqloom.decoding.ensemble import Ensemble
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.models.base import Model
from seqloom.vocabulary import Vocabulary
from tests.searching import search_with
from tests.toy_model import ToyModel, make_toy

EOS, OPEN, CLOSE = 2, 4, 6
SOURCES = Sources.pad([[3, 4, 5, 2], [6, 2], [7, 7, 2]], pad_id=0)
METHODS: dict[str, dict[str, Any]] = {
    "greedy": {"beam": 1},
    "beam": {"beam": 3, "nbest": 2},
    "likely": {"beam": 3, "stop": "likely"},
    "sample": {"method": "sample", "nbest": 3, "top_p": 0.9},
    "temperature 0": {"method": "sample", "temperature": 0},
}
WORDS = [(3,), (3, 5), (3, 5, 8), (7, 4), (9, 9, 9, 9)]
SHORTLISTS = np.array([[0, 1, 2, 3, 4, 5, 6, 8], [0, 1, 2, 4, 6, 7, 9, -1], [0, 1, 2, 3, 4, 6, -1, -1]])


def trie(source: int, ids: tuple[int, ...]) -> set[int]:
    """The ids that lead on to one of the words."""
    return {(*word, EOS)[len(ids)] for word in WORDS if word[: len(ids)] == ids}


def brackets(source: int, ids: tuple[int, ...]) -> set[int]:
    """Matching brackets with at most three open, then eos."""
    depth = ids.count(OPEN) - ids.count(CLOSE)
    return {EOS} if ids and not depth else {OPEN} if not depth else {CLOSE} if depth == 3 else {OPEN, CLOSE}


def toy(seed: int, **options: Any) -> ToyModel:
    return make_toy(seed, tgt_size=11, **options)


def ensemble(seed: int) -> Model:
    return Ensemble([toy(seed), toy(seed + 1)])


def is_balanced(ids: tuple[int, ...]) -> bool:
    depths = list(itertools.accumulate(1 if token == OPEN else -1 for token in ids))
    return set(ids) <= {OPEN, CLOSE} and depths[-1] == 0 and all(0 < depth <= 3 for depth in depths[:-1])


def searched(
    model: Model, rule: Constraint, method: str, shortlists: np.ndarray[Any, Any] | None = None
) -> list[list[Hypothesis]]:
    options: dict[str, Any] = {} if shortlists is None else {"shortlists": shortlists}
    return search_with(model, SOURCES, constraints=[rule], max_len_offset=12, **METHODS[method], **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", [toy, ensemble])
def test_a_trie_lets_its_words_through(method: str, make: Any) -> None:
    found = searched(make(3), AllowedIds(trie), method)
    assert all(item.finished and item.ids in WORDS for hypotheses in found for item in hypotheses)


def test_beam_search_finds_the_best_word_of_a_trie() -> None:
    model = toy(3).double()
    found = search_with(model, SOURCES, constraints=[AllowedIds(trie)], beam=8, nbest=5)
    for row, hypotheses in enumerate(found):
        source = SOURCES.ids[row][SOURCES.mask[row]][None]
        scores = {}
        for word in WORDS:
            only = AllowedIds(lambda _, ids, word=word: {(*word, EOS)[len(ids)]})
            ((item,),) = search_with(model, Sources.pad(source.tolist(), pad_id=0), constraints=[only], beam=1)
            scores[item.ids] = item.score
        assert [item.ids for item in hypotheses] == sorted(scores, key=lambda ids: -scores[ids])
        assert [item.score for item in hypotheses] == pytest.approx(sorted(scores.values(), reverse=True))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", [toy, ensemble])
@pytest.mark.parametrize("shortlists", [None, SHORTLISTS], ids=["vocabulary", "shortlists"])
def test_a_grammar_of_brackets_holds(method: str, make: Any, shortlists: np.ndarray[Any, Any] | None) -> None:
    found = searched(make(0), AllowedIds(brackets), method, shortlists)
    finished = [item for hypotheses in found for item in hypotheses if item.finished]
    assert finished
    assert all(is_balanced(item.ids) for item in finished)


@pytest.mark.parametrize("method", METHODS)
def test_a_constraint_sees_ids_of_the_vocabulary_with_shortlists(method: str) -> None:
    histories: set[tuple[int, tuple[int, ...]]] = set()

    def watched(source: int, ids: tuple[int, ...]) -> set[int]:
        histories.add((source, ids))
        return {EOS, *range(3, 11)} - {4}

    found = searched(toy(0), AllowedIds(watched), method, SHORTLISTS)
    assert {source for source, _ in histories} == {0, 1, 2}
    assert all(set(ids) <= set(SHORTLISTS[source].tolist()) - {0, 1, 2, 4} for source, ids in histories)
    for source, hypotheses in enumerate(found):
        for item in hypotheses:
            assert 4 not in item.ids
            assert all((source, item.ids[:length]) in histories for length in range(len(item.ids)))


@pytest.mark.parametrize("method", METHODS)
def test_several_constraints_allow_what_each_allows(method: str) -> None:
    rules: list[Constraint] = [
        AllowedIds(lambda _, ids: {2, 3, 4, 5, 6}),
        AllowedIds(lambda _, ids: None),
        NoRepeatNgram(1),
    ]
    found = search_with(toy(1, eos_bias=-3.0), SOURCES, constraints=rules, **METHODS[method])
    for item in itertools.chain(*found):
        assert set(item.ids) <= {3, 4, 5, 6}
        assert len(item.ids) == len(set(item.ids))


@pytest.mark.parametrize("method", METHODS)
def test_where_nothing_is_allowed_the_hypothesis_stays_unfinished(method: str) -> None:
    found = searched(toy(0), AllowedIds(lambda _, ids: [7] if len(ids) < 2 else []), method)
    for item in itertools.chain(*found):
        assert item.ids == (7, 7)
        assert not item.finished
        assert math.isfinite(item.score)
    nothing = searched(toy(0), AllowedIds(lambda _, ids: []), method)
    assert {(item.ids, item.finished) for item in itertools.chain(*nothing)} == {((), False)}


def test_beam_search_drops_dead_ends_where_another_hypothesis_can_end() -> None:
    def rule(source: int, ids: tuple[int, ...]) -> set[int]:
        return {3, 7} if not ids else {EOS} if ids == (3,) else set()

    model = toy(0)
    with torch.no_grad():
        model.bias[7] = 9.0
    assert [row[0].ids for row in searched(model, AllowedIds(rule), "beam")] == [(3,)] * 3
    assert [(row[0].ids, row[0].finished) for row in searched(model, AllowedIds(rule), "greedy")] == [((7,), False)] * 3


@pytest.mark.parametrize("method", METHODS)
def test_a_constraint_that_allows_all_changes_nothing(method: str) -> None:
    plain = search_with(toy(2), SOURCES, **METHODS[method])
    for rule in (AllowedIds(lambda _, ids: None), AllowedIds(lambda _, ids: range(11))):
        assert search_with(toy(2), SOURCES, constraints=[rule], **METHODS[method]) == plain


@pytest.mark.parametrize("method", METHODS)
def test_a_constraint_holds_for_what_follows_a_forced_prefix(method: str) -> None:
    prompts = [[1, 10, 4], [1, 10, 4, 4, 8], [1, 10, 4]]

    def rule(source: int, ids: tuple[int, ...]) -> set[int]:
        return brackets(source, tuple(token for token in ids if token in (OPEN, CLOSE)))

    found = search_with(
        toy(1),
        SOURCES,
        constraints=[AllowedIds(rule)],
        decoder_prompts=prompts,
        max_len_offset=12,
        **METHODS[method],
    )
    for prompt, hypotheses in zip(prompts, found, strict=True):
        for item in hypotheses:
            assert list(item.ids[: len(prompt) - 1]) == prompt[1:]
            assert not item.finished or is_balanced(tuple(token for token in item.ids if token in (OPEN, CLOSE)))


def test_a_constraint_that_answers_wrongly_is_an_error() -> None:
    class Narrow:
        def allowed(self, histories: Histories) -> torch.Tensor:
            return histories.mask(allowed=True)[:, :5]

    with pytest.raises(ValueError, match=r"shape \(3, 5\); expected \(3, 11\)"):
        searched(toy(0), Narrow(), "greedy")
    with pytest.raises(ValueError, match="allowed the id 11, but the target ids are 0 to 10"):
        searched(toy(0), AllowedIds(lambda _, ids: [11]), "beam")


def test_constraints_may_differ_by_source() -> None:
    found = searched(toy(0), AllowedIds(lambda source, ids: {3 + source} if len(ids) < 2 else {EOS}), "beam")
    assert [row[0].ids for row in found] == [(3, 3), (4, 4), (5, 5)]


@given(st.lists(st.integers(0, 3), max_size=9), st.integers(1, 4))
def test_no_repeat_ngram_forbids_exactly_the_ids_that_would_repeat_one(history: list[int], n: int) -> None:
    ids = np.array([history], dtype=np.int64).reshape(1, -1)
    histories = Histories(ids, np.zeros(1, dtype=np.int64), Vocabulary(4, 4, True), torch.device("cpu"))
    mask = NoRepeatNgram(n).allowed(histories)
    for token in range(4):
        longer = [*history, token]
        earlier = [longer[start : start + n] for start in range(len(longer) - n)]
        assert (mask is None or bool(mask[0, token])) == (len(longer) < n or longer[-n:] not in earlier)
