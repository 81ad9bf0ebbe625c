"""One step of an LSTM or a GRU and its gradient, written by hand: in place, with as few passes over memory as possible.

The caller computes the matrix products. On a CPU the remaining time depends on the number of passes over memory and on the
hyperbolic tangent, which takes as long as three logistic functions. So tanh is computed as 2 sigmoid(2 x) - 1, with an error of at
most 2e-7 in single precision.

Shapes: rows are the sequences of the step; d is the hidden size.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

# torch.add needs a tensor as its first argument, and `alpha` multiplies the second.
_MINUS_ONE = torch.tensor(-1.0)


def tanh_(x: Tensor) -> Tensor:
    """Computes the hyperbolic tangent in place, by the logistic function."""
    x.mul_(2).sigmoid_()
    return torch.add(_MINUS_ONE, x, alpha=2, out=x)


def lstm_forward(gates: Tensor, before: Tensor, cell: Tensor, tanh_cell: Tensor, hidden: Tensor) -> None:
    """Computes c = f * c_before + i * g and h = o * tanh(c).

    Args:
        gates: (rows, 4 d), the sums of input, forget, output and candidate; overwritten by the gates.
        before: (rows, d), the cells of the previous step.
        cell: (rows, d), output: the cells.
        tanh_cell: (rows, d), output: the tanh of the cells.
        hidden: (rows, d), output: the hidden states.
    """
    d = hidden.shape[1]
    candidate = gates[:, 3 * d :]
    candidate.mul_(2)
    gates.sigmoid_()
    torch.add(_MINUS_ONE, candidate, alpha=2, out=candidate)
    torch.mul(gates[:, d : 2 * d], before, out=cell)
    cell.addcmul_(gates[:, :d], candidate)
    torch.mul(cell, 2, out=tanh_cell).sigmoid_()
    torch.add(_MINUS_ONE, tanh_cell, alpha=2, out=tanh_cell)
    torch.mul(gates[:, 2 * d : 3 * d], tanh_cell, out=hidden)


def lstm_backward(
    d_hidden: Tensor, d_cell: Tensor, gates: Tensor, before: Tensor, tanh_cell: Tensor, d_sums: Tensor
) -> None:
    """Computes the gradient of `lstm_forward`.

    Args:
        d_hidden: (rows, d), the gradient of the hidden states; overwritten.
        d_cell: (rows, d), the gradient of the cells; overwritten by the gradient of `before`.
        gates, before, tanh_cell: the tensors after `lstm_forward`.
        d_sums: (rows, 4 d), output: the gradient of the sums.
    """
    d = d_hidden.shape[1]
    gate_in, gate_forget, gate_out, candidate = gates.split(d, dim=1)
    torch.mul(d_hidden, tanh_cell, out=d_sums[:, 2 * d : 3 * d])
    d_hidden.mul_(gate_out)
    d_cell.add_(torch.ops.aten.tanh_backward(d_hidden, tanh_cell))
    torch.mul(d_cell, candidate, out=d_sums[:, :d])
    torch.mul(d_cell, before, out=d_sums[:, d : 2 * d])
    torch.mul(d_cell, gate_in, out=d_hidden)
    torch.ops.aten.tanh_backward(d_hidden, candidate, grad_input=d_sums[:, 3 * d :])
    sigmoids = d_sums[:, : 3 * d]
    torch.ops.aten.sigmoid_backward(sigmoids, gates[:, : 3 * d], grad_input=sigmoids)
    d_cell.mul_(gate_forget)


def gru_forward(gates: Tensor, recurrent: Tensor, before: Tensor, hidden: Tensor) -> None:
    """Computes h = n + z * (h_before - n) with n = tanh(x_n + r * recurrent_n).

    Args:
        gates: (rows, 3 d), the input's part of reset gate r, update gate z and candidate n; overwritten by the gates.
        recurrent: (rows, 3 d), the part of the hidden states of the previous step, with biases.
        before: (rows, d), the hidden states of the previous step.
        hidden: (rows, d), output: the hidden states.
    """
    d = hidden.shape[1]
    sigmoids, candidate = gates[:, : 2 * d], gates[:, 2 * d :]
    sigmoids.add_(recurrent[:, : 2 * d]).sigmoid_()
    tanh_(candidate.addcmul_(gates[:, :d], recurrent[:, 2 * d :]))
    torch.lerp(candidate, before, gates[:, d : 2 * d], out=hidden)


def gru_backward(
    d_hidden: Tensor, gates: Tensor, recurrent: Tensor, before: Tensor, d_sums: Tensor, d_recurrent: Tensor
) -> None:
    """Computes the gradient of `gru_forward`.

    Args:
        d_hidden: (rows, d), the gradient of the hidden states; overwritten by the gradient of `before`, without the part
            that passes through `recurrent`.
        gates, before: the tensors after `gru_forward`.
        recurrent: (rows, d), only the candidate's part.
        d_sums: (rows, 3 d), output: the gradient of the input's part.
        d_recurrent: (rows, 3 d), output: the gradient of the recurrent part.
    """
    d = d_hidden.shape[1]
    reset, update, candidate = gates.split(d, dim=1)
    torch.mul(d_hidden, before - candidate, out=d_sums[:, d : 2 * d])
    kept = d_hidden * update
    d_candidate = torch.ops.aten.tanh_backward(d_hidden.sub_(kept), candidate, grad_input=d_sums[:, 2 * d :])
    torch.mul(d_candidate, recurrent, out=d_sums[:, :d])
    sigmoids = d_sums[:, : 2 * d]
    torch.ops.aten.sigmoid_backward(sigmoids, gates[:, : 2 * d], grad_input=sigmoids)
    d_recurrent[:, : 2 * d].copy_(sigmoids)
    torch.mul(d_candidate, reset, out=d_recurrent[:, 2 * d :])
    d_hidden.copy_(kept)


class _LSTMStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gates: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        hidden, cell, tanh_cell = (torch.empty_like(before) for _ in range(3))
        lstm_forward(gates, before, cell, tanh_cell, hidden)
        ctx.save_for_backward(gates, before, tanh_cell)
        return hidden, cell

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_hidden: Tensor, grad_cell: Tensor) -> tuple[Tensor, Tensor]:
        gates, before, tanh_cell = ctx.saved_tensors
        d_cell, d_sums = grad_cell.clone(), torch.empty_like(gates)
        lstm_backward(grad_hidden.clone(), d_cell, gates, before, tanh_cell, d_sums)
        return d_sums, d_cell


class _GRUStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gates: Tensor, recurrent: Tensor, before: Tensor) -> Tensor:
        hidden = torch.empty_like(before)
        gru_forward(gates, recurrent, before, hidden)
        ctx.save_for_backward(gates, recurrent, before)
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, recurrent, before = ctx.saved_tensors
        d_before, d_sums, d_recurrent = grad_hidden.clone(), torch.empty_like(gates), torch.empty_like(gates)
        gru_backward(d_before, gates, recurrent[:, 2 * before.shape[1] :], before, d_sums, d_recurrent)
        return d_sums, d_recurrent, d_before


def lstm_step(
    sums: Float[Tensor, "batch gates"], cell: Float[Tensor, "batch hidden_size"]
) -> tuple[Float[Tensor, "batch hidden_size"], Float[Tensor, "batch hidden_size"]]:
    """The next hidden states and cells; differentiable. `sums`, the sums of the gates, is overwritten."""
    new: tuple[Tensor, Tensor] = _LSTMStep.apply(sums, cell)
    return new


def gru_step(
    sums: Float[Tensor, "batch gates"],
    recurrent: Float[Tensor, "batch gates"],
    hidden: Float[Tensor, "batch hidden_size"],
) -> Float[Tensor, "batch hidden_size"]:
    """The next hidden states; differentiable. `sums`, the input's part of the gates, is overwritten."""
    new: Tensor = _GRUStep.apply(sums, recurrent, hidden)
    return new
