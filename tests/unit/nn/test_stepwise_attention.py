"""Attention asked step by step, whose gradients of keys and memory are formed once, against the plain one."""

import pytest
import torch
from torch.testing import assert_close

from seqloom.nn.attention import BahdanauAttention, LuongAttention, LuongScore, weigh
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

    def ask(stepwise: bool) -> tuple[torch.Tensor, ...]:
        keys, query, contexts = attention.keys(memory), first, []
        asked = StepwiseAttention(keys, memory, MASK, attention.energies)
        for _ in range(3):
            if stepwise:
                context = asked(attention.question(query))
            else:
                context = weigh(attention.scores(query[:, None], keys), memory, MASK)[:, 0]
            contexts.append(context)
            query = query + context.sin()  # a step depends on the one before, as in a decoder
        return tuple(contexts)

    found = [
        (c := ask(stepwise), torch.autograd.grad(torch.stack(c).cos().sum(), inputs)) for stepwise in (True, False)
    ]
    assert_close(found[0], found[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [None, "general"])
def test_a_backward_pass_that_stops_early_leaves_nothing_behind(kind: LuongScore | None) -> None:
    attention = attention_of(kind)
    memory = torch.randn(3, 5, 4, dtype=torch.float64, requires_grad=True)
    query = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    asked = StepwiseAttention(attention.keys(memory), memory, MASK, attention.energies)
    total = (asked(attention.question(query)) + asked(attention.question(2 * query))).square().sum()
    torch.autograd.grad(asked(attention.question(query)).sum(), query)
    (expected,) = torch.autograd.grad(total, memory, retain_graph=True)
    torch.autograd.grad(total, query, retain_graph=True)
    (again,) = torch.autograd.grad(total, memory)
    assert_close(again, expected, rtol=0, atol=0)
    assert expected[MASK].abs().min() > 0
    assert (expected[~MASK] == 0).all()
