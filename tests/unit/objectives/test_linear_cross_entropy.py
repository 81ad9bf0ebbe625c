"""The blocked loss against torch's own."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from seqloom.objectives.linear_cross_entropy import BLOCK_ROWS, linear_cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("rows", [1, 7, BLOCK_ROWS, 2 * BLOCK_ROWS + 3])
def test_equals_cross_entropy_and_its_gradients(rows: int, with_bias: bool, smoothing: float) -> None:
    torch.manual_seed(rows)
    hidden = torch.randn(rows, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(11, dtype=torch.float64, requires_grad=True) if with_bias else None
    targets = torch.randint(11, (rows,))
    loss, nll = linear_cross_entropy(hidden, weight, bias, targets, label_smoothing=smoothing)
    logits = F.linear(hidden, weight, bias)
    expected = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
    assert_close(loss.double(), expected, rtol=1e-6, atol=1e-6)
    assert_close(nll.double(), F.cross_entropy(logits, targets, reduction="sum"), rtol=1e-6, atol=1e-6)
    inputs = [t for t in (hidden, weight, bias) if t is not None]
    ours = torch.autograd.grad(loss * 3, inputs)
    theirs = torch.autograd.grad(expected * 3, inputs)
    assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("with_bias", [False, True])
def test_products_in_bf16_are_summed_in_the_precision_of_the_weights(with_bias: bool, smoothing: float) -> None:
    torch.manual_seed(0)
    rows = 16 * BLOCK_ROWS
    hidden = torch.randn(rows, 6).bfloat16().requires_grad_()
    weight = torch.randn(11, 6).bfloat16().float().requires_grad_()
    bias = torch.randn(11).bfloat16().float().requires_grad_() if with_bias else None
    targets = torch.randint(11, (rows,))
    exact = [None if t is None else t.detach().double().requires_grad_() for t in (hidden, weight, bias)]
    loss, nll = linear_cross_entropy(hidden, weight, bias, targets, label_smoothing=smoothing)
    logits = F.linear(*exact)
    expected = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
    assert_close(loss.double(), expected, rtol=1e-4, atol=0)
    assert_close(nll.double(), F.cross_entropy(logits, targets, reduction="sum"), rtol=1e-4, atol=0)
    ours = torch.autograd.grad(loss, [t for t in (hidden, weight, bias) if t is not None])
    theirs = torch.autograd.grad(expected, [t for t in exact if t is not None])
    for our, their, given in zip(ours, theirs, (hidden, weight, bias), strict=False):
        assert given is not None
        assert our.dtype == given.dtype
        # bf16 has three digits; sums over sixteen blocks in it would keep two.
        assert float((our.double() - their).norm() / their.norm()) < 0.004


def test_without_gradients_only_the_loss_is_formed() -> None:
    with torch.no_grad():
        loss, nll = linear_cross_entropy(torch.zeros(3, 2), torch.zeros(5, 2), None, torch.tensor([0, 1, 2]))
    assert_close(loss, 3 * torch.log(torch.tensor(5.0)))
    assert_close(loss, nll)


def test_a_target_whose_probability_is_no_number_any_more_is_still_counted_right() -> None:
    hidden = torch.tensor([[400.0, 0.0], [1.0, 2.0], [0.0, 300.0]], requires_grad=True)
    weight = torch.eye(2, requires_grad=True)
    targets = torch.tensor([1, 0, 0])
    loss, nll = linear_cross_entropy(hidden, weight, None, targets, label_smoothing=0.1)
    logits = F.linear(hidden, weight)
    assert_close(loss, F.cross_entropy(logits, targets, reduction="sum", label_smoothing=0.1))
    assert_close(nll, F.cross_entropy(logits, targets, reduction="sum"))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("with_bias", [False, True])
def test_rows_count_as_their_weights_say(with_bias: bool, smoothing: float) -> None:
    rows = BLOCK_ROWS + 3
    torch.manual_seed(rows)
    hidden = torch.randn(rows, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(11, dtype=torch.float64, requires_grad=True) if with_bias else None
    targets = torch.randint(11, (rows,))
    row_weights = torch.rand(rows, dtype=torch.float64)
    loss, nll = linear_cross_entropy(hidden, weight, bias, targets, label_smoothing=smoothing, row_weights=row_weights)
    logits = F.linear(hidden, weight, bias)
    each = F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
    expected = (each * row_weights).sum()
    assert_close(loss.double(), expected, rtol=1e-6, atol=1e-6)
    plain = (F.cross_entropy(logits, targets, reduction="none") * row_weights).sum()
    assert_close(nll.double(), plain, rtol=1e-6, atol=1e-6)
    inputs = [t for t in (hidden, weight, bias) if t is not None]
    ours = torch.autograd.grad(loss * 3, inputs)
    theirs = torch.autograd.grad(expected * 3, inputs)
    assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
