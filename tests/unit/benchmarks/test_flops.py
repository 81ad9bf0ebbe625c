"""The operations that the benchmarks count, against those that torch sees our models make."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.flops import flops_per_target_token, forward_flops, training_flops
from benchmarks.sizes import RecurrentSize, Size, TransformerSize, our_recipe
from seqloom.batching import Example, make_batch
from seqloom.models import make_model
from seqloom.recipes import load_recipe
from seqloom.vocabulary import Vocabulary

VOCAB_SIZE = 67
TRANSFORMER = TransformerSize("test", layers=2, d_model=16, d_ff=24, heads=2)
LSTM = RecurrentSize("test", layers=2, width=16)
ROWS = 3


def seen_by_torch(size: Size, src_len: int, tgt_len: int, changes: dict[str, Any]) -> int:
    """Operations of a forward pass over rows without padding; the lengths include eos."""
    ours = our_recipe(size, **changes)
    settings = load_recipe(ours.recipe, ours.assignments()).model
    model = make_model(settings, Vocabulary(VOCAB_SIZE, VOCAB_SIZE, shared=True))
    example = Example(np.arange(3, 2 + src_len), np.arange(3, 2 + tgt_len))
    batch = make_batch([example] * ROWS, pad_id=0, bos_id=1, eos_id=2)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.project(model(batch))
    return counter.get_total_flops()


@pytest.mark.parametrize(("src_len", "tgt_len"), [(5, 9), (11, 4)])
@pytest.mark.parametrize(
    ("size", "changes", "options"),
    [
        (TRANSFORMER, {}, {}),
        (LSTM, {}, {}),
        (LSTM, {"model__input_feeding": True}, {"input_feeding": True}),
        (LSTM, {"model__attention": "bahdanau"}, {"attention": "bahdanau"}),
    ],
    ids=["transformer", "luong", "input-feeding", "bahdanau"],
)
def test_the_formula_counts_what_torch_counts(
    size: Size, changes: dict[str, Any], options: dict[str, Any], src_len: int, tgt_len: int
) -> None:
    expected = forward_flops(size, np.array([src_len]), np.array([tgt_len]), VOCAB_SIZE, **options).item()
    assert seen_by_torch(size, src_len, tgt_len, changes) == ROWS * expected


def test_a_backward_pass_makes_two_products_of_each() -> None:
    query, key, value = (torch.randn(2, 5, 4, requires_grad=True) for _ in range(3))
    with FlopCounterMode(display=False) as forward:
        found = (query @ key.transpose(1, 2)).softmax(dim=-1) @ value
    with FlopCounterMode(display=False) as backward:
        found.sum().backward()
    assert backward.get_total_flops() == 2 * forward.get_total_flops()
    lengths = np.array([7])
    trained = training_flops(TRANSFORMER, lengths, lengths, VOCAB_SIZE)
    assert trained == 3 * forward_flops(TRANSFORMER, lengths, lengths, VOCAB_SIZE)


def test_per_token_is_over_real_target_tokens() -> None:
    src, tgt = np.array([5, 7]), np.array([9, 3])
    found = flops_per_target_token(TRANSFORMER, src, tgt, VOCAB_SIZE)
    assert found == pytest.approx(training_flops(TRANSFORMER, src, tgt, VOCAB_SIZE).sum() / 12)
