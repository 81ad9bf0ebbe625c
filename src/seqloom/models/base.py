"""The contract of all architectures: Model, DecoderState, StepOutput.

The input is ids (PairBatch, Sources); the output is hidden states, logits and decoder states. Training, search, explanation and
comparison use only this contract, so they do not depend on the architecture. Models get ids and never text.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from seqloom.config import Settings
from seqloom.data.batching import Example, PairBatch, Sources
from seqloom.errors import DecodingError, TrainingError
from seqloom.nn.activation_hooks import ActivationHooks, capture
from seqloom.nn.linear import multiply
from seqloom.progress import Progress
from seqloom.vocabulary import Vocabulary as Vocabulary

if TYPE_CHECKING:
    from seqloom.models.prompt_state import PromptState


@dataclass(frozen=True, slots=True)
class DecoderState:
    """The state of a decoder between steps. Immutable: `Model.step` returns a new one.

    Tensors in `memory` have one row for each source, tensors in `cache` one row for each hypothesis. `source_index` is the source
    of each hypothesis, so the hypotheses of a source share its memory.

    Attributes:
        memory: tensors for each source: encoder states, projected keys and values, their mask ("mask", True at a real token).
        cache: tensors for each hypothesis: key/value caches, recurrent states, the input-feeding vector.
        source_index: (rows,), the row of `memory` that belongs to each hypothesis.
        length: the number of target ids that the decoder has read; the same for all rows.
    """

    memory: Mapping[str, Tensor]
    cache: Mapping[str, Tensor]
    source_index: Int[Tensor, "rows"]
    length: int = 0

    def select(self, rows: Int[Tensor, "selected"]) -> "DecoderState":
        """Repeats, reorders or drops hypotheses: the state of `rows`, in their order.

        Sources without hypotheses are removed from the memory, so that finished sentences take no time.
        """
        index = self.source_index[rows]
        memory = self.memory
        kept = torch.unique(index)
        if kept.numel() < _num_sources(memory):
            memory = {name: tensor[kept] for name, tensor in memory.items()}
            index = torch.searchsorted(kept, index)
        return DecoderState(memory, {name: tensor[rows] for name, tensor in self.cache.items()}, index, self.length)

    def after(self, num_positions: int, cache: Mapping[str, Tensor]) -> "DecoderState":
        """This state with a new cache, and with a `length` that is larger by `num_positions`."""
        return DecoderState(self.memory, cache, self.source_index, self.length + num_positions)


class MemoryReader:
    """Gives rows access to the memory of their sources, in one call of `advance`.

    If all sources have the same number of rows, in the order of the sources (as in beam search), the rows of a source are folded
    into one longer row of queries, so that its keys are read once. Otherwise the memory is copied for each row.
    """

    def __init__(self, state: DecoderState) -> None:
        self._memory = state.memory
        self._index = state.source_index
        sources, rows = _num_sources(state.memory), state.source_index.numel()
        # Rows for each source, if rows can be folded. 0: they cannot, and the memory is copied for each row.
        self._folds = 0
        if sources and rows % sources == 0:
            index = torch.arange(sources, device=state.source_index.device).repeat_interleave(rows // sources)
            self._folds = rows // sources if torch.equal(state.source_index, index) else 0

    @classmethod
    def of_rows(cls, memory: Mapping[str, Tensor]) -> "MemoryReader":
        """A reader for a memory with one row for each row of queries."""
        reader = cls.__new__(cls)
        reader._memory, reader._folds = memory, 1
        return reader

    def fold(self, x: Float[Tensor, "rows n dim"]) -> Float[Tensor, "_ _ dim"]:
        """Concatenates the queries of all rows of a source, so that there is one row for each row of the memory."""
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
    """Reverses the sources (Sutskever 2014, section 3.3); eos stays the last token, and padding stays on the right.

    The order is captured as "source.order", so that encoder activations can be assigned to words.
    """
    order = capture(hooks, "source.order", reversal(sources.mask))
    return Sources(sources.ids.gather(1, order), sources.mask)


def reversal(mask: Bool[Tensor, "batch src_len"]) -> Int[Tensor, "batch src_len"]:
    """For each position of a reversed source its position in the original; eos and padding keep their positions.

    This permutation is its own inverse.
    """
    position = torch.arange(mask.shape[1], device=mask.device)
    # The last token before eos is at the position `number of real tokens - 2`.
    mirrored = mask.sum(dim=1, keepdim=True) - 2 - position
    return torch.where(mirrored >= 0, mirrored, position)


@dataclass(frozen=True, slots=True)
class StepOutput:
    """The result of a step: logits (rows, n, vocab) for the token after each of the n ids, and the next state."""

    logits: Float[Tensor, "rows n vocab"]
    state: DecoderState


class ModelSettings(Settings):
    """Base class of the settings of architectures; each has a field `architecture: Literal[NAME] = NAME`."""

    if TYPE_CHECKING:
        architecture: str


class Model(nn.Module, ABC):
    """A sequence model: reads sources, writes targets.

    Attributes:
        settings_type: the class of the architecture's settings; the constructor is `__init__(settings, vocab)`.
        vocab: sizes and special ids.
        max_len: the largest number of positions of a source or a target, with bos and eos; None if there is no limit.
        trains_on_texts: whether the model can be trained on plain texts, that is, on targets without a source.
        trains_on_pairs: whether the model can be trained on pairs of a source and a target.
        compiles: whether torch.compile can compile the forward pass.
        has_output_matrix: whether hidden states are multiplied with `output_weights`. A model without an output matrix overrides
            `log_probs` and `hidden_width`.
        fitted_by_counting: whether the model is fitted by `fit`, in one pass over the examples, and not by the training loop. It
            has no gradients, and its tensors may have sizes that depend on the data (`resize`).
        reuses_prompts: whether the state after a prompt can be stored and continued: `read_prompts`, `extend_prompts`, `resume`.
    """

    settings_type: ClassVar[type["ModelSettings"]]

    vocab: Vocabulary
    max_len: int | None = None
    trains_on_texts: ClassVar[bool] = False
    trains_on_pairs: ClassVar[bool] = True
    compiles: ClassVar[bool] = True
    has_output_matrix: ClassVar[bool] = True
    fitted_by_counting: ClassVar[bool] = False
    reuses_prompts: bool = False

    @abstractmethod
    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Encodes the sources; the state has one row for each.

        The sources of a decoder-only model are prompts. If they come without their last token, `advance` reads it first.

        Raises:
            DecodingError: a source is longer than `max_len`.
        """

    @abstractmethod
    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Reads n >= 1 target ids in each row; both training and generation use it.

        The output at position i depends on the ids up to i and on all ids of earlier calls, whose result `state` is. The first id
        of the first call is bos, or the last token of a prompt.

        Returns:
            The hidden states that `project` turns into logits, and the state after the last id.

        Raises:
            DecodingError: the target becomes longer than `max_len`.
        """

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """The output matrix and its bias; the loss computes logits from them in blocks.

        Raises:
            DecodingError: the model has no output matrix (`has_output_matrix`).
        """
        raise DecodingError(f"{type(self).__name__} has no output matrix; its probabilities come from log_probs")

    def project(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """Logits over the vocabulary, from hidden states; a model without an output matrix returns log-probabilities."""
        if not self.has_output_matrix:
            return self.log_probs(hidden)
        weight, bias = self.output_weights()
        return multiply(hidden, weight, bias)

    def log_probs(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """The logarithm of the probability of each id, from hidden states.

        A model without an output matrix overrides this. Gradients pass through it.
        """
        logits = self.project(hidden)
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)

    def target_log_probs(
        self, hidden: Float[Tensor, "rows d_model"], targets: Int[Tensor, "rows"]
    ) -> Float[Tensor, "rows"]:
        """The log-probability of one id for each hidden state.

        A model overrides this if it can compute them faster than the log-probabilities of all ids.
        """
        return self.log_probs(hidden).gather(1, targets[:, None])[:, 0]

    @property
    def context_len(self) -> int | None:
        """The number of preceding ids that a prediction depends on; None if it depends on all of them."""
        return None

    @property
    def device(self) -> torch.device:
        """The device of the weights; the CPU for a model without weights."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def hidden_width(self) -> int:
        """The size of the hidden states."""
        return self.output_weights()[0].shape[1]

    def fit(
        self, examples: Iterable[Example], *, end: bool = True, progress: Progress | None = None
    ) -> tuple[str, ...]:
        """Fits the model by counting, in one pass over the examples; only for models with `fitted_by_counting`.

        Args:
            end: True if each target is a separate text that eos follows; False if the targets are consecutive windows of one long
                text.

        Returns:
            Notes for the user.

        Raises:
            TrainingError: the model is not fitted by counting, or counting would take more memory than is free.
        """
        del examples, end, progress
        raise TrainingError(f"{type(self).__name__} is trained by gradients; it cannot be fitted by counting")

    def resize(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Resizes the tensors whose sizes depend on the training data.

        Models without such tensors do nothing.

        Args:
            shapes: the shapes of the tensors in a file of weights, by name.
        """

    def check_state(self) -> None:
        """Checks loaded tensors whose values are used as indices; models without such tensors do nothing.

        Raises:
            ValueError: a value is out of range.
        """

    def forward(self, batch: PairBatch, hooks: ActivationHooks | None = None) -> Float[Tensor, "batch tgt_len d_model"]:
        """Teacher forcing over whole sequences: all target positions in one call of `advance`.

        Returns:
            The hidden states that `project` turns into logits, (batch, tgt_len, d_model).

        Raises:
            DecodingError: a sequence is longer than `max_len`.
        """
        hidden, _ = self.advance(batch.tgt_in, self.start(batch.sources, hooks), hooks)
        return hidden

    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None) -> StepOutput:
        """Reads n >= 1 target ids in each row, and returns logits for the id after each; forced prefixes use n > 1."""
        hidden, state = self.advance(ids, state, hooks)
        return StepOutput(self.project(hidden), state)

    def read_prompts(self, sources: Sources) -> "PromptState":
        """Reads prompts without their last tokens, like `start`; the returned state can be stored, cut, joined and extended.

        Raises:
            DecodingError: `reuses_prompts` is False.
        """
        raise DecodingError(f"{type(self).__name__} does not store the states of prompts; use start")

    def extend_prompts(self, ids: Int[Tensor, "rows n"], state: "PromptState") -> "PromptState":
        """Reads n >= 1 more ids of each prompt; `ids` has no padding, so all prompts grow by n ids.

        Raises:
            DecodingError: `reuses_prompts` is False, or a prompt becomes longer than `max_len`.
        """
        raise DecodingError(f"{type(self).__name__} does not store the states of prompts; use advance")

    def resume(self, state: "PromptState") -> DecoderState:
        """The state from which `advance` continues after prompts: what `start` returns for them."""
        return state

    def inference_model(self) -> "Model":
        """The same model with weights and caches laid out for generation: same contract, equal results within rounding.

        It is a snapshot: later changes of the weights do not change it. It cannot be trained. Its `forward` runs the original model
        and captures activations; its other methods do not. A model without an inference model returns itself.
        """
        return self

    def wrap_members(self, make: Callable[["Model"], "Model"]) -> "Model":
        """`make(self)`, usually a wrapper; an ensemble calls `make` for each member and returns an ensemble of the results."""
        return make(self)

    def check_length(self, length: int, what: str) -> None:
        """Checks that a number of positions is at most `max_len`.

        Args:
            what: the name of the sequence in the message, such as "source".

        Raises:
            DecodingError: `length` is larger.
        """
        if self.max_len is not None and length > self.max_len:
            raise DecodingError(
                f"a {what} of {length} positions does not fit: the model holds at most {self.max_len} "
                "(model.max_len); shorten it, or train with a larger model.max_len"
            )

    def max_tgt_len(self, src_len: int) -> int | None:
        """The largest number of target positions after a source of `src_len` tokens; None if there is no limit."""
        return self.max_len

    def fits(self, src_len: int, tgt_len: int) -> bool:
        """Whether a source and a target of these lengths, without eos, fit into the model together with eos."""
        if self.max_len is not None and src_len + 1 > self.max_len:
            return False
        max_tgt_len = self.max_tgt_len(src_len + 1)
        return max_tgt_len is None or tgt_len + 1 <= max_tgt_len

    def num_parameters(self, *, embeddings: bool = True) -> int:
        """The number of trainable parameters.

        Args:
            embeddings: False leaves out embedding tables, as in papers on scaling.
        """
        left_out = set()
        if not embeddings:
            left_out = {
                id(p) for module in self.modules() if isinstance(module, nn.Embedding) for p in module.parameters()
            }
        return sum(p.numel() for p in self.parameters() if p.requires_grad and id(p) not in left_out)
