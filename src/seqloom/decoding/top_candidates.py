"""The best candidates of a step among all hypotheses of a source. Over large vocabularies it is several times as fast as `topk`."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

_BLOCK = 64
"""Ids in a block. The highest value of each block is computed in one quick pass; only the best blocks are searched."""


def top_candidates(
    log_probs: Float[Tensor, "rows vocab"], offsets: Float[Tensor, "rows 1"], width: int, count: int
) -> Int[Tensor, "sources count"]:
    """The indices of the `count` highest sums of log-probability and offset among the `width` rows of a source, the highest first.

    An index is the row within the source * the vocabulary size + the id. Of equal sums the lowest index comes first, on every
    device.
    """
    vocab = log_probs.shape[1]
    whole = vocab // _BLOCK * _BLOCK
    # One more than requested shows whether a tie reaches beyond the requested ones.
    wanted = count + 1
    if vocab // _BLOCK < wanted:
        sums = (log_probs + offsets).view(-1, width * vocab)
        values, indices = sums.topk(min(wanted, sums.shape[1]), dim=1)
    else:
        # A block holds ids that lie far apart, so that its maximum is found by comparing halves of whole rows. Reducing the
        # same by amax took up to seven times as long on a CPU.
        num_blocks = whole // _BLOCK
        tops = log_probs[:, :whole]
        while tops.shape[1] > num_blocks:
            tops = torch.maximum(*tops.chunk(2, dim=1))
        tops = (tops + offsets).view(-1, width * num_blocks)
        best = tops.topk(wanted, dim=1, sorted=False).indices
        rows = best // num_blocks + torch.arange(len(best), device=best.device)[:, None] * width
        ids = (best % num_blocks)[..., None] + torch.arange(0, whole, num_blocks, device=best.device)
        sums = (log_probs[rows[..., None], ids] + offsets[rows]).flatten(1)
        indices = ((best // num_blocks)[..., None] * vocab + ids).flatten(1)
        if whole < vocab:
            rest = (log_probs[:, whole:] + offsets).view(len(best), -1)
            ends = torch.arange(width, device=best.device)[:, None] * vocab + torch.arange(
                whole, vocab, device=best.device
            )
            sums = torch.cat([sums, rest], dim=1)
            indices = torch.cat([indices, ends.view(1, -1).expand(len(best), -1)], dim=1)
        values, order = sums.topk(wanted, dim=1)
        indices = indices.gather(1, order)
    if (values[:, 1:] == values[:, :-1]).any():
        indices, order = indices.sort(dim=1)
        values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
        indices = indices.gather(1, order)
        across = (values[:, count:] == values[:, count - 1 : count]) & (values[:, count:] > -math.inf)
        for source in across.nonzero()[:, 0].tolist():
            own = slice(source * width, (source + 1) * width)
            exact = (log_probs[own] + offsets[own]).view(-1).sort(descending=True, stable=True)
            indices[source] = exact.indices[: indices.shape[1]]
    return indices[:, :count]
