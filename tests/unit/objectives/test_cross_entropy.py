"""Cross-entropy with loss weights: a part of weight 0 is read and not learned."""

from dataclasses import replace

import numpy as np
import torch

from seqloom.data.batching import Example, make_batch
from seqloom.models import MODELS, make_model
from seqloom.objectives import CrossEntropy
from seqloom.vocabulary import Vocabulary


def _ids(*ids: int) -> np.ndarray:
    return np.array(ids, dtype=np.int32)


def _model() -> torch.nn.Module:
    torch.manual_seed(0)
    return make_model(
        MODELS["transformer"][0](d_model=8, d_ff=8, num_heads=1, dropout=0.0), Vocabulary(12, 12, shared=True)
    )


def test_weights_of_one_change_nothing() -> None:
    model = _model()
    plain = make_batch([Example(_ids(3, 4), _ids(5, 6, 7)), Example(_ids(3), _ids(8))], pad_id=0, bos_id=1, eos_id=2)
    weighted = replace(plain, loss_weights=plain.tgt_mask.float())
    expected, actual = (CrossEntropy(0.1)(model, batch) for batch in (plain, weighted))
    torch.testing.assert_close(actual.sum, expected.sum)
    torch.testing.assert_close(actual.nll, expected.nll)
    assert float(actual.weight) == float(expected.weight) == plain.weight == 6


def test_a_prompt_without_weight_is_not_counted() -> None:
    model = _model()
    prompt_and_reply = Example(_ids(3), _ids(5, 6, 7, 8), np.array([0.0, 0.0, 1.0, 1.0]))
    other = Example(_ids(3), _ids(9))
    batch = make_batch([prompt_and_reply, other], pad_id=0, bos_id=1, eos_id=2)
    assert batch.loss_weights is not None
    # eos counts 1, and so does an example without weights; padding counts 0.
    assert batch.loss_weights.tolist() == [[0, 0, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert batch.weight == 5
    loss = CrossEntropy()(model, batch)
    log_probs = model.project(model(batch)).log_softmax(-1)
    nll = -log_probs.gather(2, batch.tgt_out[:, :, None])[:, :, 0]
    torch.testing.assert_close(loss.nll, (nll * batch.loss_weights).sum())
    changed = make_batch(
        [replace(prompt_and_reply, loss_weights=np.array([0.0, 0.0, 1.0, 1.0, 0.5])), other],
        pad_id=0,
        bos_id=1,
        eos_id=2,
    )
    assert changed.weight == 4.5
