"""Observers: they see what search does, several at once, and never change a result."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from seqloom.data.batching import Sources
from seqloom.decoding.constraints import AllowedIds
from seqloom.decoding.ensemble import Ensemble
from seqloom.decoding.observers import CandidateStep, TokenStep
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.trace import BeamTrace, path_of
from tests.searching import search_with
from tests.toy_model import ToyModel, make_toy

SOURCES = Sources.pad([[3, 4, 5, 2], [6, 2], [7, 7, 2], [9, 3, 2], [4, 2]], pad_id=0)
SHORTLISTS = np.array([[0, 1, 2, 3, 4, 5, 6, 8], [0, 1, 2, 4, 6, 7, 9, -1], *[[0, 1, 2, 5, 6, 7, 10, -1]] * 3])


def toy(seed: int, **options: Any) -> ToyModel:
    return make_toy(seed, tgt_size=11, **options)


class Tokens:
    """Collects tokens."""

    def __init__(self) -> None:
        self.steps: dict[int, list[tuple[int, float]]] = {}

    def on_tokens(self, step: TokenStep) -> None:
        for number, (row, token, log_prob) in enumerate(zip(step.rows, step.ids, step.log_probs, strict=True)):
            self.steps.setdefault(int(row), []).append((int(token), float(log_prob)))
            likeliest = step.likeliest(number, 99)
            assert dict(likeliest)[int(token)] == pytest.approx(float(log_prob), abs=1e-5)


class Candidates:
    """Collects candidates, and which sources are done."""

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self.done: list[int] = []
        self.num_steps = 0

    def on_prefixes(self, ids: np.ndarray[Any, Any], log_probs: np.ndarray[Any, Any]) -> None:
        assert ids.shape == log_probs.shape == (len(SOURCES), 0)

    def on_candidates(self, step: CandidateStep) -> None:
        assert not set(step.sources.tolist()) & set(self.done), "shows no source that is done"
        assert (step.totals[:, 0] > -math.inf).all()
        self.ids |= set(step.ids[step.totals > -math.inf].tolist())
        self.num_steps += 1

    def on_done(self, sources: np.ndarray[Any, Any], cut: np.ndarray[Any, Any]) -> None:
        assert sources.shape == cut.shape
        self.done += sources.tolist()


class Both(Tokens, Candidates):
    """Sees tokens and candidates."""

    def __init__(self) -> None:
        Tokens.__init__(self)
        Candidates.__init__(self)


CASES: list[tuple[dict[str, Any], list[Any]]] = [
    ({"beam": 1}, [Tokens, Candidates, Both, Tokens]),
    ({"beam": 1, "length_penalty": 1.0, "no_repeat_ngram": 1}, [Candidates, Tokens]),
    ({"beam": 3, "nbest": 3}, [Candidates, Both]),
    ({"beam": 2, "stop": "likely", "min_len": 4}, [Candidates]),
    ({"method": "sample", "nbest": 2}, [Tokens, Both]),
    ({"method": "sample", "temperature": 0}, [Tokens, Candidates]),
]


@pytest.mark.parametrize(("options", "kinds"), CASES, ids=str)
@pytest.mark.parametrize("shortlists", [None, SHORTLISTS], ids=["vocabulary", "shortlists"])
@pytest.mark.parametrize("constraints", [[], [AllowedIds(lambda _, ids: {2, 5, 6, 7} if len(ids) < 4 else {2})]])
@pytest.mark.parametrize("ensemble", [False, True])
def test_observers_never_change_results(
    options: dict[str, Any], kinds: list[Any], shortlists: Any, constraints: list[Any], ensemble: bool
) -> None:
    model = Ensemble([toy(0), toy(1)]) if ensemble else toy(3, eos_bias=1.0)
    options = {**options, "constraints": constraints, "max_len_ratio": 0, "max_len_offset": 6}
    options |= {} if shortlists is None else {"shortlists": shortlists}
    observers = [kind() for kind in kinds]
    found = search_with(model, SOURCES, observers=observers, **options)
    # Equal to the last bit.
    assert found == search_with(model, SOURCES, **options)
    flat = list(itertools.chain(*found))
    for observer in observers:
        if isinstance(observer, Candidates) and observer.num_steps:
            assert sorted(observer.done) == list(range(len(SOURCES)))
            assert {token for item in flat for token in item.ids} <= observer.ids
        if isinstance(observer, Tokens) and observer.steps and options.get("nbest", 1) == 1:
            for row, item in enumerate(flat):
                wanted = [*item.ids, *([2] if item.finished else [])]
                assert observer.steps[row] == list(zip(wanted, item.token_log_probs, strict=True))


class Vandal:
    """Overwrites everything that it is shown."""

    def on_tokens(self, step: TokenStep) -> None:
        for array in (step.rows, step.ids, step.log_probs, step.logits, step.restricted, step.indices):
            array[:] = 0

    def on_prefixes(self, ids: np.ndarray[Any, Any], log_probs: np.ndarray[Any, Any]) -> None:
        ids[:], log_probs[:] = 3, -9.0

    def on_candidates(self, step: CandidateStep) -> None:
        for array in (
            step.sources,
            step.parents,
            step.ids,
            step.log_probs,
            step.totals,
            step.ended,
            step.kept,
            step.beam,
        ):
            array[:] = 0

    def on_done(self, sources: np.ndarray[Any, Any], cut: np.ndarray[Any, Any]) -> None:
        sources[:], cut[:] = 0, True


@pytest.mark.parametrize("options", [{"beam": 1}, {"beam": 3, "nbest": 3}, {"method": "sample", "nbest": 2}], ids=str)
def test_not_even_an_observer_that_overwrites_changes_results(options: dict[str, Any]) -> None:
    prompts = [[1, 4, 5]] * len(SOURCES)
    plain = search_with(toy(3), SOURCES, decoder_prompts=prompts, **options)
    assert search_with(toy(3), SOURCES, observers=[Vandal()], decoder_prompts=prompts, **options) == plain


def test_an_observer_that_would_see_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="tokens cannot be observed"):
        search_with(toy(0), SOURCES, observers=[Tokens()], beam=2)
    with pytest.raises(ValueError, match="sampling has no candidates"):
        search_with(toy(0), SOURCES, observers=[Candidates()], method="sample")
    with pytest.raises(TypeError, match="neither on_tokens nor on_candidates"):
        search_with(toy(0), SOURCES, observers=[object()])  # type: ignore[list-item]


@pytest.mark.parametrize("beam", [1, 3])
def test_a_trace_says_what_was_cut_where_no_id_could_follow(beam: int) -> None:
    trace = BeamTrace(LengthPenalty())
    rule = AllowedIds(lambda _, ids: [5] if len(ids) < 3 else [])
    found = search_with(toy(0), SOURCES, constraints=[rule], observers=[trace], beam=beam)
    for nodes, (item, *_) in zip(trace.trees, found, strict=True):
        (last,) = [number for number, node in enumerate(nodes) if node.status == "cut"]
        assert tuple(nodes[index].token_id for index in path_of(nodes, last)) == item.ids == (5, 5, 5)
        assert nodes[last].score == pytest.approx(item.score)
