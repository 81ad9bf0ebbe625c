"""Recurrence over time as one node, with its gradient written out, against the same steps through autograd."""

import pytest
import torch
from torch.testing import assert_close

from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.nn.packing import Packing
from seqloom.nn.recurrent import CellName, RecurrentLayer
from seqloom.nn.recurrent_stack import RecurrentStack

LENGTHS = [2, 4, 1, 4]
RAGGED = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


def double_layer(cell: CellName) -> RecurrentLayer:
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 3, 4).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    return layer


@pytest.mark.parametrize("mask", [None, RAGGED], ids=["whole", "ragged"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_recurrence_as_one_node_passes_gradcheck(cell: CellName, reverse: bool, mask: torch.Tensor | None) -> None:
    layer = double_layer(cell)
    x = torch.randn(4, 4, 3, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn_like(part).requires_grad_() for part in layer.initial_state(4, x))

    def run(x: torch.Tensor, *state_and_weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs, last = layer(x, mask, state_and_weights[: len(state)], reverse=reverse)
        return outputs, *last

    assert torch.autograd.gradcheck(run, (x, *state, *layer.parameters()))


@pytest.mark.parametrize("mask", [None, RAGGED], ids=["whole", "ragged"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_stack_computes_alike_with_and_without_a_record(
    cell: CellName, bidirectional: bool, mask: torch.Tensor | None
) -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(cell, 3, 6, 2, dropout=0.0, bidirectional=bidirectional).double()
    for parameter in stack.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(4, 4, 3, dtype=torch.float64, requires_grad=True)
    found = []
    for hooks in (None, ActivationHooks()):
        outputs, states = stack(x, mask, hooks=hooks, name="s")
        everything = [outputs, *(part for state in states for part in state)]
        total = torch.stack([(part * part.detach().cos()).sum() for part in everything]).sum()
        found.append((everything, torch.autograd.grad(total, (x, *stack.parameters()))))
        gates = ("input", "forget", "output", "candidate") if cell == "lstm" else ("reset", "update", "candidate")
        for gate in gates if hooks is not None else ():
            assert len(hooks.tensors[f"s.1.gate.{gate}"]) == 4
    assert_close(found[0], found[1], rtol=0, atol=1e-12)


def test_padding_comes_out_as_zeros_and_gets_no_gradient() -> None:
    layer = double_layer("lstm")
    x = torch.randn(4, 4, 3, dtype=torch.float64, requires_grad=True)
    outputs, _ = layer(x, RAGGED)
    (gradient,) = torch.autograd.grad(outputs.square().sum(), x)
    for tensor in (outputs, gradient):
        assert (tensor[~RAGGED] == 0).all()
        assert (tensor[RAGGED] != 0).all()


def test_packing_holds_each_real_token_once_step_by_step() -> None:
    x = torch.arange(16.0).view(4, 4, 1)
    packing = Packing.of((4, 4), RAGGED)
    assert packing.rows_per_step == [4, 3, 2, 2]
    packed = packing.pack(x)
    assert packed[:, 0].tolist() == [4, 12, 0, 8, 5, 13, 1, 6, 14, 7, 15]
    assert_close(packing.unpack(packed), x * RAGGED[:, :, None], rtol=0, atol=0)
    state = (x[:, 0],)
    assert_close(packing.restore(packing.sort(state)), state, rtol=0, atol=0)


def test_nothing_that_is_given_is_overwritten() -> None:
    layer = double_layer("gru")
    x = torch.randn(4, 4, 3, dtype=torch.float64)
    (hidden,) = state = layer.initial_state(4, x)
    before = (x.clone(), hidden.clone())
    layer(x, RAGGED, state)
    assert_close((x, hidden), before, rtol=0, atol=0)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_single_steps_with_gradients_equal_a_whole_sequence(cell: CellName) -> None:
    layer = double_layer(cell)
    x = torch.randn(4, 4, 3, dtype=torch.float64)
    whole, last = layer(x)
    state, outputs = layer.initial_state(4, x), []
    for t in range(4):
        state = layer.step(torch.nn.functional.linear(x[:, t], layer.input_weight, layer.bias), state)
        outputs.append(state[0])
    stepwise = torch.stack(outputs, dim=1)
    assert_close((stepwise, state), (whole, last), rtol=0, atol=1e-12)
    gradients = [torch.autograd.grad(found.cos().sum(), tuple(layer.parameters())) for found in (whole, stepwise)]
    assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)
