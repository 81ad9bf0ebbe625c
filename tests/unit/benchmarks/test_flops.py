"""The operations that the benchmarks count, against those that torch sees in plain models of the same sizes.

Models of torch's own parts, not ours: what our layers do in one node, torch cannot count.
"""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.flops import flops_per_target_token, forward_flops, training_flops
from benchmarks.sizes import RecurrentSize, TransformerSize

VOCAB_SIZE = 67
TRANSFORMER = TransformerSize("test", layers=2, d_model=16, d_ff=24, heads=2)
LSTM = RecurrentSize("test", layers=2, width=16)
ROWS = 3
LENGTHS = pytest.mark.parametrize(("src_len", "tgt_len"), [(5, 9), (11, 4)])


def linear(x: Tensor, width: int) -> Tensor:
    """A new matrix, times x."""
    return x @ torch.randn(x.shape[-1], width)


def run_lstm(x: Tensor, width: int, layers: int) -> Tensor:
    """Steps through layers of cells; (rows, length, width)."""
    for _ in range(layers):
        cell, state, outputs = nn.LSTMCell(x.shape[-1], width), None, []
        for step in x.unbind(dim=1):
            state = cell(step, state)
            outputs.append(state[0])
        x = torch.stack(outputs, dim=1)
    return x


def attention_rnn(src_len: int, tgt_len: int, attention: str, input_feeding: bool) -> None:
    width = LSTM.width
    memory = torch.randn(ROWS, src_len, width)
    for _ in range(LSTM.layers):
        memory = torch.cat([run_lstm(memory, width // 2, 1), run_lstm(memory, width // 2, 1)], dim=2)
    stepwise = input_feeding or attention == "bahdanau"
    states = run_lstm(torch.randn(ROWS, tgt_len, 2 * width if stepwise else width), width, 1)
    states = run_lstm(states, width, LSTM.layers - 1)
    keys = linear(memory, width)
    if attention == "bahdanau":
        for _ in range(LSTM.layers):
            linear(torch.randn(ROWS, width), width)
        energies = torch.tanh(linear(states, width)[:, :, None] + keys[:, None])
        weights = linear(energies, 1).squeeze(-1).softmax(dim=-1)
        pieces = [states, weights @ memory, torch.randn(ROWS, tgt_len, width)]
        hidden = linear(torch.cat(pieces, dim=2), 2 * width).unflatten(2, (-1, 2)).amax(dim=3)
    else:
        weights = (states @ keys.transpose(1, 2)).softmax(dim=-1)
        hidden = torch.tanh(linear(torch.cat([weights @ memory, states], dim=2), width))
    linear(hidden, VOCAB_SIZE)


@LENGTHS
def test_transformer(src_len: int, tgt_len: int) -> None:
    size = TRANSFORMER
    model = nn.Transformer(size.d_model, size.heads, size.layers, size.layers, size.d_ff, batch_first=True)
    src, tgt = torch.randn(ROWS, src_len, size.d_model), torch.randn(ROWS, tgt_len, size.d_model)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        linear(model(src, tgt), VOCAB_SIZE)
    expected = forward_flops(size, np.array([src_len]), np.array([tgt_len]), VOCAB_SIZE).item()
    assert counter.get_total_flops() == ROWS * expected


@LENGTHS
@pytest.mark.parametrize(("attention", "input_feeding"), [("luong", False), ("luong", True), ("bahdanau", False)])
def test_lstm_with_attention(attention: str, input_feeding: bool, src_len: int, tgt_len: int) -> None:
    with FlopCounterMode(display=False) as counter:
        attention_rnn(src_len, tgt_len, attention, input_feeding)
    lengths = np.array([src_len]), np.array([tgt_len])
    expected = forward_flops(LSTM, *lengths, VOCAB_SIZE, attention=attention, input_feeding=input_feeding).item()
    assert counter.get_total_flops() == ROWS * expected


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
