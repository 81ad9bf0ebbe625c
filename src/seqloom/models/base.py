"""The contract that keeps the architectures equal: Model, DecoderState, StepOutput.

Ids (PairBatch, Sources) enter; hidden states, logits and decoder states leave. Training, search, explanation and comparison use
only what stands here. Nothing here knows text, and no caller asks which architecture it holds.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from seqloom.batching import Example, PairBatch, Sources
from seqloom.config import Settings
from seqloom.errors import DecodingError, TrainingError
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.linear import multiply
from seqloom.vocabulary import Vocabulary as Vocabulary


@dataclass(frozen=True, slots=True)
class DecoderState:
    """What a decoder carries from step to step. Immutable: `Model.step` returns the next one.

    The first dimension of tensors in `memory` counts sources, of tensors in `cache` rows (hypotheses). A row reaches the memory
    of its source through `source_index`, so that the beams of a source share one copy.

    Attributes:
        memory: per source: encoder states, projected keys and values, their mask ("mask", True at a real token).
        cache: per hypothesis: key/value caches, recurrent states, the input-feeding vector.
        source_index: (rows,), the row of `memory` that belongs to each hypothesis.
        length: target positions that were fed so far; the same for all rows.
    """

    memory: Mapping[str, Tensor]
    cache: Mapping[str, Tensor]
    source_index: Int[Tensor, "rows"]
    length: int = 0

    def select(self, rows: Int[Tensor, "selected"]) -> "DecoderState":
        """The state of the given rows, in their order: repeats, reorders or drops hypotheses.

        Sources without hypotheses left are dropped from the memory too, so that finished sentences cost nothing.
        """
        index = self.source_index[rows]
        memory = self.memory
        kept = torch.unique(index)
        if kept.numel() < _num_sources(memory):
            memory = {name: tensor[kept] for name, tensor in memory.items()}
            index = torch.searchsorted(kept, index)
        return DecoderState(memory, {name: tensor[rows] for name, tensor in self.cache.items()}, index, self.length)

    def after(self, num_positions: int, cache: Mapping[str, Tensor]) -> "DecoderState":
        """The state after `num_positions` more target positions."""
        return DecoderState(self.memory, cache, self.source_index, self.length + num_positions)


class MemoryReader:
    """How rows reach the memory of their sources in one call of `advance`.

    Where each source has equally many rows, standing together in order (beam search keeps them so), the rows of a source are
    folded into one longer row of queries, and its keys are read once for all. Elsewhere the memory is copied row by row.
    """

    def __init__(self, state: DecoderState) -> None:
        self._memory = state.memory
        self._index = state.source_index
        sources, rows = _num_sources(state.memory), state.source_index.numel()
        self._folds = 0
        if sources and rows % sources == 0:
            index = torch.arange(sources, device=state.source_index.device).repeat_interleave(rows // sources)
            self._folds = rows // sources if torch.equal(state.source_index, index) else 0

    @classmethod
    def of_rows(cls, memory: Mapping[str, Tensor]) -> "MemoryReader":
        """A reader of a memory that has one row for each row of queries."""
        reader = cls.__new__(cls)
        reader._memory, reader._folds = memory, 1
        return reader

    def fold(self, x: Float[Tensor, "rows n dim"]) -> Float[Tensor, "_ _ dim"]:
        """Queries as the memory's rows want them."""
        return x if self._folds <= 1 else x.reshape(-1, self._folds * x.shape[1], x.shape[2])

    def unfold(self, x: Float[Tensor, "_ _ dim"]) -> Float[Tensor, "rows n dim"]:
        """The inverse of `fold`."""
        return x if self._folds <= 1 else x.reshape(self._index.numel(), -1, x.shape[2])

    def __getitem__(self, name: str) -> Tensor:
        """A tensor of the memory, one row for each row that `fold` returns."""
        tensor = self._memory[name]
        return tensor if self._folds else tensor[self._index]


def _num_sources(memory: Mapping[str, Tensor]) -> int:
    return next(iter(memory.values())).shape[0]


def reverse(sources: Sources, hooks: ActivationHooks | None = None) -> Sources:
    """Sources read backwards (Sutskever 2014, section 3.3); the last token, eos, stays last, and padding stays on the right.

    A hooks is told of the order, so that who looks at the encoder knows which word it is that he sees.
    """
    order = capture(hooks, "source.order", reversal(sources.mask))
    return Sources(sources.ids.gather(1, order), sources.mask)


