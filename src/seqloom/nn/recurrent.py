"""Recurrent layers: LSTM (Hochreiter & Schmidhuber 1997) and GRU (Cho 2014) over masked, batched sequences.

A layer skips padding. Forwards, the final state of a sequence is the state after its last real token; backwards, the state after
its first token.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.linear import multiply, multiply_and_add
from seqloom.nn.over_time import gru_over_time, lstm_over_time
from seqloom.nn.packing import Packing
from seqloom.nn.recurrent_cells import gru_step, lstm_step
from seqloom.nn.torch_recurrence import prefers_torch_kernels, read_by_torch

CellName = Literal["lstm", "gru"]

# The names of the parts of a state in activation hooks; a GRU has only the first.
_PARTS = ("hidden", "cell")


class RecurrentLayer(nn.Module):
    """A recurrent layer that reads forwards or backwards.

    The state of a GRU is (hidden,), that of an LSTM (hidden, cell), each (batch, hidden_size).
    """

    def __init__(self, cell_name: CellName, input_dim: int, hidden_size: int) -> None:
        super().__init__()
        self.cell_name = cell_name
        self.hidden_size = hidden_size
        num_gates = 4 if cell_name == "lstm" else 3
        self.input_weight = nn.Parameter(torch.empty(num_gates * hidden_size, input_dim))
        self.hidden_weight = nn.Parameter(torch.empty(num_gates * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(num_gates * hidden_size))
        # As in cuDNN and torch, the reset gate of a GRU multiplies the sum of the candidate's recurrent part and this bias. So the
        # bias cannot be a part of `bias`.
        self.candidate_bias = nn.Parameter(torch.zeros(hidden_size)) if cell_name == "gru" else None
        for gate in range(num_gates):
            rows = slice(gate * hidden_size, (gate + 1) * hidden_size)
            nn.init.xavier_uniform_(self.input_weight.data[rows])
            if not self.hidden_weight.is_meta:
                nn.init.orthogonal_(self.hidden_weight.data[rows])
        if cell_name == "lstm":
            # A forget gate that is open at first lets gradients pass (Jozefowicz 2015).
            self.bias.data[hidden_size : 2 * hidden_size] = 1.0

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """A state of zeros for `batch` sequences, of the type and device of `like`."""
        return tuple(like.new_zeros(batch, self.hidden_size) for _ in range(2 if self.cell_name == "lstm" else 1))

    def forward(
        self,
        x: Float[Tensor, "batch length input_dim"],
        mask: Bool[Tensor, "batch length"] | None = None,
        state: tuple[Tensor, ...] | None = None,
        *,
        reverse: bool = False,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> tuple[Float[Tensor, "batch length hidden_size"], tuple[Tensor, ...]]:
        """Reads whole sequences.

        Args:
            mask: True at a real token; padding is on the right.
            state: the state before the first position; zeros by default.
            reverse: whether to read from right to left.

        Returns:
            The hidden state at each position (zeros at padding), and the state after the position that is read last: the last real
            position, or the first one with `reverse`.
        """
        if hooks is None:
            packing = Packing.of((x.shape[0], x.shape[1]), mask)
            start = None if state is None else packing.sort(state)
            tokens, last = self.read(packing.pack(x), packing, start, reverse=reverse)
            return packing.unpack(tokens), packing.restore(last)
        return self._read_with_hooks(x, mask, state, reverse, hooks, name)

    def read(
        self,
        tokens: Float[Tensor, "tokens input_dim"],
        packing: Packing,
        state: tuple[Tensor, ...] | None = None,
        *,
        reverse: bool = False,
    ) -> tuple[Float[Tensor, "tokens hidden_size"], tuple[Tensor, ...]]:
        """Reads packed tokens; states are in the order of the packing."""
        state = state if state is not None else self.initial_state(packing.shape[0], self.hidden_weight)
        read = self.read_by_kernels_of_torch if prefers_torch_kernels(tokens) else self.read_by_kernels_of_seqloom
        return read(tokens, packing, state, reverse=reverse)

    def read_by_kernels_of_seqloom(
        self,
        tokens: Float[Tensor, "tokens input_dim"],
        packing: Packing,
        state: tuple[Tensor, ...],
        *,
        reverse: bool = False,
    ) -> tuple[Float[Tensor, "tokens hidden_size"], tuple[Tensor, ...]]:
        """`read` with the kernels of nn/over_time.py."""
        # Under autocast the input projection of all tokens is computed in bf16; the recurrence stays in the precision of the state.
        projected = multiply(tokens, self.input_weight, self.bias).to(state[0].dtype)
        if self.candidate_bias is None:
            return lstm_over_time(projected, state, self.hidden_weight, packing.rows_per_step, reverse=reverse)
        return gru_over_time(
            projected, state, self.hidden_weight, self.candidate_bias, packing.rows_per_step, reverse=reverse
        )

    def read_by_kernels_of_torch(
        self,
        tokens: Float[Tensor, "tokens input_dim"],
        packing: Packing,
        state: tuple[Tensor, ...],
        *,
        reverse: bool = False,
    ) -> tuple[Float[Tensor, "tokens hidden_size"], tuple[Tensor, ...]]:
        """`read` with the kernels of nn/torch_recurrence.py, in the precision of the state also under autocast."""
        weights = (self.input_weight, self.hidden_weight, self.bias, self.candidate_bias)
        # Rows without tokens come last. Torch takes no such rows, and their state does not change.
        read_rows = packing.rows_per_step[0]
        start = tuple(part[:read_rows] for part in state)
        outputs, last = read_by_torch(tokens, packing, start, *weights, reverse=reverse)
        return outputs, tuple(torch.cat([new, old[read_rows:]]) for new, old in zip(last, state, strict=True))

    def _read_with_hooks(
        self,
        x: Tensor,
        mask: Tensor | None,
        state: tuple[Tensor, ...] | None,
        reverse: bool,
        hooks: ActivationHooks,
        name: str,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Does what `forward` does, one step at a time with torch's own gradients and masks instead of packing.

        So each gate passes through the hooks.
        """
        last = state if state is not None else self.initial_state(x.shape[0], self.hidden_weight)
        projected = F.linear(x, self.input_weight, self.bias).to(last[0].dtype)
        mask_values = None if mask is None else mask[:, :, None].to(self.hidden_weight.dtype)
        length = x.shape[1]
        outputs: list[Tensor] = [x] * length
        for t in reversed(range(length)) if reverse else range(length):
            new = self._step(projected[:, t], last, hooks, name)
            if mask_values is not None:
                new = tuple(old.lerp(n, mask_values[:, t]) for old, n in zip(last, new, strict=True))
            last = tuple(hooks(f"{name}.{part_name}", part) for part_name, part in zip(_PARTS, new, strict=False))
            outputs[t] = last[0]
        hiddens = torch.stack(outputs, dim=1)
        return (hiddens if mask_values is None else hiddens * mask_values), last

    def step(
        self,
        projected: Float[Tensor, "batch gates"],
        state: tuple[Tensor, ...],
        *,
        hooks: ActivationHooks | None = None,
        name: str = "",
    ) -> tuple[Tensor, ...]:
        """Reads one position, for decoders whose input depends on the output of the previous step.

        Args:
            projected: the product of input and input weights, plus the bias.
        """
        projected = projected.to(state[0].dtype)
        if hooks is not None:
            new = self._step(projected, state, hooks, name)
            return tuple(hooks(f"{name}.{part_name}", part) for part_name, part in zip(_PARTS, new, strict=False))
        if self.cell_name == "lstm":
            hidden, cell = state
            return lstm_step(multiply_and_add(projected, hidden, self.hidden_weight), cell)
        assert self.candidate_bias is not None
        bias = F.pad(self.candidate_bias, (2 * self.hidden_size, 0))
        recurrent = multiply(state[0], self.hidden_weight, bias)
        return (gru_step(projected.clone(), recurrent, state[0]),)

    def _step(
        self, projected: Tensor, state: tuple[Tensor, ...], hooks: ActivationHooks, name: str
    ) -> tuple[Tensor, ...]:
        """One step whose gates pass through the hooks."""
        d = self.hidden_size
        if self.cell_name == "lstm":
            hidden, cell = state
            raw = projected + F.linear(hidden, self.hidden_weight)
            gate_in, gate_forget, gate_out = (
                hooks(f"{name}.gate.{gate}", part)
                for gate, part in zip(("input", "forget", "output"), raw[:, : 3 * d].sigmoid().chunk(3, 1), strict=True)
            )
            candidate = hooks(f"{name}.gate.candidate", raw[:, 3 * d :].tanh())
            cell = gate_forget * cell + gate_in * candidate
            return gate_out * cell.tanh(), cell
        (hidden,) = state
        recurrent = F.linear(hidden, self.hidden_weight)
        reset, update = (
            hooks(f"{name}.gate.{gate}", part)
            for gate, part in zip(
                ("reset", "update"), (projected + recurrent)[:, : 2 * d].sigmoid().chunk(2, 1), strict=True
            )
        )
        assert self.candidate_bias is not None
        candidate = (projected[:, 2 * d :] + reset * (recurrent[:, 2 * d :] + self.candidate_bias)).tanh()
        candidate = hooks(f"{name}.gate.candidate", candidate)
        return (candidate + update * (hidden - candidate),)
