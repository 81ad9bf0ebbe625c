"""Sentence: one source and one target as ids, and a model that reads both; all that the rest of this room needs of them.

Ids enter; batches, records and log-probabilities leave. It knows the model by its contract.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.batching import PairBatch, Sources
from seqloom.models.base import Model
from seqloom.nn.record import Record

SOURCE_EMBEDDINGS = ("encoder.tokens", "prompt.tokens")
TARGET_EMBEDDINGS = ("decoder.tokens",)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Ids with their special ones, as they enter the model.

    Attributes:
        src_ids: S of them.
        fed_ids: T of them: what is fed at each step.
        tgt_ids: T of them: what is to be said at each step.
    """

    src_ids: tuple[int, ...]
    fed_ids: tuple[int, ...]
    tgt_ids: tuple[int, ...]

    def batch(self, model: Model, rows: int = 1, *, padding: int = 0) -> PairBatch:
        """The sentence so many times, with so many padding tokens after the source."""
        device = next(model.parameters()).device
        src = torch.tensor([[*self.src_ids, *[model.vocab.pad_id] * padding]], device=device, dtype=torch.long)
        mask = torch.arange(src.shape[1], device=device)[None] < len(self.src_ids)
        fed, tgt = (torch.tensor([ids], device=device, dtype=torch.long) for ids in (self.fed_ids, self.tgt_ids))
        sources = Sources(src.expand(rows, -1), mask.expand(rows, -1))
        return PairBatch(
            sources, fed.expand(rows, -1), tgt.expand(rows, -1), torch.ones_like(tgt).bool().expand(rows, -1)
        )

    def with_target(self, tgt_ids: tuple[int, ...]) -> "Sentence":
        """The same source and beginning, another target."""
        return replace(self, fed_ids=(self.fed_ids[0], *tgt_ids[:-1]), tgt_ids=tgt_ids)


def log_probs(model: Model, batch: PairBatch, record: Record | None = None) -> Float[Tensor, "batch tgt_len"]:
    """The log-probability of each target token, given what stands before it."""
    logits = model.project(model(batch, record))
    found: Tensor = logits.log_softmax(dim=-1).gather(2, batch.tgt_out[:, :, None])[:, :, 0]
    return found


def text_order(record: Record) -> Int[Tensor, "batch src_len"] | None:
    """Where each word of the text stands in what the encoder or the prompt read; None where the orders are the same."""
    order = record.tensors.get("source.order")
    return None if order is None else order[0].argsort(dim=1)


def in_text_order(record: Record, tensor: Tensor, dim: int) -> Tensor:
    """A tensor of one sentence or of copies of it, with one of its axes put into the order of the text."""
    order = text_order(record)
    return tensor if order is None else tensor.index_select(dim, order[0])