def reversal(mask: Bool[Tensor, "batch src_len"]) -> Int[Tensor, "batch src_len"]:
    """For each position of a reversed source the position it comes from; its own inverse."""
    position = torch.arange(mask.shape[1], device=mask.device)
    mirrored = mask.sum(dim=1, keepdim=True) - 2 - position
    return torch.where(mirrored >= 0, mirrored, position)


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What a step returns: logits (rows, n, vocab) for the token after each of the n tokens fed, and the next state."""

    logits: Float[Tensor, "rows n vocab"]
    state: DecoderState


class ModelSettings(Settings):
    """Base of the settings of an architecture; each has a field `architecture: Literal[NAME] = NAME`."""

    if TYPE_CHECKING:
        architecture: str


class Model(nn.Module, ABC):
    """A sequence model: reads sources, writes targets.

    Attributes:
        settings_type: the settings that the architecture is made of, `__init__(settings, vocab)`.
        vocab: sizes and special ids.
        max_len: the most positions a source or a target may have, bos and eos included; None where there is no limit.
        takes_text: whether the model learns from plain text too: targets whose source is empty.
        compiles: whether torch.compile can make its forward pass.
        has_output_matrix: whether hidden states are multiplied with `output_weights`. A model without overrides `log_probs` and
            `hidden_width`.
        fitted_by_counting: whether the model is fitted by `fit`, in one pass over the examples, and not by the training loop.
    """

    settings_type: ClassVar[type["ModelSettings"]]

    vocab: Vocabulary
    max_len: int | None = None
    takes_text: ClassVar[bool] = False
    compiles: ClassVar[bool] = True
    has_output_matrix: ClassVar[bool] = True
    fitted_by_counting: ClassVar[bool] = False

    @abstractmethod
    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Reads the sources; one row each. For a decoder-only model they may be prompts without their last token.

        Raises:
            DecodingError: a source is longer than `max_len`.
        """

    @abstractmethod
    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Feeds n >= 1 target ids a row; the only decoder there is, for training and for generation alike.

        Position i sees the ids up to i and everything that `state` was fed before. The first id ever fed is bos (or the last
        token of a prompt).

        Returns:
            The hidden states before the vocabulary, and the state after the last id.

        Raises:
            DecodingError: the target grows longer than `max_len`.
        """

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The matrix (and bias) that `project` multiplies with; the loss works on it in blocks.

        Raises:
            DecodingError: the model has none (`has_output_matrix`).
        """
        raise DecodingError(f"{type(self).__name__} has no output matrix; its probabilities come from log_probs")

    def project(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """Logits over the vocabulary: hidden states times the output matrix; without a matrix, the log-probabilities."""
        if not self.has_output_matrix:
            return self.log_probs(hidden)
        weight, bias = self.output_weights()
        return multiply(hidden, weight, bias)

    def log_probs(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """The logarithm of the probability of each id, from hidden states.

        A model without an output matrix overrides this. Its gradients reach whatever it is computed from.
        """
        logits = self.project(hidden)
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)

    @property
    def device(self) -> torch.device:
        """The device of the weights; the CPU for a model without weights."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def hidden_width(self) -> int:
        """The size of the hidden states."""
        return self.output_weights()[0].shape[1]

    def fit(self, examples: Iterable[Example]) -> None:
        """Fits the model in one pass by counting, for models with `fitted_by_counting`; others learn by gradients.

        Raises:
            TrainingError: the model is not fitted by counting.
        """
        raise TrainingError(f"{type(self).__name__} is trained by gradients; it cannot be fitted by counting")

    def forward(self, batch: PairBatch, hooks: ActivationHooks | None = None) -> Float[Tensor, "batch tgt_len d_model"]:
        """Teacher forcing over whole sequences: all target positions in one call of `advance`.

        Returns:
            The hidden states before the vocabulary, (batch, tgt_len, d_model).

        Raises:
            DecodingError: a sequence is longer than `max_len`.
        """
        hidden, _ = self.advance(batch.tgt_in, self.start(batch.sources, hooks), hooks)
        return hidden

    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None) -> StepOutput:
        """Feeds n >= 1 target ids a row and scores what follows each of them; forced prefixes are steps with n > 1."""
        hidden, state = self.advance(ids, state, hooks)
        return StepOutput(self.project(hidden), state)

    def inference_model(self) -> "Model":
        """The same model laid out to generate: by the same contract, equal within rounding; itself where it has no such form.

        It is a snapshot: later changes of the weights do not reach it. It is not trained and not recorded, but `forward` is the
        model's own.
        """
        return self

    def rebuilt(self, make: Callable[["Model"], "Model"]) -> "Model":
        """What `make` makes of the model; where several models are one, what it makes of each of them, as one."""
        return make(self)

    def check_length(self, length: int, what: str) -> None:
        """Refuses more positions than the model holds.

        Args:
            what: is so long: "source".

        Raises:
            DecodingError: there are more.
        """
        if self.max_len is not None and length > self.max_len:
            raise DecodingError(
                f"a {what} of {length} positions does not fit: the model holds at most {self.max_len} "
                "(model.max_len); shorten it, or train with a larger model.max_len"
            )

    def max_tgt_len(self, src_len: int) -> int | None:
        """The most target positions that may follow a source of `src_len` tokens; None where there is no limit."""
        return self.max_len

    def fits(self, src_len: int, tgt_len: int) -> bool:
        """Whether a source and a target of so many tokens fit; eos comes to each."""
        if self.max_len is not None and src_len + 1 > self.max_len:
            return False
        max_tgt_len = self.max_tgt_len(src_len + 1)
        return max_tgt_len is None or tgt_len + 1 <= max_tgt_len

    def num_parameters(self, *, embeddings: bool = True) -> int:
        """How many numbers training adjusts.

        Args:
            embeddings: False leaves out embedding tables, as papers on scaling do.
        """
        left_out = set()
        if not embeddings:
            left_out = {
                id(p) for module in self.modules() if isinstance(module, nn.Embedding) for p in module.parameters()
            }
        return sum(p.numel() for p in self.parameters() if p.requires_grad and id(p) not in left_out)
