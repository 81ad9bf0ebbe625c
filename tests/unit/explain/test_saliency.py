"""Reach: gradients with respect to embeddings, for every architecture by the same code."""

import numpy as np
import pytest
import torch

from seqloom.batching import make_batch
from seqloom.claims.reach import gradient_norms, log_probs
from seqloom.example import Example
from seqloom.models import MODELS, make_model
from seqloom.vocabulary import Vocabulary

VOCAB = Vocabulary(20, 20, shared=True)
SMALL = {
    "rnn": {"d_model": 16, "hidden_size": 12, "num_layers": 1},
    "attention-rnn": {"d_model": 16, "hidden_size": 12, "num_layers": 1},
    "transformer": {"d_model": 16, "d_ff": 24, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 1},
    "transformer-lm": {"d_model": 16, "d_ff": 24, "num_heads": 2, "num_layers": 2},
    "fixed-mixer": {"d_model": 16, "d_ff": 24, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 1},
}


def build(name):
    torch.manual_seed(0)
    return make_model(MODELS[name][0].parse(SMALL[name]), VOCAB).double().eval()


def batch_of(*targets, src=(5, 6, 7)):
    examples = [Example(np.array(src), np.array(target)) for target in targets]
    return make_batch(examples, pad_id=VOCAB.pad_id, bos_id=VOCAB.bos_id, eos_id=VOCAB.eos_id)


def test_all_architectures_are_tried():
    assert set(SMALL) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_no_gradient_comes_from_the_future(name):
    norms = gradient_norms(build(name), batch_of([8, 9, 10, 11, 12]), of="target", position=2)
    assert norms.shape == (1, 6)
    assert (norms[0, :3] > 0).all()
    assert (norms[0, 3:] == 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_every_source_word_is_reached_and_padding_is_not(name):
    model = build(name)
    short = gradient_norms(model, batch_of([8, 9], src=(5, 6)), of="source", position=1)
    assert (short > 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_what_small_changes_do(name):
    model, batch = build(name), batch_of([8, 9, 10])
    norms = gradient_norms(model, batch, of="target", position=2)
    # Against a change of an embedding by a small step along a random direction, by finite differences.
    from seqloom.nn.record import Record

    direction = torch.randn(16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = []
    for sign in (1, -1):

        def move(value, sign=sign):
            moved = value.clone()
            moved[:, 1] += sign * 1e-6 * direction
            return moved

        with torch.no_grad():
            found.append(float(-log_probs(model, batch, Record({"decoder.tokens": move}))[0, 2]))
    slope = abs(found[0] - found[1]) / 2e-6
    # No direction is steeper than the gradient is long.
    assert 0 < slope <= float(norms[0, 1] * direction.norm()) * (1 + 1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_a_sentence_alone_has_the_gradient_that_it_has_in_a_batch(name):
    model = build(name)
    together = gradient_norms(model, batch_of([8, 9, 10], [11, 12, 13]), of="target", position=2)
    alone = gradient_norms(model, batch_of([11, 12, 13]), of="target", position=2)
    assert torch.allclose(together[1], alone[0])
