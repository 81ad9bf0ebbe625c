"""Sampling filters: logits -> logits. Ids that a filter removes get -inf; the others keep their logits.

Input and output: the logits of a step, one row for each hypothesis. Filters do not know models, searches or sources, and do not
change their input.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


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
    values, ids = logits.sort(dim=1, descending=True, stable=True)
    probs = values.softmax(dim=1)
    # An id is needed if the ids before it have not reached p.
    before = probs.cumsum(dim=1) - probs
    surplus = before >= p
    surplus[:, 0] = False
    return torch.full_like(logits, -math.inf).scatter(1, ids, values.masked_fill(surplus, -math.inf))


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
    ids = (-log_probs - entropy).abs().argsort(dim=1, stable=True)
    ordered = probs.gather(1, ids)
    surplus = ordered.cumsum(dim=1) - ordered >= p
    surplus[:, 0] = False
    return logits.masked_fill(torch.zeros_like(surplus).scatter(1, ids, surplus), -math.inf)


def precise(logits: Float[Tensor, "*rows vocab"]) -> Float[Tensor, "*rows vocab"]:
    """Converts half precision to float32, because sums of log-probabilities need it."""
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()
