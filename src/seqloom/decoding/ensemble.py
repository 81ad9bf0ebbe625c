"""Ensemble: several models of one vocabulary as one model, by the contract.

Models enter; what leaves is a model whose probabilities are the mean of theirs. Its state is a state of states. It does not know
which architectures its members have, and they need not be alike.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqloom.batching import PairBatch, Sources
from seqloom.decoding.filters import precise
from seqloom.errors import DecodingError
from seqloom.models.base import DecoderState, Model, StepOutput
from seqloom.nn.record import Record

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class EnsembleState(DecoderState):
    """The states of an ensemble's members; it has no memory and no cache of its own."""

    states: tuple[DecoderState, ...] = ()

    @classmethod
    def join(cls, states: Sequence[DecoderState]) -> "EnsembleState":
        """States of the same rows as one."""
        return cls({}, {}, states[0].source_index, states[0].length, tuple(states))

    def select(self, rows: Int[Tensor, "selected"]) -> "EnsembleState":
        """As `DecoderState.select`."""
        return EnsembleState.join([state.select(rows) for state in self.states])


class Ensemble(Model):
    """The mean of the members' probabilities (Sutskever 2014, section 3.6, decodes so).

    Its hidden states are the members' side by side. Logits are log-probabilities. It is there to generate and to score.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        """Makes an ensemble, in evaluation mode if its members are.

        Raises:
            DecodingError: there are no models, or their vocabularies differ.
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
        self.vocab = models[0].vocab
        self.max_len = min((model.max_len for model in models if model.max_len is not None), default=None)
        self.models = nn.ModuleList(models)
        self.training = any(model.training for model in models)
        self._members = tuple(models)

    def max_tgt_len(self, src_len: int) -> int | None:
        """What the most narrow member allows."""
        rooms = [model.max_tgt_len(src_len) for model in self._members]
        return min((room for room in rooms if room is not None), default=None)

    def output_weights(self) -> tuple[Float[Tensor, "vocab d_model"], Float[Tensor, "vocab"] | None]:
        """An ensemble has no single output matrix.

        Raises:
            DecodingError: always; use `project`.
        """
        raise DecodingError(
            "an ensemble has no output matrix of its own: it generates and scores, but it cannot be trained"
        )

    def project(self, hidden: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows vocab"]:
        """The logarithm of the mean of the members' probabilities."""
        parts = hidden.split([_width(model) for model in self._members], dim=-1)
        return _mean([model.project(part) for model, part in zip(self._members, parts, strict=True)])

    def forward(self, batch: PairBatch, record: Record | None = None) -> Float[Tensor, "batch tgt_len d_model"]:
        """Teacher forcing by each member."""
        return torch.cat(self._each(lambda _, model, own: model(batch, own), record), dim=-1)

    def start(self, sources: Sources, record: Record | None = None) -> DecoderState:
        """Every member reads the sources."""
        return EnsembleState.join(self._each(lambda _, model, own: model.start(sources, own), record))

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, record: Record | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Every member is fed the ids."""
        assert isinstance(state, EnsembleState)
        found = self._each(lambda number, model, own: model.advance(ids, state.states[number], own), record)
        return torch.cat([hidden for hidden, _ in found], dim=-1), EnsembleState.join([after for _, after in found])

    def step(self, ids: Int[Tensor, "rows n"], state: DecoderState, record: Record | None = None) -> StepOutput:
        """Every member is fed the ids, and scores what follows them in its own way."""
        assert isinstance(state, EnsembleState)
        found = self._each(lambda number, model, own: model.step(ids, state.states[number], own), record)
        return StepOutput(_mean([one.logits for one in found]), EnsembleState.join([one.state for one in found]))

    def decoding_form(self) -> "Ensemble":
        """The members' forms as an ensemble."""
        return self.rebuilt(lambda model: model.decoding_form())

    def rebuilt(self, make: Callable[[Model], Model]) -> "Ensemble":
        """An ensemble of what is made of each member."""
        return Ensemble([model.rebuilt(make) for model in self._members])

    def _each(self, call: Callable[[int, Model, Record | None], _Found], record: Record | None) -> list[_Found]:
        """What each member, asked with its number and its record, answers; the mean of their alignments is recorded."""
        records = [None if record is None else _MemberRecord(record, number) for number in range(len(self._members))]
        found = [call(number, model, records[number]) for number, model in enumerate(self._members)]
        alignments = [one.tensors["alignment"][-1] for one in records if one is not None and "alignment" in one.tensors]
        if record is not None and len(alignments) == len(records):
            record("alignment", torch.stack(alignments).mean(dim=0))
        return found


class _MemberRecord(Record):
    """What a member of an ensemble writes into: names reach the ensemble's record with the member's number before them."""

    def __init__(self, whole: Record, number: int) -> None:
        super().__init__()
        self._whole = whole
        self._number = number

    def __call__(self, name: str, value: Tensor) -> Tensor:
        return super().__call__(name, self._whole(f"{self._number}.{name}", value))


def _mean(logits: Sequence[Float[Tensor, "*rows vocab"]]) -> Float[Tensor, "*rows vocab"]:
    """The logarithm of the mean of probabilities."""
    log_probs = [precise(one).log_softmax(dim=-1) for one in logits]
    total = log_probs[0]
    for one in log_probs[1:]:
        total = torch.logaddexp(total, one)
    return total - math.log(len(log_probs))


def _width(model: Model) -> int:
    """The size of a model's hidden states."""
    return sum(map(_width, model._members)) if isinstance(model, Ensemble) else model.output_weights()[0].shape[1]
