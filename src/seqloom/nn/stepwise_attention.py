"""Attention for a decoder that attends step by step to the same memory, with one backward pass for all steps.

In autograd each step would compute a gradient of the size of the keys and one of the size of the memory, and add them up. Here the
backward pass of a step only stores the factors of these gradients. The gradients of keys and memory are computed once, after the
backward passes of all steps.
"""

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqloom.nn.recurrent_cells import tanh_


class _StepGradients:
    """The factors of the gradients of keys and memory, stored by the backward passes of the steps."""

    def __init__(self) -> None:
        self._pass = -1
        self.clear()

    def clear(self) -> None:
        """Removes all stored tensors."""
        self.weights: list[Tensor] = []
        self.d_contexts: list[Tensor] = []
        self.queries: list[Tensor] = []
        self.d_scores: list[Tensor] = []
        self.d_keys: Tensor | None = None

    def start_pass(self) -> None:
        """Removes tensors of an earlier backward pass that did not reach the keys. Must be called before tensors are stored."""
        current = torch._C._current_graph_task_id()
        if current != self._pass:
            self.clear()
            self._pass = current

    def take(self) -> tuple[Tensor | None, Tensor | None]:
        """Returns the gradients of keys and memory, and removes the stored tensors."""
        self.start_pass()
        d_keys, d_memory = self.d_keys, None
        if self.queries:
            d_keys = torch.stack(self.d_scores, dim=2) @ torch.stack(self.queries, dim=1)
        if self.weights:
            d_memory = torch.stack(self.weights, dim=2) @ torch.stack(self.d_contexts, dim=1)
        self.clear()
        return d_keys, d_memory


class _KeysAndMemory(torch.autograd.Function):
    """Passes keys and memory on to the steps. All steps depend on it, so its backward pass runs after theirs."""

    @staticmethod
    def forward(ctx: Any, keys: Tensor, memory: Tensor, gradients: _StepGradients) -> tuple[Tensor, Tensor]:
        ctx.gradients = gradients
        ctx.set_materialize_grads(False)
        return keys.view_as(keys), memory.view_as(memory)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_keys: None, grad_memory: None) -> tuple[Tensor | None, Tensor | None, None]:
        assert grad_keys is None, "the steps store their gradients, and nothing else uses the keys"
        assert grad_memory is None, "the steps store their gradients, and nothing else uses the memory"
        return *ctx.gradients.take(), None


class _Step(torch.autograd.Function):
    """Attention with one query per row. `energy` is None for multiplicative attention."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        keys: Tensor,
        memory: Tensor,
        bias: Tensor,
        energy: Tensor | None,
        gradients: _StepGradients,
    ) -> Tensor:
        if energy is None:
            features = query
            scores = torch.bmm(keys, query[:, :, None])[:, :, 0]
        else:
            features = tanh_(keys + query[:, None])
            scores = features @ energy
        weights = scores.add_(bias).softmax(dim=1)
        ctx.save_for_backward(features, keys, memory, weights, *([] if energy is None else [energy]))
        ctx.gradients = gradients
        return torch.bmm(weights[:, None], memory)[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_context: Tensor) -> tuple[Tensor, None, None, None, Tensor | None, None]:
        features, keys, memory, weights, *rest = ctx.saved_tensors
        gradients: _StepGradients = ctx.gradients
        d_weights = torch.bmm(memory, d_context[:, :, None])[:, :, 0]
        d_scores = weights * (d_weights - (weights * d_weights).sum(dim=1, keepdim=True))
        gradients.start_pass()
        gradients.weights.append(weights)
        gradients.d_contexts.append(d_context)
        if not rest:
            gradients.queries.append(features)
            gradients.d_scores.append(d_scores)
            return torch.bmm(d_scores[:, None], keys)[:, 0], None, None, None, None, None
        d_sums = d_scores[:, :, None] * rest[0]
        torch.ops.aten.tanh_backward(d_sums, features, grad_input=d_sums)
        d_energy = d_scores.flatten() @ features.flatten(0, 1)
        d_query = d_sums.sum(dim=1)
        gradients.d_keys = d_sums if gradients.d_keys is None else gradients.d_keys.add_(d_sums)
        return d_query, None, None, None, d_energy, None


class StepwiseAttention:
    """Attention over one memory, called once for each step.

    Args:
        keys: keys of the memory. A score is key . query, or energy . tanh(query + key) if `energy` is not None.
        mask: True at a real position of the memory.
    """

    def __init__(
        self,
        keys: Float[Tensor, "batch src_len query_dim"],
        memory: Float[Tensor, "batch src_len memory_dim"],
        mask: Bool[Tensor, "batch src_len"],
        energy: Float[Tensor, "query_dim"] | None,
    ) -> None:
        self._gradients = _StepGradients()
        self._keys, self._memory = _KeysAndMemory.apply(keys, memory, self._gradients)
        self._bias = keys.new_zeros(mask.shape).masked_fill_(~mask, -math.inf)
        self._energy = energy

    def __call__(self, query: Float[Tensor, "batch query_dim"]) -> Float[Tensor, "batch memory_dim"]:
        """The contexts of one query per row."""
        context: Tensor = _Step.apply(query, self._keys, self._memory, self._bias, self._energy, self._gradients)
        return context
