"""Recurrent layers: LSTM (Hochreiter & Schmidhuber 1997) and GRU (Cho 2014) over masked, batched sequences.

A layer takes (batch, length, input_dim) and a mask, and passes its state unchanged over positions where the mask is False, so a
short sequence in a batch ends with the state at its own last token, whichever way the layer reads.
"""

from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from seqloom.nn.record import Record

CellName = Literal["lstm", "gru"]


class _LSTMOverTime(torch.autograd.Function):
    """An LSTM over all steps as one node of the graph.

    The gradient of the recurrent weights is one matrix product over all steps instead of one a step, and nothing but the gates
    and states is kept; benchmarks/layers.py times it against the same steps through autograd.

    Shapes: projected (length, batch, 4 d) is the input times its weights, gates in the order input, forget, output, candidate;
    mask (length, batch, 1) of floats or None; hidden, cell (batch, d); weight (4 d, d).
    """

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, mask: Tensor | None, hidden: Tensor, cell: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        length, batch, width = projected.shape
        d = width // 4
        gates = torch.empty_like(projected)
        hiddens = projected.new_empty(length + 1, batch, d)
        cells = projected.new_empty(length + 1, batch, d)
        tanh_cells = projected.new_empty(length, batch, d)
        hiddens[0], cells[0] = hidden, cell
        transposed = weight.t()
        for t in range(length):
            gate = gates[t]
            torch.addmm(projected[t], hiddens[t], transposed, out=gate)
            gate[:, : 3 * d].sigmoid_()
            gate[:, 3 * d :].tanh_()
            new_cell = torch.mul(gate[:, d : 2 * d], cells[t], out=cells[t + 1])
            new_cell.addcmul_(gate[:, :d], gate[:, 3 * d :])
            torch.tanh(new_cell, out=tanh_cells[t])
            torch.mul(gate[:, 2 * d : 3 * d], tanh_cells[t], out=hiddens[t + 1])
            if mask is not None:
                # previous + mask * (new - previous): exact at mask 0 and 1.
                torch.lerp(hiddens[t], hiddens[t + 1], mask[t], out=hiddens[t + 1])
                torch.lerp(cells[t], cells[t + 1], mask[t], out=cells[t + 1])
        ctx.save_for_backward(gates, hiddens, cells, tanh_cells, weight, *([] if mask is None else [mask]))
        return hiddens[1:], cells[1:]

    @staticmethod
    def backward(ctx: Any, grad_hiddens: Tensor, grad_cells: Tensor) -> tuple[Tensor, None, Tensor, Tensor, Tensor]:
        gates, hiddens, cells, tanh_cells, weight, *rest = ctx.saved_tensors
        mask = rest[0] if rest else None
        length, batch, width = gates.shape
        d = width // 4
        grad_gates = torch.empty_like(gates)
        d_hidden = torch.zeros_like(hiddens[0])
        d_cell = torch.zeros_like(d_hidden)
        for t in range(length - 1, -1, -1):
            d_hidden = d_hidden + grad_hiddens[t]
            d_cell = d_cell + grad_cells[t]
            kept_hidden = kept_cell = None
            if mask is not None:
                kept_hidden, kept_cell = d_hidden * (1 - mask[t]), d_cell * (1 - mask[t])
                d_hidden, d_cell = d_hidden * mask[t], d_cell * mask[t]
            gate, grad = gates[t], grad_gates[t]
            gate_in, gate_forget, gate_out, candidate = gate.split(d, dim=1)
            d_new_cell = d_cell + d_hidden * gate_out * (1 - tanh_cells[t] ** 2)
            torch.mul(d_new_cell, candidate, out=grad[:, :d])
            torch.mul(d_new_cell, cells[t], out=grad[:, d : 2 * d])
            torch.mul(d_hidden, tanh_cells[t], out=grad[:, 2 * d : 3 * d])
            torch.mul(d_new_cell, gate_in, out=grad[:, 3 * d :])
            sigmoids = gate[:, : 3 * d]
            grad[:, : 3 * d].mul_(sigmoids).mul_(1 - sigmoids)
            grad[:, 3 * d :].mul_(1 - candidate**2)
            d_hidden = grad @ weight
            d_cell = d_new_cell * gate_forget
            if kept_hidden is not None and kept_cell is not None:
                d_hidden, d_cell = d_hidden + kept_hidden, d_cell + kept_cell
        d_weight = grad_gates.view(length * batch, width).t() @ hiddens[:-1].reshape(length * batch, d)
        return grad_gates, None, d_hidden, d_cell, d_weight


