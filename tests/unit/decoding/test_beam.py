"""Beam search against searches that are too slow and too simple to be wrong."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from seqloom.data.batching import PairBatch, Sources
from seqloom.decoding import beam as beam_module
from seqloom.decoding.beam import beam_search
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.penalty import LengthPenalty
from seqloom.decoding.search_space import SearchSpace
from seqloom.decoding.settings import DecodingSettings
from seqloom.models.base import Model
from tests.searching import search_with
from tests.toy_model import ToyModel, make_toy

PENALTIES = [(0.0, "wu"), (0.6, "wu"), (1.0, "power"), (2.0, "power")]


def make_sources(rows: list[list[int]]) -> Sources:
    return Sources.pad(rows, pad_id=0)


def ragged(number: int, seed: int = 0, src_size: int = 11) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(3, src_size, size=rng.integers(1, 8)).tolist() for _ in range(number)]


def forced_log_probs(model: Model, source: list[int], targets: torch.Tensor) -> torch.Tensor:
    """The log-probability of each id of each row of `targets`, by teacher forcing."""
    rows = len(targets)
    tgt_in = torch.cat([torch.full((rows, 1), model.vocab.bos_id), targets[:, :-1]], dim=1)
    batch = PairBatch(make_sources([source] * rows), tgt_in, targets, torch.ones_like(targets, dtype=torch.bool))
    with torch.no_grad():
        return model.project(model(batch)).log_softmax(dim=2).gather(2, targets[..., None])[..., 0]


def exhaustive(
    model: Model, source: list[int], limit: int, penalty: LengthPenalty
) -> list[tuple[tuple[int, ...], float]]:
    """All targets that end within the limit, the best first, with their scores."""
    found = []
    real = range(3, model.vocab.tgt_size)
    for length in range(limit):
        targets = torch.tensor([[*ids, model.vocab.eos_id] for ids in itertools.product(real, repeat=length)])
        log_probs = forced_log_probs(model, source, targets).sum(dim=1).tolist()
        found += [
            (tuple(row[:-1]), log_prob / penalty.of(length + 1))
            for row, log_prob in zip(targets.tolist(), log_probs, strict=True)
        ]
    return sorted(found, key=lambda one: -one[1])


@pytest.mark.parametrize(("alpha", "form"), PENALTIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_what_exhaustive_search_finds(alpha: float, form: Any, seed: int) -> None:
    model = make_toy(seed, tgt_size=7).double()
    sources = ragged(3, seed)
    found = search_with(
        model,
        make_sources(sources),
        beam=4**4 + 1,
        nbest=12,
        length_penalty=alpha,
        length_penalty_form=form,
        max_len_ratio=0.0,
        max_len_offset=5,
    )
    for source, hypotheses in zip(sources, found, strict=True):
        expected = exhaustive(model, source, 5, LengthPenalty(alpha, form))[:12]
        assert [one.ids for one in hypotheses] == [ids for ids, _ in expected]
        assert [one.score for one in hypotheses] == pytest.approx([score for _, score in expected], abs=1e-9)
        assert all(one.finished for one in hypotheses)


def simple_beam(
    model: ToyModel, source: list[int], beam: int, nbest: int, limit: int, penalty: LengthPenalty
) -> list[Hypothesis]:
    """Beam search by lists, which always runs to the limit and computes every score anew."""
    live: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    finished: list[tuple[tuple[int, ...], float, float]] = []
    for length in range(1, limit + 1):
        candidates = []
        for ids, log_prob in live:
            last = torch.tensor([[*ids, token] for token in range(2, model.vocab.tgt_size)])
            gains = forced_log_probs(model, source, last)[:, -1].tolist()
            candidates += [((*ids, token), log_prob + gain) for token, gain in enumerate(gains, 2)]
        candidates.sort(key=lambda one: -one[1])
        for ids, log_prob in candidates[:beam]:
            if ids[-1] == model.vocab.eos_id:
                finished.append((ids[:-1], log_prob, log_prob / penalty.of(length)))
        live = [one for one in candidates if one[0][-1] != model.vocab.eos_id][:beam]
    finished.sort(key=lambda one: -one[2])
    cut = sorted((ids, log_prob, log_prob / penalty.of(limit)) for ids, log_prob in live)
    cut.sort(key=lambda one: -one[2])
    ranked = [Hypothesis(*one[:1], one[2], one[1], True, ()) for one in finished]
    ranked += [Hypothesis(*one[:1], one[2], one[1], False, ()) for one in cut]
    return ranked[:nbest]


@pytest.mark.parametrize(("alpha", "form"), PENALTIES)
@pytest.mark.parametrize(("beam", "nbest"), [(2, 1), (3, 3), (5, 2)])
@pytest.mark.parametrize("eos_bias", [-2.0, 0.0, 2.0])
def test_it_is_the_textbook_search_and_stopping_early_changes_nothing(
    alpha: float, form: Any, beam: int, nbest: int, eos_bias: float
) -> None:
    model = make_toy(beam, eos_bias=eos_bias).double()
    sources = ragged(4, seed=nbest)
    found = search_with(
        model,
        make_sources(sources),
        beam=beam,
        nbest=nbest,
        length_penalty=alpha,
        length_penalty_form=form,
        max_len_ratio=0.0,
        max_len_offset=9,
    )
    for source, hypotheses in zip(sources, found, strict=True):
        expected = simple_beam(model, source, beam, nbest, 9, LengthPenalty(alpha, form))
        assert [(one.ids, one.finished) for one in hypotheses] == [(one.ids, one.finished) for one in expected]
        assert [one.score for one in hypotheses] == pytest.approx([one.score for one in expected], abs=1e-9)


class Counting(ToyModel):
    """Counts steps and the rows of each."""

    rows: list[int]

    def advance(self, ids: torch.Tensor, state: Any, hooks: Any = None) -> Any:
        self.rows.append(ids.shape[0])
        return super().advance(ids, state, hooks)


def counting(**options: Any) -> Counting:
    model = make_toy(**options)
    model.__class__ = Counting
    model.rows = []  # type: ignore[assignment]
    return model  # type: ignore[return-value]


def test_early_stopping_really_stops_early(monkeypatch: pytest.MonkeyPatch) -> None:
    model = counting(seed=5, eos_bias=3.0)
    options: dict[str, Any] = {"beam": 4, "nbest": 2, "length_penalty": 1.0, "max_len_ratio": 0.0, "max_len_offset": 60}
    stopped = search_with(model, make_sources(ragged(6)), **options)
    steps = len(model.rows)
    # Without a worst hypothesis to beat, every source runs to its limit.
    monkeypatch.setattr(beam_module._Best, "worst", property(lambda one: -math.inf))
    model.rows.clear()
    assert search_with(model, make_sources(ragged(6)), **options) == stopped
    assert len(model.rows) == 60
    assert steps < 40


def test_a_likely_end_comes_sooner() -> None:
    model = counting(seed=5, eos_bias=1.0)
    options: dict[str, Any] = {"beam": 4, "length_penalty": 1.0, "max_len_ratio": 0.0, "max_len_offset": 40}
    sources = make_sources(ragged(20))
    certain = search_with(model, sources, **options)
    rows = sum(model.rows)
    model.rows.clear()
    likely = search_with(model, sources, stop="likely", **options)
    assert sum(model.rows) < rows
    # What is found is at most as good, and where it differs, something longer was better.
    for one, other in zip(certain, likely, strict=True):
        assert other[0].score <= one[0].score + 1e-6
        assert other[0].ids == one[0].ids or len(other[0].ids) < len(one[0].ids)


def test_finished_sources_cost_nothing() -> None:
    model = counting(seed=5, eos_bias=1.5)
    search_with(model, make_sources(ragged(8)), beam=3, max_len_offset=20)
    assert model.rows[0] == 8, "the first step has one row a source"
    assert model.rows[1] == 24
    assert model.rows == [8, *sorted(model.rows[1:], reverse=True)]
    assert model.rows[-1] < 24
    assert all(rows % 3 == 0 for rows in model.rows[1:]), "every source has equally many rows"


def test_rows_of_a_source_stay_together_so_that_models_may_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_toy(2, eos_bias=1.0)
    seen = []
    inner = ToyModel.advance

    def advance(self: ToyModel, ids: torch.Tensor, state: Any, hooks: Any = None) -> Any:
        seen.append((state.source_index.tolist(), len(state.memory["mask"])))
        return inner(self, ids, state, hooks)

    monkeypatch.setattr(ToyModel, "advance", advance)
    search_with(model, make_sources(ragged(5)), beam=4)
    for index, sources in seen[1:]:
        assert index == [source for source in range(sources) for _ in range(4)]


def test_a_beam_of_one_without_penalty_is_greedy_search() -> None:
    model = make_toy(4).double()
    sources = make_sources(ragged(12))
    greedy = search_with(model, sources, beam=1, length_penalty=0)
    settings = DecodingSettings(beam=1, length_penalty=0)
    found = beam_search(model, sources, SearchSpace.make(model, sources, settings), settings)
    assert [one[0].ids for one in found] == [one[0].ids for one in greedy]
    assert [one[0].score for one in found] == pytest.approx([one[0].score for one in greedy])


def test_ties_go_to_the_lowest_ids_at_every_width() -> None:
    # All real ids are equally likely everywhere, and eos hardly ever comes.
    model = make_toy(0, tgt_size=40, scale=0.0)
    with torch.no_grad():
        model.bias.zero_()
        model.bias[model.vocab.eos_id] = -50
    for beam in (1, 2, 4, 7):
        (hypotheses,) = search_with(
            model, make_sources([[3]]), beam=beam, nbest=beam, max_len_ratio=0.0, max_len_offset=2
        )
        assert [one.ids for one in hypotheses] == [(3, 3 + place) for place in range(beam)]


@pytest.mark.parametrize("form", ["wu", "power"])
def test_the_penalty_never_falls_and_zero_is_none(form: Any) -> None:
    lengths = np.arange(1, 50)
    assert (LengthPenalty(0.0, form)(lengths) == 1).all()
    assert (np.diff(LengthPenalty(0.7, form)(lengths)) > 0).all()
    assert LengthPenalty(0.6, "wu").of(1) == 1
