"""Our layers against independent ones: torch's attention, LSTM, GRU and dropout's expectation."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.attention import (
    BahdanauAttention,
    LuongAttention,
    attend,
    causal_mask,
    mask_bias,
    weighted_context,
)
from seqloom.nn.dropout import Dropout
from seqloom.nn.multi_head import MultiHeadAttention
from seqloom.nn.norm import RMSNorm, make_norm
from seqloom.nn.positions import alibi_bias, rotary_angles, rotate, sinusoids
from seqloom.nn.recurrent import RecurrentLayer


def ragged_mask(lengths: list[int]) -> torch.Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


@pytest.mark.parametrize("with_hooks", [False, True])
@pytest.mark.parametrize("length", [9, 300])
def test_attend_equals_the_fused_kernel(length: int, with_hooks: bool) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 4, length, 8) for _ in range(3))
    bias = mask_bias(causal_mask(length, length))[None, None]
    hooks = ActivationHooks() if with_hooks else None
    ours = attend(query, key, value, bias, hooks=hooks, name="x")
    assert_close(ours, F.scaled_dot_product_attention(query, key, value, is_causal=True), rtol=0, atol=1e-5)
    if hooks is not None:
        assert hooks["x.attn_weights"].shape == (2, 4, length, length)


def test_multi_head_attention_equals_torchs() -> None:
    torch.manual_seed(0)
    ours = MultiHeadAttention(16, 4)
    theirs = nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    x, memory = torch.randn(3, 5, 16), torch.randn(3, 7, 16)
    mask = ragged_mask([7, 2, 4])
    bias = mask_bias(mask)[:, None, None]
    crossed = ours.join(attend(ours.queries(x), *ours.keys_values(memory), bias))
    assert_close(crossed, theirs(x, memory, memory, key_padding_mask=~mask)[0], rtol=0, atol=1e-5)
    causal = causal_mask(5, 5)
    own = ours.join(attend(*ours.self_projections(x), mask_bias(causal)[None, None]))
    assert_close(own, theirs(x, x, x, attn_mask=~causal)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("reverse", [False, True])
def test_recurrent_layer_equals_torchs_over_ragged_sequences(cell: str, reverse: bool) -> None:
    torch.manual_seed(0)
    lengths = [6, 1, 4]
    ours = RecurrentLayer(cell, 5, 7).double()  # type: ignore[arg-type]
    theirs = (nn.LSTM if cell == "lstm" else nn.GRU)(5, 7, batch_first=True).double()
    with torch.no_grad():
        for name, source in (("ih", ours.input_weight), ("hh", ours.hidden_weight), ("b", ours.bias)):
            gates = list(source.chunk(4 if cell == "lstm" else 3))
            if cell == "lstm":  # torch: input, forget, candidate, output
                gates = [gates[0], gates[1], gates[3], gates[2]]
            target = {"ih": theirs.weight_ih_l0, "hh": theirs.weight_hh_l0, "b": theirs.bias_ih_l0}[name]
            target.copy_(torch.cat(gates))
        theirs.bias_hh_l0.zero_()
        if ours.candidate_bias is not None:
            nn.init.normal_(ours.candidate_bias)
            theirs.bias_hh_l0[14:].copy_(ours.candidate_bias)
    x = torch.randn(3, 6, 5, dtype=torch.float64, requires_grad=True)
    outputs, state = ours(x, ragged_mask(lengths), reverse=reverse)
    weights = torch.randn_like(outputs)
    total = outputs.new_zeros(())
    for row, length in enumerate(lengths):
        alone = x[row : row + 1, :length]
        expected, last = theirs(alone.flip(1) if reverse else alone)
        last = last if cell == "lstm" else (last,)
        expected = expected.flip(1) if reverse else expected
        assert_close(outputs[row, :length], expected[0], rtol=0, atol=1e-12)
        for part, expected_part in zip(state, last, strict=True):
            assert_close(part[row], expected_part[0, 0], rtol=0, atol=1e-12)
        total = total + (expected[0] * weights[row, :length]).sum()
    mask = ragged_mask(lengths)[:, :, None]
    (ours_grad,) = torch.autograd.grad((outputs * weights * mask).sum(), x, retain_graph=True)
    (theirs_grad,) = torch.autograd.grad(total, x, retain_graph=True)
    assert_close(ours_grad, theirs_grad, rtol=0, atol=1e-12)
    ours_weight = torch.autograd.grad((outputs * weights * mask).sum(), ours.hidden_weight)[0]
    theirs_weight = torch.autograd.grad(total, theirs.weight_hh_l0)[0]
    assert_close(ours_weight.norm(), theirs_weight.norm(), rtol=0, atol=1e-10)


def test_luong_and_bahdanau_scores_follow_their_equations() -> None:
    torch.manual_seed(0)
    query, memory = torch.randn(2, 3, 4), torch.randn(2, 5, 6)
    general = LuongAttention(4, 6, "general")
    expected = torch.einsum("btq,qm,bsm->bts", query, general.key.weight, memory)
    assert_close(general.scores(query, general.keys(memory)), expected, rtol=0, atol=1e-5)
    additive = BahdanauAttention(4, 6)
    at = torch.tanh(additive.query(query[1, 2]) + memory[1, 3] @ additive.key.weight.t()) @ additive.energy.weight[0]
    assert_close(additive.scores(query, additive.keys(memory))[1, 2, 3], at, rtol=0, atol=1e-5)
    mask = ragged_mask([5, 2])
    context = weighted_context(expected, memory, mask)
    assert_close(context[1], expected[1, :, :2].softmax(-1) @ memory[1, :2], rtol=0, atol=1e-5)


def test_dropout_keeps_the_expectation_and_follows_the_seed() -> None:
    dropout = Dropout(0.3)
    ones = torch.ones(101, 1003)
    torch.manual_seed(5)
    first = dropout(ones)
    torch.manual_seed(5)
    assert torch.equal(dropout(ones), first)
    share = (first == 0).float().mean().item()
    assert abs(share - round(0.3 * 256) / 256) < 0.01
    assert abs(first.mean().item() - 1) < 0.01
    # Each of the eight bytes of a random number serves; none is biased.
    for lane in range(8):
        assert abs((first.flatten()[lane::8] == 0).float().mean().item() - 0.3) < 0.02
    dropout.eval()
    assert dropout(ones) is ones


def test_positions_follow_their_definitions() -> None:
    waves = sinusoids(50, 8)
    assert_close(waves[7, 0], torch.tensor(math.sin(7.0)))
    assert_close(waves[7, 4], torch.tensor(math.cos(7.0)))
    # Rotary: scores depend on the distance only.
    torch.manual_seed(0)
    query, key = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)
    turned = lambda x, i: rotate(x, rotary_angles(torch.tensor([[i]]), 8))  # noqa: E731
    at = lambda i, j: (turned(query, i) * turned(key, j)).sum()  # noqa: E731
    assert_close(at(3, 1), at(10, 8), rtol=0, atol=1e-5)
    assert abs(at(3, 1) - at(3, 2)) > 1e-4
    bias = alibi_bias(torch.tensor([[4]]), torch.tensor([[1, 4]]), 2)
    assert_close(bias[0, :, 0], torch.tensor([[-3 * 2.0**-4, 0], [-3 * 2.0**-8, 0]]))


@pytest.mark.parametrize("shape", [(6,), (5, 6), (2, 3, 4, 6)])
def test_rms_norm_equals_torchs_own_and_its_gradients(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    norm = make_norm("rms", 6).double()
    assert isinstance(norm, RMSNorm)
    nn.init.normal_(norm.weight)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    grad = torch.randn(shape, dtype=torch.float64)
    found, expected = norm(x), F.rms_norm(x, (6,), norm.weight, norm.eps)
    assert_close(found, expected, rtol=1e-12, atol=1e-12)
    inputs = [x, norm.weight]
    ours, theirs = (torch.autograd.grad(y, inputs, grad) for y in (found, expected))
    assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert norm(x.bfloat16()).dtype == torch.float64
