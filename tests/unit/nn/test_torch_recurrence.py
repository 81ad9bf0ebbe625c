"""Torch's own recurrent kernels against ours. On a CPU they are chosen by hand; a GPU runs them by default."""

import pytest
import torch
from torch.testing import assert_close

from seqloom.nn.packing import Packing
from seqloom.nn.recurrent import CellName, RecurrentLayer
from seqloom.nn.torch_recurrence import prefers_torch_kernels

LENGTHS = [2, 4, 1, 4]
WITH_EMPTY = [2, 0, 1, 4]
RAGGED = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


EMPTY_ROW = torch.arange(4) < torch.tensor(WITH_EMPTY)[:, None]


@pytest.mark.parametrize("mask", [None, RAGGED, EMPTY_ROW], ids=["whole", "ragged", "empty row"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_torch_kernels_agree_with_ours_in_outputs_and_gradients(
    cell: CellName, reverse: bool, mask: torch.Tensor | None
) -> None:
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 3, 5).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    packing = Packing.of((4, 4), mask)
    tokens = packing.pack(torch.randn(4, 4, 3, dtype=torch.float64)).detach().requires_grad_()
    state = tuple(torch.randn_like(part).requires_grad_() for part in layer.initial_state(4, tokens))
    results = []
    for read in (layer.read_by_kernels_of_seqloom, layer.read_by_kernels_of_torch):
        outputs, last = read(tokens, packing, state, reverse=reverse)
        total = sum(((part * part.detach().cos()).sum() for part in (outputs, *last)), torch.zeros(()).double())
        results.append((outputs, last, torch.autograd.grad(total, (tokens, *state, *layer.parameters()))))
    assert_close(results[0], results[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_torch_kernels_keep_the_precision_of_the_state_under_autocast(cell: CellName) -> None:
    layer = RecurrentLayer(cell, 3, 5)
    packing = Packing.of((4, 4), RAGGED)
    tokens = packing.pack(torch.randn(4, 4, 3))
    state = layer.initial_state(4, tokens)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, last = layer.read_by_kernels_of_torch(tokens.bfloat16(), packing, state)
    assert {outputs.dtype, *(part.dtype for part in last)} == {torch.float32}


def test_the_cpu_takes_our_own_kernels() -> None:
    assert not prefers_torch_kernels(torch.zeros(1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_gpu_agrees_with_the_cpu(cell: CellName) -> None:
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 8, 16)
    x = torch.randn(4, 4, 8)
    expected, _ = layer(x, RAGGED)
    outputs, _ = layer.cuda()(x.cuda(), RAGGED.cuda())
    assert_close(outputs.cpu(), expected, rtol=1e-3, atol=1e-3)
