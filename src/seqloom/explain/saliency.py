"""Saliency: how much each token matters for what is said, by gradients and by occlusion: the same code for every architecture.

A model and ids enter, tensors leave. Embeddings are reached through a record, which every architecture passes them through.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from seqloom.batching import PairBatch
from seqloom.explain.sentence import (
    SOURCE_EMBEDDINGS,
    TARGET_EMBEDDINGS,
    Sentence,
    in_text_order,
    log_probs,
)
from seqloom.explain.sentence import text_order as text_order
from seqloom.models.base import Model
from seqloom.nn.record import Record

Of = Literal["source", "target"]

_MEMORIES = ("encoder.memory", "prompt.memory")
_NAMES = {"source": SOURCE_EMBEDDINGS, "target": TARGET_EMBEDDINGS}
_ROWS = 64
"""Copies of a sentence that are computed at once."""


class Embedded:
    """Takes the place of embeddings with numbers that gradients are asked of; `tensor` is what they were."""

    def __init__(self) -> None:
        self.tensor: Tensor | None = None

    def __call__(self, value: Tensor) -> Tensor:
        """Cuts the embeddings off from what made them."""
        self.tensor = value.detach().requires_grad_()
        return self.tensor


def gradient_norms(model: Model, batch: PairBatch, *, of: Of, position: int) -> Float[Tensor, "batch length"]:
    """|d loss_t / d x_i| for the target position t and every embedding x_i of one side, for each sentence.

    Args:
        of: "source" (in the order of the text) or "target".
        position: t, counted from 0.
    """
    embedded = Embedded()
    record = Record(dict.fromkeys(_NAMES[of], embedded))
    loss = -log_probs(model, batch, record)[:, position].sum()
    assert embedded.tensor is not None, "the architecture does not record its embeddings"
    norms = torch.autograd.grad(loss, embedded.tensor)[0].norm(dim=-1)
    order = text_order(record) if of == "source" else None
    return norms if order is None else norms.gather(1, order)


def gradient_saliency(
    model: Model, sentence: Sentence
) -> tuple[Float[Tensor, "tgt_len src_len"], Float[Tensor, "tgt_len tgt_len"]]:
    """|d log p(y_t) / d e_i| for every step t and every embedding e_i, of the source and of what was fed."""
    found: list[list[Tensor]] = [[], []]
    for start in range(0, len(sentence.tgt_ids), _ROWS):
        # A copy of the sentence for each step, so that one pass backwards answers for all of them.
        steps = torch.arange(start, min(start + _ROWS, len(sentence.tgt_ids)))
        sides = Embedded(), Embedded()
        record = Record(dict.fromkeys(SOURCE_EMBEDDINGS, sides[0]) | dict.fromkeys(TARGET_EMBEDDINGS, sides[1]))
        with torch.enable_grad():
            said = log_probs(model, sentence.batch(model, len(steps)), record)
            total = said[torch.arange(len(steps), device=said.device), steps.to(said.device)].sum()
            leaves = [side.tensor for side in sides if side.tensor is not None]
            gradients = torch.autograd.grad(total, leaves)
        norms = [gradient.norm(dim=-1) for gradient in gradients]
        if sides[0].tensor is None:
            norms.insert(0, said.new_zeros(len(steps), 0))
        found[0].append(in_text_order(record, norms[0], 1))
        found[1].append(norms[1])
    return torch.cat(found[0]), torch.cat(found[1])


@torch.no_grad()
def occlusion_saliency(model: Model, sentence: Sentence, *, of: Of) -> Float[Tensor, "tgt_len length"]:
    """How much log p(y_t) falls when the embedding of a token becomes zero: its place stays, what stood there is gone."""
    return _occlude(model, sentence, of)[0]


@torch.no_grad()
def memory_saliency(model: Model, sentence: Sentence) -> Float[Tensor, "src_len src_len"] | None:
    """How far each position of the memory moves (rows) when the embedding of a source token (columns) becomes zero.

    None where the model keeps no memory of single positions.
    """
    return _occlude(model, sentence, "source")[1]


def _occlude(model: Model, sentence: Sentence, of: Of) -> tuple[Tensor, Tensor | None]:
    length = len(sentence.src_ids if of == "source" else sentence.fed_ids)
    plain_record = Record()
    plain = log_probs(model, sentence.batch(model), plain_record)
    memory = _memory(plain_record)
    falls, moves = [plain.new_zeros(0, plain.shape[1])], []
    for start in range(0, length, _ROWS):
        places = torch.arange(start, min(start + _ROWS, length), device=plain.device)

        def blank(value: Tensor, places: Tensor = places) -> Tensor:
            changed = value.clone()
            changed[torch.arange(len(places), device=value.device), places] = 0.0
            return changed

        record = Record(dict.fromkeys(_NAMES[of], blank))
        falls.append(plain - log_probs(model, sentence.batch(model, len(places)), record))
        if memory is not None:
            after = _memory(record)
            assert after is not None
            moves.append((after - memory).norm(dim=-1))
    fall = torch.cat(falls).T
    if of == "target":
        return fall, None
    # What was blanked is numbered in the order of reading.
    moved = in_text_order(plain_record, torch.cat(moves).T, 1) if moves else None
    return in_text_order(plain_record, fall, 1), moved


def _memory(record: Record) -> Tensor | None:
    return next((record.tensors[name][0] for name in _MEMORIES if name in record.tensors), None)
