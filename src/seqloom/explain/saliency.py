"""Saliency: how much each input token matters for each output token, by gradients and by occlusion, for every architecture.

Input: a model and ids; output: tensors. Embeddings are read and replaced by activation hooks, which every architecture calls.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from seqloom.data.batching import PairBatch
from seqloom.explain.sentence import (
    SOURCE_EMBEDDINGS,
    TARGET_EMBEDDINGS,
    Sentence,
    in_text_order,
    log_probs,
)
from seqloom.explain.sentence import text_order as text_order
from seqloom.models.base import Model
from seqloom.nn.activation_hooks import ActivationHooks

Of = Literal["source", "target"]

_MEMORIES = ("encoder.memory", "prompt.memory")
_NAMES = {"source": SOURCE_EMBEDDINGS, "target": TARGET_EMBEDDINGS}
_ROWS = 64
"""Copies of a sentence in a batch."""


class Embedded:
    """An intervention that replaces embeddings by a leaf tensor, `tensor`, whose gradient can be computed."""

    def __init__(self) -> None:
        self.tensor: Tensor | None = None

    def __call__(self, value: Tensor) -> Tensor:
        """Detaches the embeddings from the computation before them."""
        self.tensor = value.detach().requires_grad_()
        return self.tensor


def gradient_norms(model: Model, batch: PairBatch, *, of: Of, position: int) -> Float[Tensor, "batch length"]:
    """|d loss_t / d x_i| for the target position t and every embedding x_i of one side, for each sentence.

    Args:
        of: "source" (in the order of the text) or "target".
        position: t, counted from 0.
    """
    embedded = Embedded()
    hooks = ActivationHooks(dict.fromkeys(_NAMES[of], embedded))
    loss = -log_probs(model, batch, hooks)[:, position].sum()
    assert embedded.tensor is not None, "the architecture does not pass its embeddings through capture"
    norms = torch.autograd.grad(loss, embedded.tensor)[0].norm(dim=-1)
    order = text_order(hooks) if of == "source" else None
    return norms if order is None else norms.gather(1, order)


def gradient_saliency(
    model: Model, sentence: Sentence
) -> tuple[Float[Tensor, "tgt_len src_len"], Float[Tensor, "tgt_len tgt_len"]]:
    """|d log p(y_t) / d e_i| for every step t and every embedding e_i, of the source and of the ids that were fed."""
    parts: list[list[Tensor]] = [[], []]
    for start in range(0, len(sentence.tgt_ids), _ROWS):
        # A copy of the sentence for each step, so that one backward pass computes the gradients of all of them.
        steps = torch.arange(start, min(start + _ROWS, len(sentence.tgt_ids)))
        sides = Embedded(), Embedded()
        hooks = ActivationHooks(dict.fromkeys(SOURCE_EMBEDDINGS, sides[0]) | dict.fromkeys(TARGET_EMBEDDINGS, sides[1]))
        with torch.enable_grad():
            target_log_probs = log_probs(model, sentence.batch(model, len(steps)), hooks)
            device = target_log_probs.device
            total = target_log_probs[torch.arange(len(steps), device=device), steps.to(device)].sum()
            leaves = [side.tensor for side in sides if side.tensor is not None]
            gradients = torch.autograd.grad(total, leaves)
        norms = [gradient.norm(dim=-1) for gradient in gradients]
        if sides[0].tensor is None:
            norms.insert(0, target_log_probs.new_zeros(len(steps), 0))
        parts[0].append(in_text_order(hooks, norms[0], 1))
        parts[1].append(norms[1])
    return torch.cat(parts[0]), torch.cat(parts[1])


@torch.no_grad()
def occlusion_saliency(model: Model, sentence: Sentence, *, of: Of) -> Float[Tensor, "tgt_len length"]:
    """How much log p(y_t) falls when the embedding of a token is replaced by zero; positions stay as they are."""
    return _occlude(model, sentence, of)[0]


@torch.no_grad()
def memory_saliency(model: Model, sentence: Sentence) -> Float[Tensor, "src_len src_len"] | None:
    """How far each position of the memory moves (rows) when the embedding of a source token (columns) is replaced by zero.

    None if the model has no memory with a row for each position.
    """
    return _occlude(model, sentence, "source")[1]


def _occlude(model: Model, sentence: Sentence, of: Of) -> tuple[Tensor, Tensor | None]:
    length = len(sentence.src_ids if of == "source" else sentence.fed_ids)
    plain_hooks = ActivationHooks()
    plain = log_probs(model, sentence.batch(model), plain_hooks)
    memory = _memory(plain_hooks)
    falls, moves = [plain.new_zeros(0, plain.shape[1])], []
    for start in range(0, length, _ROWS):
        positions = torch.arange(start, min(start + _ROWS, length), device=plain.device)

        def blank(value: Tensor, positions: Tensor = positions) -> Tensor:
            changed = value.clone()
            changed[torch.arange(len(positions), device=value.device), positions] = 0.0
            return changed

        hooks = ActivationHooks(dict.fromkeys(_NAMES[of], blank))
        falls.append(plain - log_probs(model, sentence.batch(model, len(positions)), hooks))
        if memory is not None:
            after = _memory(hooks)
            assert after is not None
            moves.append((after - memory).norm(dim=-1))
    fall = torch.cat(falls).T
    if of == "target":
        return fall, None
    # The blanked positions are in the order of reading.
    moved = in_text_order(plain_hooks, torch.cat(moves).T, 1) if moves else None
    return in_text_order(plain_hooks, fall, 1), moved


def _memory(hooks: ActivationHooks) -> Tensor | None:
    return next((hooks.tensors[name][0] for name in _MEMORIES if name in hooks.tensors), None)
