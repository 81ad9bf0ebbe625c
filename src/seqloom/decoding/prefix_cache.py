"""PrefixCache: the states of prompts that were read, so that what prompts have in common is read once.

Input: ids of prompts; output: states. It is bounded: where it is full, the states that were not used for the longest time are
dropped. Several threads may use it. It knows no text, and no architecture.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.decoding.wrapped_model import WrappedModel
from seqloom.models.base import DecoderState, Model, StepOutput
from seqloom.models.prompt_state import PromptState
from seqloom.nn.activation_hooks import ActivationHooks

_LEAST = 4
"""A common beginning of fewer ids is read again: to look it up and to copy it is not faster."""


@dataclass(frozen=True, slots=True)
class PrefixStatistics:
    """What a prefix cache has done and holds.

    Attributes:
        hits, misses: prompts of which a beginning was in the cache, and others.
        num_reused: ids that were not read again.
        num_read: ids that were read.
        num_bytes: memory of its states.
        num_states: how many there are.
    """

    hits: int = 0
    misses: int = 0
    num_reused: int = 0
    num_read: int = 0
    num_bytes: int = 0
    num_states: int = 0


class PrefixCache:
    """States of prompts by their ids."""

    def __init__(self, max_bytes: int) -> None:
        """An empty cache.

        Args:
            max_bytes: the upper limit for the memory of all its states.
        """
        self._max_bytes = max_bytes
        self._states: OrderedDict[bytes, tuple[NDArray[np.int64], PromptState]] = OrderedDict()
        self._lock = threading.Lock()
        self._statistics = PrefixStatistics()

    @property
    def statistics(self) -> PrefixStatistics:
        """Hits and misses so far, and the current contents."""
        with self._lock:
            return self._statistics

    def longest(self, ids: NDArray[np.int64]) -> tuple[int, PromptState] | None:
        """The state with the longest common prefix with a prompt, and the length of that prefix; None if it is too short."""
        with self._lock:
            best, best_key = 0, b""
            for key, (other, _) in self._states.items():
                length = _common_length(ids, other)
                if length > best:
                    best, best_key = length, key
            if best < _LEAST:
                return None
            self._states.move_to_end(best_key)
            return best, self._states[best_key][1]

    def add(self, ids: NDArray[np.int64], state: PromptState) -> None:
        """Stores the state after a prompt; one that is larger than the whole cache is not stored.

        It replaces states of prompts that are prefixes of this prompt, because a state can be cut to any prefix.
        """
        num_bytes = state.num_bytes + ids.nbytes
        if num_bytes > self._max_bytes or len(ids) < _LEAST:
            return
        with self._lock:
            covered = [key for key, (other, _) in self._states.items() if _common_length(ids, other) == len(other)]
            for key in covered:
                self._drop(key)
            if any(_common_length(ids, other) == len(ids) for other, _ in self._states.values()):
                return
            while self._statistics.num_bytes + num_bytes > self._max_bytes:
                self._drop(next(iter(self._states)))
            self._states[ids.tobytes()] = (ids, state)
            self._count(num_bytes=num_bytes, num_states=1)

    def count(self, *, hits: int, misses: int, num_reused: int, num_read: int) -> None:
        """Adds to the statistics."""
        with self._lock:
            self._count(hits=hits, misses=misses, num_reused=num_reused, num_read=num_read)

    def _drop(self, key: bytes) -> None:
        ids, state = self._states.pop(key)
        self._count(num_bytes=-(state.num_bytes + ids.nbytes), num_states=-1)

    def _count(self, **changes: int) -> None:
        old = self._statistics
        self._statistics = PrefixStatistics(
            **{name: getattr(old, name) + changes.get(name, 0) for name in PrefixStatistics.__slots__}
        )


class CachedPrompts(WrappedModel):
    """A language model that reads prompts through a prefix cache.

    Equal prompts of a batch are read once. Outputs are those of the model, equal within rounding.
    """

    def __init__(self, model: Model, cache: PrefixCache) -> None:
        """Takes a model that can store the states of prompts (`Model.reuses_prompts`); the cache must not serve another model."""
        super().__init__(model)
        self._cache = cache

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Calls `advance` of the wrapped model."""
        return self.model.advance(ids, state, hooks)

    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None) -> StepOutput:
        """Calls `step` of the wrapped model."""
        return self.model.step(ids, state, hooks)

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Reads the parts of the prompts that are not in the cache, and stores the states there."""
        lengths = sources.mask.sum(dim=1).tolist()
        prompts = [row[:length] for row, length in zip(sources.ids.cpu().numpy(), lengths, strict=True)]
        different = {prompt.tobytes(): prompt for prompt in prompts}
        states = self._states(list(different.values()))
        index = {key: number for number, key in enumerate(different)}
        joined = PromptState.join(states)
        if len(different) < len(prompts):
            rows = torch.tensor([index[prompt.tobytes()] for prompt in prompts], device=sources.ids.device)
            joined = PromptState.join([joined.row(row) for row in rows.tolist()])
        return self.model.resume(joined)

    def _states(self, prompts: list[NDArray[np.int64]]) -> list[PromptState]:
        """The state of each prompt."""
        states: dict[int, PromptState] = {}
        reused = 0
        for number, prompt in enumerate(prompts):
            match = self._cache.longest(prompt)
            if match is not None:
                length, state = match
                states[number] = self._extended(prompt, length, state)
                reused += length
        hits, missing = len(states), [number for number in range(len(prompts)) if number not in states]
        if missing:
            sources = Sources.pad([prompts[n] for n in missing], pad_id=self.vocab.pad_id, device=self.device)
            together = self.model.read_prompts(sources)
            states |= {number: together.row(row) for row, number in enumerate(missing)}
        for number, prompt in enumerate(prompts):
            self._cache.add(prompt, states[number])
        total = sum(map(len, prompts))
        self._cache.count(hits=hits, misses=len(missing), num_reused=reused, num_read=total - reused)
        return [states[number] for number in range(len(prompts))]

    def _extended(self, prompt: NDArray[np.int64], length: int, state: PromptState) -> PromptState:
        """The state after a prompt that shares its first `length` ids with the prompt of `state`."""
        state = state.row(0, length)
        if length == len(prompt):
            return state
        rest = torch.from_numpy(prompt[None, length:]).to(self.device)
        return self.model.extend_prompts(rest, state)


def _common_length(ids: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    """The length of the longest common prefix of two prompts, in ids."""
    shorter = min(len(ids), len(other))
    different = np.flatnonzero(ids[:shorter] != other[:shorter])
    return int(different[0]) if different.size else shorter
