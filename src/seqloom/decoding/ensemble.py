"""Ensemble: several models with the same vocabulary as one model, by the model contract.

Input: models; output: a model whose probabilities are the mean of theirs. Its state holds their states. It does not know the
architectures of its members, which may differ.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqloom.data.batching import PairBatch, Sources
from seqloom.decoding.filters import precise
from seqloom.errors import DecodingError
from seqloom.models.base import DecoderState, Model, StepOutput
from seqloom.nn.activation_hooks import ActivationHooks

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class EnsembleState(DecoderState):
    """The states of the members of an ensemble. It has no memory and no cache of its own."""

    states: tuple[DecoderState, ...] = ()

    @classmethod
    def join(cls, states: Sequence[DecoderState]) -> "EnsembleState":
        """States of the same rows as one state."""
        return cls({}, {}, states[0].source_index, states[0].length, tuple(states))

    def select(self, rows: Int[Tensor, "selected"]) -> "EnsembleState":
        """Like `DecoderState.select`."""
        return EnsembleState.join([state.select(rows) for state in self.states])


class Ensemble(Model):
    """The weighted mean of the members' probabilities (equal weights: Sutskever 2014, section 3.6; linear interpolation of language
    models: Jelinek & Mercer 1980).

    Its hidden states are those of the members, concatenated. Logits are log-probabilities. It generates and scores; it cannot be
    trained.
    """

    has_output_matrix = False

    def __init__(self, models: Sequence[Model], weights: Sequence[float] | None = None) -> None:
        """Takes the members. The ensemble is in evaluation mode if they are.

        Args:
            weights: of the members, at least 0 and 1 in sum; equal by default.

        Raises:
            DecodingError: there are no models, their vocabularies differ, or the weights do not fit.
        """
        super().__init__()
        if not models:
            raise DecodingError("an ensemble needs at least one model")
        for number, model in enumerate(models[1:], 2):
            if model.vocab != models[0].vocab:
                raise DecodingError(
                    f"model {number} of the ensemble has another vocabulary than the first ({model.vocab}, not "
                    f"{models[0].vocab}); an ensemble needs models that were trained with the same tokenizer"
                )
        self.weights = check_weights(weights, len(models))
        self.vocab = models[0].vocab
        self.max_len = min((model.max_len for model in models if model.max_len is not None), default=None)
        self.models = nn.ModuleList(models)
        self.training = any(model.training for model in models)
        self._members = tuple(models)

    def max_tgt_len(self, src_len: int) -> int | None:
        """The smallest limit of the members."""
        limits = [model.max_tgt_len(src_len) for model in self._members]
        return min((limit for limit in limits if limit is not None), default=None)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """An ensemble has no single output matrix.

        Raises:
            DecodingError: always; use `project`.
        """
        raise DecodingError(
            "an ensemble has no output matrix of its own: it generates and scores, but it cannot be trained"
        )

    @property
    def hidden_width(self) -> int:
        """The members' hidden states follow one another."""
        return sum(model.hidden_width for model in self._members)

    def log_probs(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """See `project`."""
        return self.project(hidden)

    def project(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """The logarithm of the mean of the members' probabilities."""
        parts = hidden.split([model.hidden_width for model in self._members], dim=-1)
        return self._mean([model.project(part) for model, part in zip(self._members, parts, strict=True)])

    def forward(self, batch: PairBatch, hooks: ActivationHooks | None = None) -> Float[Tensor, "batch tgt_len d_model"]:
        """Teacher forcing by each member."""
        return torch.cat(self._each(lambda _, model, own: model(batch, own), hooks), dim=-1)

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        """Every member reads the sources."""
        return EnsembleState.join(self._each(lambda _, model, own: model.start(sources, own), hooks))

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Every member is fed the ids."""
        assert isinstance(state, EnsembleState)
        results = self._each(lambda number, model, own: model.advance(ids, state.states[number], own), hooks)
        states = [new_state for _, new_state in results]
        return torch.cat([hidden for hidden, _ in results], dim=-1), EnsembleState.join(states)

    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, hooks: ActivationHooks | None = None) -> StepOutput:
        """Every member is fed the ids and computes its logits."""
        assert isinstance(state, EnsembleState)
        outputs = self._each(lambda number, model, own: model.step(ids, state.states[number], own), hooks)
        states = [output.state for output in outputs]
        return StepOutput(self._mean([output.logits for output in outputs]), EnsembleState.join(states))

    def inference_model(self) -> "Ensemble":
        """An ensemble of the members' inference models."""
        return self.wrap_members(lambda model: model.inference_model())

    def wrap_members(self, make: Callable[[Model], Model]) -> "Ensemble":
        """An ensemble of `make(member)` for each member."""
        return Ensemble([model.wrap_members(make) for model in self._members], self.weights)

    def _mean(self, logits: Sequence[Float[Tensor, "*rows vocab"]]) -> Float[Tensor, "*rows vocab"]:
        """The logarithm of the weighted mean of probabilities."""
        log_probs = [precise(of_member).log_softmax(dim=-1) for of_member in logits]
        if len(set(self.weights)) == 1:
            total = log_probs[0]
            for of_member in log_probs[1:]:
                total = torch.logaddexp(total, of_member)
            return total - math.log(len(log_probs))
        weighted = [
            of_member + math.log(weight)
            for of_member, weight in zip(log_probs, self.weights, strict=True)
            if weight > 0
        ]
        return torch.stack(weighted).logsumexp(dim=0)

    def _each(
        self, call: Callable[[int, Model, ActivationHooks | None], _Result], hooks: ActivationHooks | None
    ) -> list[_Result]:
        """Calls each member with its number and its hooks; captures the mean of their alignments."""
        member_hooks = [None if hooks is None else _MemberHooks(hooks, number) for number in range(len(self._members))]
        results = [call(number, model, member_hooks[number]) for number, model in enumerate(self._members)]
        alignments = [
            own.tensors["alignment"][-1] for own in member_hooks if own is not None and "alignment" in own.tensors
        ]
        if hooks is not None and len(alignments) == len(member_hooks):
            hooks("alignment", torch.stack(alignments).mean(dim=0))
        return results


class _MemberHooks(ActivationHooks):
    """The hooks of a member of an ensemble. They pass names on to the ensemble's hooks, after the member's number."""

    def __init__(self, whole: ActivationHooks, number: int) -> None:
        super().__init__()
        self._whole = whole
        self._number = number

    def __call__(self, name: str, value: Tensor) -> Tensor:
        return super().__call__(name, self._whole(f"{self._number}.{name}", value))


def check_weights(weights: Sequence[float] | None, num_models: int) -> tuple[float, ...]:
    """The weights of an ensemble, equal by default.

    Raises:
        DecodingError: not one for each model, a negative one, or a sum other than 1.
    """
    if weights is None:
        return (1 / num_models,) * num_models
    if len(weights) != num_models:
        raise DecodingError(f"weights: {len(weights)} were given for {num_models} models; expected one for each model")
    if not all(0 <= weight <= 1 for weight in weights) or not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise DecodingError(
            f"weights: {', '.join(f'{weight:g}' for weight in weights)} must be at least 0 and 1 in sum; for example 0.7,0.3"
        )
    return tuple(float(weight) for weight in weights)
