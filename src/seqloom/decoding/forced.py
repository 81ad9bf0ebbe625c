"""Forced decoding: given targets -> their scores, or the source position that each of their tokens attends to.

Input: a model and examples; output: hypotheses or alignments. It does not search, and knows no text.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from seqloom.data.batching import Example, PairBatch, make_batch
from seqloom.decoding import filters
from seqloom.decoding.hypothesis import Hypothesis, TokenPrediction
from seqloom.errors import DecodingError
from seqloom.models.base import Model
from seqloom.nn.activation_hooks import ActivationHooks

_SCORED_ROWS = 1024
"""Positions whose logits are in memory at once."""


@torch.inference_mode()
def score_targets(model: Model, examples: Sequence[Example], *, end: bool = True) -> list[Hypothesis]:
    """The log-probabilities of given targets under the model.

    Args:
        model: in evaluation mode.
        end: whether eos follows each target.

    Returns:
        The target of each example as a hypothesis; `score` is the log-probability.

    Raises:
        DecodingError: a source or a target is longer than the model's maximum.
    """
    return [score for group in _fitting(model, examples) for score in _score_group(model, group, end)]


@torch.inference_mode()
def predict_targets(model: Model, examples: Sequence[Example], *, num_top: int) -> list[tuple[TokenPrediction, ...]]:
    """What the model predicts at each position of given targets; eos does not follow them.

    Args:
        model: in evaluation mode.
        num_top: the most probable ids to name at each position.

    Raises:
        DecodingError: as `score_targets`.
    """
    return [tokens for group in _fitting(model, examples) for tokens in _predict_group(model, group, num_top)]


@torch.inference_mode()
def align_targets(model: Model, examples: Sequence[Example]) -> list[tuple[int, ...]]:
    """For each target id, the position of the source id that the model attends to most when it predicts the target id.

    Args:
        model: in evaluation mode; it records "alignment", (batch, tgt_len, src_len).

    Raises:
        DecodingError: the model records no alignment.
    """
    return [alignment for group in _fitting(model, examples) for alignment in _align_group(model, group)]


def _fitting(model: Model, examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Splits a batch where its longest source and its longest target, of different pairs, do not fit the model together."""
    group: list[Example] = []
    src_len = tgt_len = 0
    for example in examples:
        src_len, tgt_len = max(src_len, len(example.src_ids)), max(tgt_len, len(example.tgt_ids))
        limit = model.max_tgt_len(src_len + 1)
        if group and limit is not None and tgt_len + 1 > limit:
            yield group
            group, src_len, tgt_len = [], len(example.src_ids), len(example.tgt_ids)
        group.append(example)
    if group:
        yield group


def _score_group(model: Model, examples: list[Example], end: bool) -> list[Hypothesis]:
    batch = _batch(model, examples, end)
    if not batch.num_positions:
        return [Hypothesis((), 0.0, 0.0, end, ()) for _ in examples]
    if model.has_output_matrix:
        blocks = [logits.gather(1, ids[:, None])[:, 0] - total for ids, logits, total in _target_logits(model, batch)]
    else:
        # A model that has probabilities and no logits may compute those of the targets alone, in a fraction of the time.
        hidden, targets = model(batch)[batch.tgt_mask], batch.tgt_out[batch.tgt_mask]
        rows_and_ids = zip(hidden.split(_SCORED_ROWS), targets.split(_SCORED_ROWS), strict=True)
        blocks = [model.target_log_probs(rows, ids) for rows, ids in rows_and_ids]
    log_probs = torch.cat(blocks).cpu().double().numpy()
    ends = np.cumsum(batch.tgt_mask.sum(dim=1).cpu().numpy())
    rows_of = np.split(log_probs, ends[:-1])
    return [
        Hypothesis.make(example.tgt_ids.tolist(), row.tolist(), finished=end)
        for example, row in zip(examples, rows_of, strict=True)
    ]


def _predict_group(model: Model, examples: list[Example], num_top: int) -> list[tuple[TokenPrediction, ...]]:
    batch = _batch(model, examples, end=False)
    tokens: list[TokenPrediction] = []
    for ids, logits, total in _target_logits(model, batch) if batch.num_positions else ():
        log_probs = logits - total[:, None]
        own = log_probs.gather(1, ids[:, None])
        best = log_probs.topk(min(num_top, log_probs.shape[1]), dim=1)
        ranks = 1 + (log_probs > own).sum(dim=1)
        entropies = -(log_probs.exp() * log_probs).nansum(dim=1)
        top = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        rows = zip(ids.tolist(), own[:, 0].tolist(), ranks.tolist(), entropies.tolist(), top, strict=True)
        tokens += [
            TokenPrediction(token_id, log_prob, rank, entropy, tuple(zip(*candidates, strict=True)))
            for token_id, log_prob, rank, entropy, candidates in rows
        ]
    ends = np.cumsum([len(example.tgt_ids) for example in examples]).tolist()
    return [tuple(tokens[end - len(example.tgt_ids) : end]) for end, example in zip(ends, examples, strict=True)]


def _target_logits(model: Model, batch: PairBatch) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """In blocks of positions: target ids (n,), logits (n, vocab), and the logarithm of the sum of their exponentials (n,)."""
    hidden, targets = model(batch)[batch.tgt_mask], batch.tgt_out[batch.tgt_mask]
    for rows, ids in zip(hidden.split(_SCORED_ROWS), targets.split(_SCORED_ROWS), strict=True):
        logits = filters.precise(model.project(rows))
        yield ids, logits, logits.logsumexp(dim=1)


def _align_group(model: Model, examples: list[Example]) -> list[tuple[int, ...]]:
    batch = _batch(model, examples, True)
    # The last id is not fed, because no id follows it: so a target that was cut at the model's maximum fits.
    fed = max(1, max(len(example.tgt_ids) for example in examples))
    hooks = ActivationHooks()
    model(replace(batch, tgt_in=batch.tgt_in[:, :fed]), hooks)
    if "alignment" not in hooks.tensors:
        raise DecodingError("this architecture has no attention from the target to the source, so it has no alignments")
    vocab, ids = model.vocab, batch.sources.ids
    real = batch.sources.mask & (ids != vocab.eos_id) & (ids != vocab.bos_id)
    positions = hooks["alignment"].masked_fill(~real[:, None], -math.inf).argmax(dim=2).cpu().tolist()
    return [tuple(row[: len(example.tgt_ids)]) for row, example in zip(positions, examples, strict=True)]


def _batch(model: Model, examples: list[Example], end: bool) -> PairBatch:
    vocab, device = model.vocab, model.device
    return make_batch(examples, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id, end=end).to(device)