class RecurrentLayer(nn.Module):
    """One recurrent layer that reads forwards or backwards.

    The state of a GRU is (hidden,), that of an LSTM (hidden, cell), each (batch, hidden_size).
    """

    def __init__(self, cell: CellName, input_dim: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = cell
        self.hidden_size = hidden_size
        num_gates = 4 if cell == "lstm" else 3
        self.input_weight = nn.Parameter(torch.empty(num_gates * hidden_size, input_dim))
        self.hidden_weight = nn.Parameter(torch.empty(num_gates * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(num_gates * hidden_size))
        # The reset gate of a GRU acts on the candidate's recurrent part, bias included, as in cuDNN and torch.
        self.candidate_bias = nn.Parameter(torch.zeros(hidden_size)) if cell == "gru" else None
        for gate in range(num_gates):
            rows = slice(gate * hidden_size, (gate + 1) * hidden_size)
            nn.init.xavier_uniform_(self.input_weight.data[rows])
            nn.init.orthogonal_(self.hidden_weight.data[rows])
        if cell == "lstm":
            # An open forget gate at the start lets gradients through (Jozefowicz 2015).
            self.bias.data[hidden_size : 2 * hidden_size] = 1.0

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Zeros."""
        return tuple(like.new_zeros(batch, self.hidden_size) for _ in range(2 if self.cell == "lstm" else 1))

    def forward(
        self,
        x: Float[Tensor, "batch length input_dim"],
        mask: Bool[Tensor, "batch length"] | None = None,
        state: tuple[Tensor, ...] | None = None,
        *,
        reverse: bool = False,
        record: Record | None = None,
        name: str = "",
    ) -> tuple[Float[Tensor, "batch length hidden_size"], tuple[Tensor, ...]]:
        """Reads a whole sequence.

        Returns:
            The hidden state after each position, and the state after the last real one.
        """
        projected = F.linear(x, self.input_weight, self.bias).transpose(0, 1)
        steps = None if mask is None else mask.t()[:, :, None].to(self.hidden_weight.dtype)
        if reverse:
            projected, steps = projected.flip(0), None if steps is None else steps.flip(0)
        state = state if state is not None else self.initial_state(x.shape[0], self.hidden_weight)
        if projected.dtype != state[0].dtype:
            # Under autocast the products of whole sequences are bf16; the recurrence itself stays in the state's precision.
            projected = projected.to(state[0].dtype)
        if self.cell == "lstm" and record is None:
            hiddens, cells = _LSTMOverTime.apply(projected.contiguous(), steps, *state, self.hidden_weight)
            last: tuple[Tensor, ...] = (hiddens[-1], cells[-1])
        else:
            outputs = []
            last = state
            for t in range(projected.shape[0]):
                new, gates = self._step(projected[t], last)
                last = new if steps is None else tuple(old.lerp(n, steps[t]) for old, n in zip(last, new, strict=True))
                if record is not None:
                    last = (record(f"{name}.hidden", last[0]), *last[1:])
                    record(f"{name}.gates", gates)
                outputs.append(last[0])
            hiddens = torch.stack(outputs)
        if reverse:
            hiddens = hiddens.flip(0)
        return hiddens.transpose(0, 1), last

    def step(self, x: Float[Tensor, "batch input_dim"], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Reads one position, through autograd: for decoders whose input depends on their last output."""
        return self._step(F.linear(x, self.input_weight, self.bias), state)[0]

    def _step(self, projected: Tensor, state: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        d = self.hidden_size
        if self.cell == "lstm":
            hidden, cell = state
            raw = projected + F.linear(hidden, self.hidden_weight)
            sigmoids = raw[:, : 3 * d].sigmoid()
            gate_in, gate_forget, gate_out = sigmoids.chunk(3, dim=1)
            candidate = raw[:, 3 * d :].tanh()
            cell = gate_forget * cell + gate_in * candidate
            return (gate_out * cell.tanh(), cell), torch.cat([sigmoids, candidate], dim=1)
        (hidden,) = state
        recurrent = F.linear(hidden, self.hidden_weight)
        sigmoids = (projected[:, : 2 * d] + recurrent[:, : 2 * d]).sigmoid()
        reset, update = sigmoids.chunk(2, dim=1)
        assert self.candidate_bias is not None
        candidate = (projected[:, 2 * d :] + reset * (recurrent[:, 2 * d :] + self.candidate_bias)).tanh()
        return (candidate + update * (hidden - candidate),), torch.cat([sigmoids, candidate], dim=1)
