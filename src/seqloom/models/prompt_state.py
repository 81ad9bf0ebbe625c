"""PromptState: the state of a decoder-only model after prompts, which can be stored, cut, joined and continued.

Keys and values are in the cache, position by position, with padding on the right. This module does not depend on weights, search or
text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn import functional as F

from seqloom.models.base import DecoderState

MASK, LENGTH = "mask", "length"


@dataclass(frozen=True, slots=True)
class PromptState(DecoderState):
    """The state after prompts, before any target id.

    Its memory is "mask" (prompts, longest) and "length" (prompts,); its cache has the keys and values of each layer,
    (prompts, num_kv_heads, longest, head_dim).
    """

    def select(self, rows: Int[Tensor, "selected"]) -> "PromptState":
        """Like `DecoderState.select`."""
        state = DecoderState.select(self, rows)
        return PromptState(state.memory, state.cache, state.source_index)

    @property
    def num_bytes(self) -> int:
        """The size of all its tensors in RAM, in bytes."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (*self.memory.values(), *self.cache.values()))

    def row(self, index: int, length: int | None = None) -> "PromptState":
        """A copy of the state of one prompt, without padding.

        Args:
            length: the state after the first `length` ids of the prompt; all by default.
        """
        whole = int(self.memory[LENGTH][index])
        length = whole if length is None else min(length, whole)
        # Without a copy, the tensors of the whole batch would stay in memory.
        cache = {name: tensor[index : index + 1, :, :length].clone() for name, tensor in self.cache.items() if length}
        mask = torch.ones(1, length, dtype=torch.bool, device=self.source_index.device)
        return PromptState(_memory(mask), cache, self.source_index.new_zeros(1))

    @classmethod
    def join(cls, states: Sequence["PromptState"]) -> "PromptState":
        """Joins states of one or more prompts into one state of all their prompts, in the same order."""
        longest = max(state.memory[MASK].shape[1] for state in states)
        mask = torch.cat([F.pad(state.memory[MASK], (0, longest - state.memory[MASK].shape[1])) for state in states])
        names = {name: tensor for state in states for name, tensor in state.cache.items()}
        cache = {
            name: torch.cat([_padded(state, name, example, longest) for state in states])
            for name, example in names.items()
        }
        return cls(_memory(mask), cache, torch.arange(len(mask), device=mask.device))


def _memory(mask: Tensor) -> dict[str, Tensor]:
    return {MASK: mask, LENGTH: mask.sum(dim=1)}


def _padded(state: PromptState, name: str, example: Tensor, longest: int) -> Tensor:
    """A tensor of the cache, padded to `longest` positions; the cache of prompts without ids is empty."""
    if name not in state.cache:
        return example.new_zeros(len(state.memory[MASK]), example.shape[1], longest, example.shape[3])
    tensor = state.cache[name]
    return F.pad(tensor, (0, 0, 0, longest - tensor.shape[2]))
