"""Sampling filters: logits -> logits. Ids that a filter removes get -inf; the others keep their logits.

Input and output: the logits of a step, one row for each hypothesis. Filters do not know models, searches or sources, and do not
change their input.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_FEW_IDS = 256
"""The number of the most probable ids that are tried first."""


def temperature(logits: Float[Tensor, "rows vocab"], value: float) -> Float[Tensor, "rows vocab"]:
    """Divides by `value`: below 1 makes the distribution sharper, above 1 flatter.

    Args:
        value: above 0; the limit 0 is greedy search, which needs no probabilities.
    """
    return logits / value


def top_k(logits: Float[Tensor, "rows vocab"], k: int) -> Float[Tensor, "rows vocab"]:
    """Keeps the k highest logits of each row; exactly k, even if some are equal (Fan 2018, section 5.4)."""
    if k >= logits.shape[1]:
        return logits
    values, ids = logits.topk(k, dim=1)
    return torch.full_like(logits, -math.inf).scatter(1, ids, values)


def top_p(logits: Float[Tensor, "rows vocab"], p: float) -> Float[Tensor, "rows vocab"]:
    """Keeps the smallest set of most probable ids whose total probability is at least p (Holtzman 2020, section 3.1).

    It keeps at least one id in each row.
    """
    if p >= 1:
        return logits
    return logits.masked_fill(~_reaching(p, logits, logits.softmax(dim=1)), -math.inf)


def min_p(logits: Float[Tensor, "rows vocab"], p: float) -> Float[Tensor, "rows vocab"]:
    """Keeps ids that are at least p times as probable as the most probable (Nguyen 2024, section 3)."""
    if p <= 0:
        return logits
    threshold = logits.amax(dim=1, keepdim=True) + math.log(p)
    return logits.masked_fill(logits < threshold, -math.inf)


def typical_p(logits: Float[Tensor, "rows vocab"], p: float) -> Float[Tensor, "rows vocab"]:
    """Keeps the ids whose information is nearest to the entropy, until their probabilities sum to p (Meister 2023, equation 9).

    It keeps the smallest such set, and at least one id in each row.
    """
    if p >= 1:
        return logits
    log_probs = logits.log_softmax(dim=1)
    probs = log_probs.exp()
    entropy = -torch.where(probs > 0, probs * log_probs, 0.0).sum(dim=1, keepdim=True)
    return logits.masked_fill(~_reaching(p, -(log_probs + entropy).abs(), probs), -math.inf)


def precise(logits: Float[Tensor, "*rows vocab"]) -> Float[Tensor, "*rows vocab"]:
    """Converts half precision to float32, because sums of log-probabilities need it."""
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()


def _reaching(
    p: float, rank: Float[Tensor, "rows vocab"], probs: Float[Tensor, "rows vocab"]
) -> Bool[Tensor, "rows vocab"]:
    """True at the ids of the highest rank whose probabilities sum to p, at least one in each row.

    Of ids of equal rank the lower ones come first. As a rule few ids reach p, and finding the highest ones is faster than sorting.
    """
    if rank.shape[1] > 4 * _FEW_IDS:
        highest, ids = rank.topk(_FEW_IDS, dim=1)
        ordered = probs.gather(1, ids)
        cumulative = ordered.cumsum(dim=1)
        if (cumulative[:, -1] >= p).all():
            # An id is needed if the ids before it have not reached p.
            needed = (cumulative - ordered < p).sum(dim=1, keepdim=True).clamp(min=1)
            kept = rank >= highest.gather(1, needed - 1)
            # Otherwise ids outside have the same rank as the last one inside.
            if (kept.sum(dim=1, keepdim=True) == needed).all():
                return kept
    ids = rank.argsort(dim=1, descending=True, stable=True)
    ordered = probs.gather(1, ids)
    surplus = ordered.cumsum(dim=1) - ordered >= p
    surplus[:, 0] = False
    return torch.ones_like(surplus).scatter(1, ids, ~surplus)
