"""Attention that runs step by step and computes gradients of keys and memory once, compared with plain attention."""

import pytest
import torch
from torch.testing import assert_close

from seqloom.nn.attention import BahdanauAttention, LuongAttention, LuongScore, weighted_context
from seqloom.nn.stepwise_attention import StepwiseAttention

MASK = torch.arange(5) < torch.tensor([5, 2, 3])[:, None]


def attention_of(kind: LuongScore | None) -> LuongAttention | BahdanauAttention:
    torch.manual_seed(0)
    return (BahdanauAttention(4, 4) if kind is None else LuongAttention(4, 4, kind)).double()


@pytest.mark.parametrize("kind", [None, "dot", "general", "concat"])
def test_contexts_and_gradients_equal_those_of_plain_attention(kind: LuongScore | None) -> None:
    attention = attention_of(kind)
    memory = torch.randn(3, 5, 4, dtype=torch.float64, requires_grad=True)
    first = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    inputs = (memory, first, *attention.parameters())

    def contexts_of(stepwise: bool) -> tuple[torch.Tensor, ...]:
        keys, query, contexts = attention.keys(memory), first, []
        attend = StepwiseAttention(keys, memory, MASK, attention.energy_weights)
        for _ in range(3):
            if stepwise:
                context = attend(attention.project_query(query))
            else:
                context = weighted_context(attention.scores(query[:, None], keys), memory, MASK)[:, 0]
            contexts.append(context)
            query = query + context.sin()  # a step depends on the one before, as in a decoder
        return tuple(contexts)

    results = [
        (c := contexts_of(stepwise), torch.autograd.grad(torch.stack(c).cos().sum(), inputs))
        for stepwise in (True, False)
    ]
    assert_close(results[0], results[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [None, "general"])
def test_a_backward_pass_that_stops_early_leaves_nothing_behind(kind: LuongScore | None) -> None:
    attention = attention_of(kind)
    memory = torch.randn(3, 5, 4, dtype=torch.float64, requires_grad=True)
    query = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    attend = StepwiseAttention(attention.keys(memory), memory, MASK, attention.energy_weights)
    total = (attend(attention.project_query(query)) + attend(attention.project_query(2 * query))).square().sum()
    torch.autograd.grad(attend(attention.project_query(query)).sum(), query)
    (expected,) = torch.autograd.grad(total, memory, retain_graph=True)
    torch.autograd.grad(total, query, retain_graph=True)
    (again,) = torch.autograd.grad(total, memory)
    assert_close(again, expected, rtol=0, atol=0)
    assert expected[MASK].abs().min() > 0
    assert (expected[~MASK] == 0).all()
