"""An LSTM or a GRU over all steps as one autograd function, with its gradient written by hand.

The gradient of the recurrent weights is one matrix product over all steps instead of one per step. Only gates and states are kept
for the backward pass, and a step computes only the sequences that are long enough. benchmarks/layers.py compares its speed with the
same steps in autograd.

Inputs and outputs are packed tokens (nn/packing.py); states are in the packing's order. The gates overwrite `projected`, which is
the output of a matrix product whose gradient does not need it.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqloom.nn.recurrent_cells import gru_backward, gru_forward, lstm_backward, lstm_forward


def _slices(sizes: Sequence[int], reverse: bool) -> list[tuple[int, slice]]:
    """For each step in reading order: its number of rows, and the slice of its packed tokens."""
    steps = [(size, slice(end - size, end)) for size, end in zip(sizes, accumulate(sizes), strict=True)]
    return steps[::-1] if reverse else steps


def lstm_over_time(
    projected: Float[Tensor, "tokens gates"],
    state: tuple[Tensor, ...],
    weight: Float[Tensor, "gates hidden_size"],
    sizes: list[int],
    *,
    reverse: bool,
) -> tuple[Float[Tensor, "tokens hidden_size"], tuple[Tensor, ...]]:
    """Runs an LSTM; the gates are in the order input, forget, output, candidate.

    Args:
        projected: the product of input and input weights, plus the bias; it is overwritten.
        state: the first hidden states and cells.
        sizes: the number of sequences at each step.
        reverse: whether the tokens are read from last to first.

    Returns:
        All hidden states, and the last hidden states and cells.
    """
    hiddens, *last = _LSTMOverTime.apply(projected, *state, weight, sizes, reverse)
    return hiddens, tuple(last)


def gru_over_time(
    projected: Float[Tensor, "tokens gates"],
    state: tuple[Tensor, ...],
    weight: Float[Tensor, "gates hidden_size"],
    candidate_bias: Float[Tensor, "hidden_size"],
    sizes: list[int],
    *,
    reverse: bool,
) -> tuple[Float[Tensor, "tokens hidden_size"], tuple[Tensor, ...]]:
    """Runs a GRU; the gates are in the order reset, update, candidate. See `lstm_over_time`."""
    hiddens, *last = _GRUOverTime.apply(projected, *state, weight, candidate_bias, sizes, reverse)
    return hiddens, tuple(last)


class _LSTMOverTime(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, gates: Tensor, hidden: Tensor, cell: Tensor, weight: Tensor, sizes: list[int], reverse: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        tokens, d = gates.shape[0], weight.shape[1]
        hidden, cell = hidden.clone(), cell.clone()
        hiddens, hiddens_before, cells_before, tanh_cells = gates.new_empty(4, tokens, d).unbind()
        transposed = weight.t()
        for size, at in _slices(sizes, reverse):
            before, new = cells_before[at].copy_(cell[:size]), hiddens[at]
            gates[at].addmm_(hiddens_before[at].copy_(hidden[:size]), transposed)
            lstm_forward(gates[at], before, cell[:size], tanh_cells[at], new)
            hidden[:size] = new
        ctx.save_for_backward(gates, hiddens_before, cells_before, tanh_cells, weight)
        ctx.sizes, ctx.reverse = sizes, reverse
        return hiddens, hidden, cell

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_hiddens: Tensor, grad_hidden: Tensor, grad_cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, None, None]:
        gates, hiddens_before, cells_before, tanh_cells, weight = ctx.saved_tensors
        d_sums = torch.empty_like(gates)
        d_hidden, d_cell = grad_hidden.clone(), grad_cell.clone()
        for size, at in _slices(ctx.sizes, not ctx.reverse):
            dh = d_hidden[:size].add_(grad_hiddens[at])
            lstm_backward(dh, d_cell[:size], gates[at], cells_before[at], tanh_cells[at], d_sums[at])
            torch.mm(d_sums[at], weight, out=dh)
        return d_sums, d_hidden, d_cell, d_sums.t() @ hiddens_before, None, None


class _GRUOverTime(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, gates: Tensor, hidden: Tensor, weight: Tensor, candidate_bias: Tensor, sizes: list[int], reverse: bool
    ) -> tuple[Tensor, Tensor]:
        tokens, d = gates.shape[0], weight.shape[1]
        hidden = hidden.clone()
        hiddens, befores, candidates = gates.new_empty(3, tokens, d).unbind()
        bias, transposed = torch.cat([gates.new_zeros(2 * d), candidate_bias]), weight.t()
        for size, at in _slices(sizes, reverse):
            before, new = befores[at].copy_(hidden[:size]), hiddens[at]
            recurrent = torch.addmm(bias, before, transposed)
            candidates[at] = recurrent[:, 2 * d :]
            gru_forward(gates[at], recurrent, before, new)
            hidden[:size] = new
        ctx.save_for_backward(gates, befores, candidates, weight)
        ctx.sizes, ctx.reverse = sizes, reverse
        return hiddens, hidden

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_hiddens: Tensor, grad_hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, None, None]:
        gates, befores, candidates, weight = ctx.saved_tensors
        d_sums, d_recurrent = torch.empty_like(gates), torch.empty_like(gates)
        d_hidden = grad_hidden.clone()
        for size, at in _slices(ctx.sizes, not ctx.reverse):
            dh = d_hidden[:size].add_(grad_hiddens[at])
            gru_backward(dh, gates[at], candidates[at], befores[at], d_sums[at], d_recurrent[at])
            dh.addmm_(d_recurrent[at], weight)
        d_bias = d_recurrent[:, 2 * weight.shape[1] :].sum(dim=0)
        return d_sums, d_hidden, d_recurrent.t() @ befores, d_bias, None, None
