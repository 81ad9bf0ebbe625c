"""Ensemble: several models of one vocabulary as one model, by the contract.

Models enter; what leaves is a model whose probabilities are the mean of theirs. Its state is a state of states: the members'
memories and caches under prefixed names, so that `select` moves them together. It does not know which architectures its members
have, and they need not be alike.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seqloom.batching import Sources
from seqloom.decoding.filters import precise
from seqloom.errors import DecodingError
from seqloom.models.base import DecoderState, Model
from seqloom.nn.record import Record


class Ensemble(Model):
    """The mean of the members' probabilities (Sutskever 2014, section 3.6, decodes so).

    Its hidden states are the members' side by side. Logits are log-probabilities. It is there to generate and to score.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        """Makes an ensemble.

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
        self._members = tuple(models)
        self._widths = [_width(model) for model in models]

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
        log_probs = [
            precise(model.project(part)).log_softmax(dim=-1)
            for model, part in zip(self._members, hidden.split(self._widths, dim=-1), strict=True)
        ]
        return torch.stack(log_probs).logsumexp(dim=0) - math.log(len(log_probs))

    def start(self, sources: Sources, record: Record | None = None) -> DecoderState:
        """Every member reads the sources."""
        states = [model.start(sources, _member_record(record, number)) for number, model in enumerate(self._members)]
        memory = _join([state.memory for state in states])
        return DecoderState(memory, _join([state.cache for state in states]), states[0].source_index)

    def advance(
        self, ids: Int[Tensor, "rows n"], state: DecoderState, record: Record | None = None
    ) -> tuple[Float[Tensor, "rows n d_model"], DecoderState]:
        """Every member is fed the ids."""
        hidden, caches = [], []
        records = [_member_record(record, number) for number in range(len(self._members))]
        for number, model in enumerate(self._members):
            memory, cache = _part(state.memory, number), _part(state.cache, number)
            part, after = model.advance(
                ids, DecoderState(memory, cache, state.source_index, state.length), records[number]
            )
            hidden.append(part)
            caches.append(after.cache)
        if record is not None:
            alignments = [
                one.tensors["alignment"][-1] for one in records if one is not None and "alignment" in one.tensors
            ]
            if len(alignments) == len(records):
                record("alignment", torch.stack(alignments).mean(dim=0))
        return torch.cat(hidden, dim=-1), state.after(ids.shape[1], _join(caches))


class _MemberRecord(Record):
    """What a member of an ensemble writes into: names reach the ensemble's record with the member's number before them."""

    def __init__(self, whole: Record, number: int) -> None:
        super().__init__()
        self._whole = whole
        self._number = number

    def __call__(self, name: str, value: Tensor) -> Tensor:
        return super().__call__(name, self._whole(f"{self._number}.{name}", value))


def _member_record(record: Record | None, number: int) -> Record | None:
    return None if record is None else _MemberRecord(record, number)


def _width(model: Model) -> int:
    """The size of a model's hidden states."""
    return sum(model._widths) if isinstance(model, Ensemble) else model.output_weights()[0].shape[1]


def _join(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {f"{number}.{name}": tensor for number, part in enumerate(parts) for name, tensor in part.items()}


def _part(joined: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    prefix = f"{number}."
    return {name.removeprefix(prefix): tensor for name, tensor in joined.items() if name.startswith(prefix)}
