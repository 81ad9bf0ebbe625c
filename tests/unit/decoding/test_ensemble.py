from dataclasses import replace

import numpy as np
import pytest
import torch

from seqloom.data.batching import Example, Sources, make_batch
from seqloom.decoding.ensemble import Ensemble, EnsembleState
from seqloom.decoding.forced import align_targets, score_targets
from seqloom.errors import DecodingError
from seqloom.models import make_model
from seqloom.models.transformer import TransformerSettings
from seqloom.nn.activation_hooks import ActivationHooks
from tests.searching import search_with
from tests.toy_model import ToyModel, make_toy

SOURCES = Sources.pad([[3, 4, 5, 2], [6, 2], [7, 7, 2]], pad_id=0)
EXAMPLES = [Example(np.array([3, 4]), np.array([5, 6, 7])), Example(np.array([8]), np.array([3]))]


def other_width(seed: int) -> ToyModel:
    torch.manual_seed(seed)
    return ToyModel(make_toy().vocab, d_model=5).eval()


def test_identical_models_are_the_single_model() -> None:
    single = make_toy(0).double()
    ensemble = Ensemble([single, make_toy(0).double(), make_toy(0).double()])
    for options in ({"beam": 4, "nbest": 3}, {"beam": 1}, {"method": "sample", "seed": 5}):
        for one, other in zip(
            search_with(ensemble, SOURCES, **options), search_with(single, SOURCES, **options), strict=True
        ):
            assert [h.ids for h in one] == [h.ids for h in other]
            assert [h.score for h in one] == pytest.approx([h.score for h in other])


def test_probabilities_are_the_mean_of_the_members() -> None:
    members = [make_toy(0).double(), other_width(1).double(), make_toy(2).double()]
    ensemble = Ensemble(members)
    batch = make_batch(EXAMPLES, pad_id=0, bos_id=1, eos_id=2)
    with torch.no_grad():
        probs = ensemble.project(ensemble(batch)).softmax(2)
        expected = torch.stack([model.project(model(batch)).softmax(2) for model in members]).mean(0)
        # An ensemble may be a member.
        nested = Ensemble([Ensemble(members[:2]), members[2]])
        weights = torch.tensor([0.25, 0.25, 0.5])
        parts = [
            model.project(model(batch)).softmax(2) * weight for model, weight in zip(members, weights, strict=True)
        ]
        torch.testing.assert_close(nested.project(nested(batch)).softmax(2), sum(parts))
    torch.testing.assert_close(probs, expected)


def test_weights_are_those_of_the_mixture() -> None:
    members = [make_toy(0).double(), other_width(1).double(), make_toy(2).double()]
    weights = (0.5, 0.0, 0.5)
    ensemble = Ensemble(members, weights)
    batch = make_batch(EXAMPLES, pad_id=0, bos_id=1, eos_id=2)
    with torch.no_grad():
        probs = ensemble.log_probs(ensemble(batch)).exp()
        each = [model.project(model(batch)).softmax(2) for model in members]
        expected = sum((share * weight for share, weight in zip(each, weights, strict=True)), torch.zeros(()).double())
    torch.testing.assert_close(probs, expected)
    assert ensemble.inference_model().weights == weights


@pytest.mark.parametrize("weights", [(1.0,), (0.5, 0.6), (1.5, -0.5)])
def test_wrong_weights_are_an_error(weights: tuple[float, ...]) -> None:
    with pytest.raises(DecodingError, match="weights:"):
        Ensemble([make_toy(0), make_toy(1)], weights)


def test_states_move_together_under_select() -> None:
    ensemble = Ensemble([make_toy(0).double(), other_width(1).double()])
    rows = torch.tensor([2, 0, 0])
    with torch.no_grad():
        state = ensemble.step(torch.tensor([[1, 3], [1, 4], [1, 5]]), ensemble.start(SOURCES)).state
        whole = ensemble.step(torch.tensor([[6], [7], [8]]), state).logits[rows]
        chosen = ensemble.step(torch.tensor([[8], [6], [6]]), state.select(rows)).logits
        left = state.select(rows)
        assert isinstance(left, EnsembleState)
        assert {len(tensor) for member in left.states for tensor in member.memory.values()} == {2}
    torch.testing.assert_close(chosen, whole)


