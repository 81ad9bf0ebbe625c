"""Causal self-attention for CPUs: the scores of later keys are not computed, and the gradient is written by hand.

Queries are processed in blocks, and each block attends to the keys up to its end. So nearly half of the scores are left out, and
the scores of a block stay in the processor's caches. Query heads that share a head of keys are one longer block of queries, so keys
and values are not repeated.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

_BLOCK = 64
"""Positions of a block of queries: the fastest of 32, 64, 128 and 256 on an AMD Zen 5, for heads of 32 and of 64."""

MOST_POSITIONS = 1024
"""Longer sequences would need too much memory: the attention weights of all blocks are kept for the gradient."""


def causal_attention(
    query: Float[Tensor, "batch num_heads length head_dim"],
    key: Float[Tensor, "batch num_kv_heads length head_dim"],
    value: Float[Tensor, "batch num_kv_heads length head_dim"],
) -> Float[Tensor, "batch num_heads length head_dim"]:
    """softmax(Q K^T / sqrt(head_dim)) V over the keys at or before each query (Vaswani 2017, sections 3.2.1 and 3.2.3).

    Consecutive query heads share a head of keys and values (Ainslie 2023).
    """
    context: Tensor = _CausalAttention.apply(query, key, value)
    return context


class _CausalAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        batch, num_heads, length, head_dim = query.shape
        groups, shared = batch * key.shape[1], num_heads // key.shape[1]
        scaled = (query * head_dim**-0.5).reshape(groups, shared, length, head_dim)
        key, value = key.reshape(groups, length, head_dim), value.reshape(groups, length, head_dim)
        context = torch.empty_like(scaled)
        later = torch.full((_BLOCK, _BLOCK), -math.inf, dtype=query.dtype, device=query.device).triu_(1)
        weights = []
        for begin, end in _blocks(length):
            size = end - begin
            rows = scaled[:, :, begin:end].reshape(groups, shared * size, head_dim)
            scores = torch.bmm(rows, key[:, :end].transpose(1, 2))
            # Keys before the block are before all of its queries.
            scores.view(groups, shared, size, end)[..., begin:].add_(later[:size, :size])
            block_weights = scores.softmax(dim=-1)
            weights.append(block_weights)
            context[:, :, begin:end] = torch.bmm(block_weights, value[:, :end]).view(groups, shared, size, head_dim)
        ctx.save_for_backward(scaled, key, value, *weights)
        ctx.num_kv_heads = groups // batch
        return context.view(batch, num_heads, length, head_dim)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scaled, key, value, *weights = ctx.saved_tensors
        groups, shared, length, head_dim = scaled.shape
        batch = groups // ctx.num_kv_heads
        grad = grad.reshape(scaled.shape)
        grad_query, grad_key, grad_value = torch.empty_like(scaled), torch.zeros_like(key), torch.zeros_like(value)
        for block_weights, (begin, end) in zip(weights, _blocks(length), strict=True):
            rows = grad[:, :, begin:end].reshape(groups, -1, head_dim)
            grad_value[:, :end].baddbmm_(block_weights.transpose(1, 2), rows)
            grad_weights = torch.bmm(rows, value[:, :end].transpose(1, 2))
            grad_scores = torch._softmax_backward_data(grad_weights, block_weights, -1, block_weights.dtype)
            grad_key[:, :end].baddbmm_(
                grad_scores.transpose(1, 2), scaled[:, :, begin:end].reshape(groups, -1, head_dim)
            )
            grad_query[:, :, begin:end] = torch.bmm(grad_scores, key[:, :end]).view(groups, shared, -1, head_dim)
        grad_query = grad_query.mul_(head_dim**-0.5).view(batch, -1, length, head_dim)
        return grad_query, grad_key.view(batch, -1, length, head_dim), grad_value.view(batch, -1, length, head_dim)


def _blocks(length: int) -> list[tuple[int, int]]:
    """The begin and the end of each block of queries."""
    return [(begin, min(begin + _BLOCK, length)) for begin in range(0, length, _BLOCK)]
