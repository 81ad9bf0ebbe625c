"""An LSTM or a GRU over all steps with torch's kernels: cuDNN on NVIDIA GPUs, MIOpen on AMD GPUs.

On a GPU each step of nn/over_time.py starts a dozen small kernels, and starting them takes longer than their work; cuDNN runs all
steps in a few kernels. On a CPU nn/over_time.py is faster (benchmarks/layers.py measures both). Both agree within rounding.
"""

from itertools import accumulate

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.nn.packing import Packing


def prefers_torch_kernels(x: Tensor) -> bool:
    """Whether `x` is on a GPU, where torch's kernels are used; torch calls AMD GPUs "cuda" too."""
    return x.is_cuda


def read_by_torch(
    tokens: Float[Tensor, "tokens input_dim"],
    packing: Packing,
    state: tuple[Tensor, ...],
    input_weight: Float[Tensor, "gates input_dim"],
    hidden_weight: Float[Tensor, "gates hidden_size"],
    bias: Float[Tensor, "gates"],
    candidate_bias: Float[Tensor, "hidden_size"] | None,
    *,
    reverse: bool,
) -> tuple[Float[Tensor, "tokens hidden_size"], tuple[Tensor, ...]]:
    """Reads packed tokens with an LSTM or a GRU.

    Args:
        state: (hidden, cell) of an LSTM, (hidden,) of a GRU, in the packing's order.
        input_weight, hidden_weight, bias: rows for the gates; of an LSTM input, forget, output, candidate; of a GRU reset, update,
            candidate.
        candidate_bias: added to the recurrent part of a GRU's candidate; None for an LSTM.

    Returns:
        All hidden states, and the state after the token of each sequence that is read last.
    """
    if candidate_bias is None:
        input_weight, hidden_weight, bias = map(_candidate_third, (input_weight, hidden_weight, bias))
        hidden_bias = torch.zeros_like(bias)
    else:
        hidden_bias = torch.cat([torch.zeros_like(bias[: 2 * candidate_bias.shape[0]]), candidate_bias])
    parameters = _contiguous([input_weight, hidden_weight, bias, hidden_bias])
    order, sizes = _reading_order(packing, reverse, tokens.device)
    inputs = _take(tokens, order).to(state[0].dtype)
    start = tuple(part[None].contiguous() for part in state)
    # Biases, layers, dropout, training, bidirectional. cuDNN keeps the tensors for a gradient only in training.
    options = (True, 1, 0.0, torch.is_grad_enabled(), False)
    with torch.autocast(tokens.device.type, enabled=False):
        if candidate_bias is None:
            outputs, *last = torch.lstm(inputs, sizes, start, parameters, *options)
        else:
            outputs, *last = torch.gru(inputs, sizes, start[0], parameters, *options)
    return _take(outputs, order), tuple(part[0] for part in last)


def _candidate_third(weight: Tensor) -> Tensor:
    """Rows for input, forget, output, candidate -> input, forget, candidate, output, which is torch's order."""
    gate_in, gate_forget, gate_out, candidate = weight.chunk(4)
    return torch.cat([gate_in, gate_forget, candidate, gate_out])


def _contiguous(weights: list[Tensor]) -> list[Tensor]:
    """The same weights as views of one block of memory; cuDNN copies weights in several blocks, and warns."""
    block = torch.cat([weight.flatten() for weight in weights])
    parts = block.split([weight.numel() for weight in weights])
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]


def _reading_order(
    packing: Packing, reverse: bool, device: torch.device
) -> tuple[Int[Tensor, "tokens"] | None, Int[Tensor, "length"]]:
    """The order in which the tokens of each sequence are read, and the number of rows of each step.

    The order is its own inverse; None means unchanged. The numbers of rows stay on the CPU, as torch requires.
    """
    sizes = torch.tensor(packing.rows_per_step)
    if not reverse:
        return None, sizes
    starts = torch.tensor([0, *accumulate(packing.rows_per_step)][:-1])
    step = torch.arange(len(packing.rows_per_step)).repeat_interleave(sizes)
    row = torch.arange(int(sizes.sum())) - starts[step]
    lengths = (sizes[None, :] > torch.arange(packing.shape[0])[:, None]).sum(dim=1)
    return (starts[lengths[row] - 1 - step] + row).to(device), sizes


def _take(rows: Tensor, order: Tensor | None) -> Tensor:
    return rows if order is None else rows[order]
