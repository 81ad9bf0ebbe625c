"""Sentence: a source and a target as ids, and what a model computes from them.

Input: ids; output: batches and log-probabilities. It uses the model by its contract.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seqloom.data.batching import PairBatch, Sources
from seqloom.models.base import Model
from seqloom.nn.activation_hooks import ActivationHooks

SOURCE_EMBEDDINGS = ("encoder.tokens", "prompt.tokens")
TARGET_EMBEDDINGS = ("decoder.tokens",)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Ids as they enter the model, special ids included.

    Attributes:
        src_ids: S of them.
        fed_ids: T of them, the id that is fed at each step.
        tgt_ids: T of them, the id that should be predicted at each step.
    """

    src_ids: tuple[int, ...]
    fed_ids: tuple[int, ...]
    tgt_ids: tuple[int, ...]

    def batch(self, model: Model, rows: int = 1, *, padding: int = 0) -> PairBatch:
        """A batch of `rows` copies of the sentence, with `padding` padding tokens after the source."""
        device = model.device
        src = torch.tensor([[*self.src_ids, *[model.vocab.pad_id] * padding]], device=device, dtype=torch.long)
        mask = torch.arange(src.shape[1], device=device)[None] < len(self.src_ids)
        fed, tgt = (torch.tensor([ids], device=device, dtype=torch.long) for ids in (self.fed_ids, self.tgt_ids))
        sources = Sources(src.expand(rows, -1), mask.expand(rows, -1))
        return PairBatch(
            sources, fed.expand(rows, -1), tgt.expand(rows, -1), torch.ones_like(tgt).bool().expand(rows, -1)
        )

    def with_target(self, tgt_ids: tuple[int, ...]) -> "Sentence":
        """The same source and first id, with another target."""
        return replace(self, fed_ids=(self.fed_ids[0], *tgt_ids[:-1]), tgt_ids=tgt_ids)


def log_probs(model: Model, batch: PairBatch, hooks: ActivationHooks | None = None) -> Float[Tensor, "batch tgt_len"]:
    """The log-probability of each target token, given the tokens before it."""
    logits = model.project(model(batch, hooks))
    chosen: Tensor = logits.log_softmax(dim=-1).gather(2, batch.tgt_out[:, :, None])[:, :, 0]
    return chosen


def text_order(hooks: ActivationHooks) -> Int[Tensor, "batch src_len"] | None:
    """The position of each word of the text in the order in which the model read it; None if the orders are the same."""
    order = hooks.tensors.get("source.order")
    return None if order is None else order[0].argsort(dim=1)


def in_text_order(hooks: ActivationHooks, tensor: Tensor, dim: int) -> Tensor:
    """A tensor of a sentence, or of copies of it, with axis `dim` in the order of the text."""
    order = text_order(hooks)
    return tensor if order is None else tensor.index_select(dim, order[0])