def test_search_and_forced_scores_agree() -> None:
    ensemble = Ensemble([make_toy(3).double(), other_width(4).double()])
    sources = [[3, 4], [5], [9, 8, 7]]
    found = search_with(ensemble, Sources.pad([[*ids, 2] for ids in sources], pad_id=0), beam=3)
    for source, (one,) in zip(sources, found, strict=True):
        (forced,) = score_targets(ensemble, [Example(np.array(source), np.array(one.ids, dtype=np.int64))])
        assert one.token_log_probs == pytest.approx(forced.token_log_probs[: len(one.token_log_probs)])


def test_the_inference_model_and_shortlists_are_the_members_own() -> None:
    members = []
    for seed, positions in enumerate(("sinusoidal", "rotary")):
        torch.manual_seed(seed)
        settings = TransformerSettings(
            d_model=8,
            d_ff=8,
            num_heads=2,
            num_encoder_layers=1,
            num_decoder_layers=2,
            positions=positions,
            tied_embeddings="output",
        )
        members.append(make_model(settings, make_toy().vocab).double().eval())
    nested = Ensemble([Ensemble(members), make_toy(5).double()])
    inference_model = nested.inference_model()
    assert not inference_model.training
    shortlists = np.array([[0, 1, 2, 5, 7, 8], [0, 1, 2, 3, 4, -1], [0, 1, 2, 8, 6, 4]])
    for options in ({}, {"shortlists": shortlists}):
        plain = search_with(nested, SOURCES, beam=4, nbest=3, **options)
        for one, other in zip(plain, search_with(inference_model, SOURCES, beam=4, nbest=3, **options), strict=True):
            assert [h.ids for h in one] == [h.ids for h in other]
            assert [h.score for h in one] == pytest.approx([h.score for h in other])
    for hypotheses, shortlist in zip(plain, shortlists, strict=True):
        assert all(set(one.ids) <= set(shortlist) for one in hypotheses)
    with torch.no_grad():
        batch = make_batch(EXAMPLES, pad_id=0, bos_id=1, eos_id=2)
        torch.testing.assert_close(inference_model.project(inference_model(batch)), nested.project(nested(batch)))


def test_limits_are_those_of_the_narrowest_member() -> None:
    assert Ensemble([make_toy(0), make_toy(1)]).max_len is None
    ensemble = Ensemble([make_toy(0), make_toy(1, max_len=9), make_toy(2, max_len=7)])
    assert ensemble.max_len == ensemble.max_tgt_len(3) == 7


def test_other_vocabularies_and_no_models_are_refused() -> None:
    other = make_toy(0)
    other.vocab = replace(other.vocab, eos_id=3)
    with pytest.raises(DecodingError, match="model 2 of the ensemble has another vocabulary"):
        Ensemble([make_toy(0), other])
    with pytest.raises(DecodingError, match="at least one"):
        Ensemble([])
    with pytest.raises(DecodingError, match="cannot be trained"):
        Ensemble([make_toy(0)]).output_weights()


def test_records_hold_every_member_and_the_mean_alignment() -> None:
    members = [make_toy(0, alignment=True), make_toy(1, alignment=True)]
    ensemble, hooks = Ensemble(members), ActivationHooks({"1.decoder.tokens": torch.zeros_like})
    batch = make_batch(EXAMPLES, pad_id=0, bos_id=1, eos_id=2)
    with torch.no_grad():
        ensemble(batch, hooks)
        torch.testing.assert_close(hooks["alignment"], (hooks["0.alignment"] + hooks["1.alignment"]) / 2)
        without = ActivationHooks()
        ensemble(batch, without)
    assert torch.equal(hooks["0.decoder.hidden"], without["0.decoder.hidden"])
    assert not torch.equal(hooks["1.decoder.hidden"], without["1.decoder.hidden"]), "interventions reach members"
    assert len(align_targets(ensemble, EXAMPLES)[0]) == 3
    with pytest.raises(DecodingError, match="no attention"):
        align_targets(Ensemble([members[0], make_toy(2)]), EXAMPLES)
