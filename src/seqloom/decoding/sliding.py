"""SlidingContext: a language model that generates beyond its context, by the model contract.

Input: a model with a limit; output: a model without one. Where the context is full, the last half of it is read again as a new
prompt, from position 0. So no position is beyond what the model was trained on, whether its positions are learned, sinusoidal or
rotary. The first id (bos) stays the first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.data.batching import Sources
from seqloom.decoding.full_context import kept_positions
from seqloom.decoding.wrapped_model import WrappedModel
from seqloom.models.base import DecoderState, Model, StepOutput
from seqloom.nn.activation_hooks import ActivationHooks


@dataclass(frozen=True, slots=True)
class SlidingState(DecoderState):
    """The state of the model that slides, and the ids that each row has read.

    Attributes:
        inner: the state of the model for its present context.
        ids: (rows, longest), what was read so far, -1 before its beginning.
        first_ids: (rows,), the first id of each row.
        sizes: (rows,), positions in the present context of each row.
    """

    inner: DecoderState | None = None
    ids: Int[Tensor, "rows longest"] | None = None
    first_ids: Int[Tensor, "rows"] | None = None
    sizes: Int[Tensor, "rows"] | None = None

    @property
    def parts(self) -> tuple[DecoderState, Tensor, Tensor, Tensor]:
        """The state of the model, ids, first ids and sizes."""
        assert self.inner is not None
        assert self.ids is not None
        assert self.first_ids is not None
        assert self.sizes is not None
        return self.inner, self.ids, self.first_ids, self.sizes

    def select(self, rows: Int[Tensor, "selected"]) -> "SlidingState":
        """Like `DecoderState.select`."""
        inner, ids, first_ids, sizes = self.parts
        chosen = inner.select(rows)
        return SlidingState({}, {}, chosen.source_index, self.length, chosen, ids[rows], first_ids[rows], sizes[rows])


class SlidingContext(WrappedModel):
    """A language model whose context slides.

    Rows slide when their own context is full, so a text does not depend on the other texts of its batch. The contexts of all rows
    are then read again together.
    """

    def __init__(self, model: Model, limit: int, *, reader: Model | None = None) -> None:
        """Takes a model.

        Args:
            limit: the largest number of positions of its context, prompt and output together.
            reader: reads the prompts in place of the model, and returns states of the model, such as `CachedPrompts`.
        """
        super().__init__(model)
        self._reader = reader or model
        self.limit = limit
        self.max_len = None

    def max_tgt_len(self, src_len: int) -> None:
        """There is no limit."""

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Reads prompts; each has a position less than the context, at most.

        Raises:
            DecodingError: a prompt is longer than the context.
        """
        inner = self._reader.start(sources, hooks)
        sizes = sources.mask.sum(dim=1)
        longest = sources.ids.shape[1]
        # Padding stands on the right; here it has to stand on the left.
        positions = torch.arange(longest, device=sizes.device) - (longest - sizes)[:, None]
        ids = sources.ids.gather(1, positions.clamp(min=0)).masked_fill(positions < 0, -1)
        first_ids = sources.ids[:, 0] if longest else sizes.new_full((len(sizes),), -1)
        first_ids = torch.where(sizes > 0, first_ids, -1)
        return SlidingState({}, {}, inner.source_index, 0, inner, ids, first_ids, sizes)

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Feeds ids; where a context would exceed its limit, it slides first."""
        return self._feed(lambda part, inner: self.model.advance(part, inner, hooks), ids, state)

    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None) -> StepOutput:
        """Like `advance`, with the logits of the model's own step."""

        def step(part: Tensor, inner: DecoderState) -> tuple[Tensor, DecoderState]:
            output = self.model.step(part, inner, hooks)
            return output.logits, output.state

        return StepOutput(*self._feed(step, ids, state))

    def _feed(
        self,
        feed_model: Callable[[Tensor, DecoderState], tuple[Tensor, DecoderState]],
        ids: Tensor,
        state: DecoderState,
    ) -> tuple[Tensor, DecoderState]:
        """Feeds ids with a method of the model, and slides contexts that are full; returns the outputs of all positions."""
        outputs = []
        for part in self._parts(ids, state):
            assert isinstance(state, SlidingState)
            inner, state = self._with_space(part, state)
            output, inner = feed_model(part, inner)
            outputs.append(output)
            state = _fed(part, state, inner)
        return torch.cat(outputs, dim=1), state

    def _parts(self, ids: Tensor, state: DecoderState) -> list[Tensor]:
        """The ids as they can be fed together: all, or position by position where a context would be full."""
        assert isinstance(state, SlidingState)
        fits = int(state.parts[3].max()) + ids.shape[1] <= self.limit
        return [ids] if fits else list(ids.split(1, dim=1))

    def _with_space(self, ids: Tensor, state: SlidingState) -> tuple[DecoderState, SlidingState]:
        """The state of the model with space for more ids, and the sliding state that belongs to it."""
        inner, read, first_ids, sizes = state.parts
        full = sizes + ids.shape[1] > self.limit
        if not full.any():
            return inner, state
        sizes = torch.where(full, kept_positions(self.limit), sizes)
        width = int(sizes.max())
        positions = torch.arange(width, device=sizes.device)
        mask = positions < sizes[:, None]
        index = (read.shape[1] - sizes[:, None] + positions).clamp(max=read.shape[1] - 1)
        context = read.gather(1, index)
        context[:, 0] = torch.where(sizes > 0, first_ids, context[:, 0])
        inner = self.model.start(Sources(context.masked_fill(~mask, self.vocab.pad_id), mask))
        slid = SlidingState({}, {}, inner.source_index, state.length, inner, read, first_ids, sizes)
        return inner, slid


def _fed(ids: Tensor, state: SlidingState, inner: DecoderState) -> SlidingState:
    """The state after ids were fed, in which `inner` is the state of the model."""
    _, read, first_ids, sizes = state.parts
    first_ids = torch.where(first_ids < 0, ids[:, 0], first_ids)
    read = torch.cat([read, ids.to(read.dtype)], dim=1)
    length = state.length + ids.shape[1]
    return SlidingState({}, {}, inner.source_index, length, inner, read, first_ids, sizes + ids.shape[1])
