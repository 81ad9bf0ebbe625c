from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from seqloom.data.batching import Sources
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.shortlist import Shortlisted
from seqloom.errors import DecodingError
from seqloom.models import MODELS, make_model
from seqloom.models.base import Model
from seqloom.vocabulary import Vocabulary
from tests.searching import search_with
from tests.toy_model import make_toy

VOCAB = Vocabulary(src_size=23, tgt_size=23, shared=True)
SMALL = {"d_model": 16, "dropout": 0.0}
TRANSFORMER = {**SMALL, "d_ff": 24, "num_heads": 2}
SETTINGS: dict[str, dict[str, object]] = {
    "rnn": {**SMALL, "hidden_size": 12},
    "attention-rnn": {**SMALL, "hidden_size": 12},
    "transformer": {**TRANSFORMER, "num_encoder_layers": 1, "num_decoder_layers": 2},
    "transformer-lm": {**TRANSFORMER, "num_layers": 2},
}
SEARCHES: dict[str, dict[str, Any]] = {
    "greedy": {"beam": 1},
    "beam": {"beam": 4, "nbest": 3},
    "likely": {"beam": 4, "stop": "likely"},
    "rules": {"beam": 3, "min_len": 3, "no_repeat_ngram": 1},
    "sample": {"method": "sample", "nbest": 2, "seed": 5},
}


def build(name: str) -> Model:
    torch.manual_seed(3)
    if name == "toy":
        return make_toy(3, 23, 23, shared=True).double()
    cls, _ = MODELS[name]
    return make_model(cls.parse({"architecture": name, **SETTINGS[name]}), VOCAB).double().eval().inference_model()


@pytest.fixture(params=["toy", *SETTINGS])
def model(request: pytest.FixtureRequest) -> Model:
    return build(request.param)


def sources_of(rows: Sequence[Sequence[int]]) -> Sources:
    return Sources.pad(rows, pad_id=0)


ROWS = [[5, 9, 2], [3, 2], [4, 4, 8, 7, 12, 2], [20, 21, 2], [6, 3, 2]]
EVERYTHING = np.arange(23)[None].repeat(len(ROWS), axis=0)


def some(seed: int = 0) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Shortlists of different lengths."""
    rng = np.random.default_rng(seed)
    found = np.full((len(ROWS), 12), -1, dtype=np.int64)
    for row in found:
        size = rng.integers(4, 10)
        row[:3], row[3 : 3 + size] = [0, 1, 2], np.sort(rng.choice(np.arange(3, 23), size=size, replace=False))
    return found[:, : (found >= 0).sum(axis=1).max()]


def alike(found: Sequence[Hypothesis], others: Sequence[Hypothesis]) -> None:
    assert [one.ids for one in found] == [one.ids for one in others]
    assert [one.score for one in found] == pytest.approx([one.score for one in others], abs=1e-9)
    assert [one.finished for one in found] == [one.finished for one in others]


@pytest.mark.parametrize("options", SEARCHES.values(), ids=SEARCHES)
def test_a_shortlist_of_everything_changes_nothing(model: Model, options: dict[str, Any]) -> None:
    plain = search_with(model, sources_of(ROWS), **options)
    for found, wanted in zip(
        search_with(model, sources_of(ROWS), shortlists=EVERYTHING, **options), plain, strict=True
    ):
        alike(found, wanted)


@pytest.mark.parametrize("options", SEARCHES.values(), ids=SEARCHES)
def test_a_source_is_answered_as_if_it_were_alone(model: Model, options: dict[str, Any]) -> None:
    shortlists = some()
    together = search_with(model, sources_of(ROWS), shortlists=shortlists, **options)
    for number, row in enumerate(ROWS):
        own = shortlists[number][shortlists[number] >= 0][None]
        sampled = options.get("method") == "sample"
        extra = {"draw_keys": [(5, number, copy) for copy in range(2)]} if sampled else {}
        (alone,) = search_with(model, sources_of([row]), shortlists=own, **options, **extra)
        alike(together[number], alone)


@pytest.mark.parametrize("options", SEARCHES.values(), ids=SEARCHES)
def test_nothing_comes_that_is_not_on_the_shortlist(model: Model, options: dict[str, Any]) -> None:
    shortlists = some(1)
    found = search_with(model, sources_of(ROWS), shortlists=shortlists, **{"min_len": 3, **options})
    assert all(len(one.ids) >= 2 for hypotheses in found for one in hypotheses)
    for hypotheses, shortlist in zip(found, shortlists, strict=True):
        for one in hypotheses:
            assert set(one.ids) <= set(shortlist[3:].tolist())


@torch.no_grad()
def test_probabilities_are_over_the_shortlist(model: Model) -> None:
    shortlists = some()
    found = search_with(model, sources_of(ROWS), shortlists=shortlists, beam=3)
    for row, shortlist, (best, *_) in zip(ROWS, shortlists, found, strict=True):
        ids = [*best.ids, 2] if best.finished else list(best.ids)
        state = model.start(sources_of([row]))
        total = 0.0
        for fed, wanted in zip([1, *ids[:-1]], ids, strict=True):
            output = model.step(torch.tensor([[fed]]), state)
            state = output.state
            allowed = torch.from_numpy(shortlist[shortlist >= 0])
            logits = output.logits[0, -1]
            total += float(logits[wanted] - logits[allowed].logsumexp(dim=0))
        assert best.log_prob == pytest.approx(total, abs=1e-9)


@torch.no_grad()
def test_rows_reach_their_own_shortlist_in_any_order(model: Model) -> None:
    shortlists = some()
    narrowed = Shortlisted(model, shortlists)
    state = narrowed.start(sources_of(ROWS))
    state = narrowed.step(torch.ones(len(ROWS), 1, dtype=torch.long), state).state
    rows = torch.tensor([3, 0, 0, 4])
    logits = narrowed.step(torch.full((4, 2), 4), state.select(rows)).logits
    for place, source in enumerate(rows.tolist()):
        own = shortlists[source][shortlists[source] >= 0]
        whole = model.step(torch.ones(1, 1, dtype=torch.long), model.start(sources_of([ROWS[source]]))).state
        wanted = model.step(torch.full((1, 2), int(own[4])), whole).logits[0][:, own]
        torch.testing.assert_close(logits[place, :, : len(own)], wanted, rtol=0, atol=1e-9)
        assert (logits[place, :, len(own) :] == -np.inf).all()


def test_what_it_cannot_do_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="decoder prompt"):
        search_with(model, sources_of(ROWS), shortlists=EVERYTHING, decoder_prompts=[[1, 4]] * len(ROWS))
    with pytest.raises(DecodingError, match="output matrix for each source"):
        Shortlisted(model, EVERYTHING).output_weights()
