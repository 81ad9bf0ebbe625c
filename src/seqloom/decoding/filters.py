"""Filters: logits -> logits. What they take away becomes -inf; what they leave keeps its value.

Logits of a step enter and leave, one row a hypothesis. Filters do not know models, searches or sources, and change nothing in
place.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def temperature(logits: Float[Tensor, "rows vocab"], value: float) -> Float[Tensor, "rows vocab"]:
    """Divides by `value`: below 1 makes the likely likelier, above 1 evens out.

    Args:
        value: above 0; the limit 0 is greedy search, which has no need of probabilities.
    """
    return logits / value


def top_k(logits: Float[Tensor, "rows vocab"], k: int) -> Float[Tensor, "rows vocab"]:
    """Keeps the k highest of each row, exactly k even where values are equal (Fan 2018, section 5.4)."""
    if k >= logits.shape[1]:
        return logits
    values, ids = logits.topk(k, dim=1)
    return torch.full_like(logits, -math.inf).scatter(1, ids, values)


def top_p(logits: Float[Tensor, "rows vocab"], p: float) -> Float[Tensor, "rows vocab"]:
    """Keeps the fewest likeliest ids that together have a probability of at least p (Holtzman 2020, section 3.1).

    At least one id is left in each row.
    """
    if p >= 1:
        return logits
    values, ids = logits.sort(dim=1, descending=True, stable=True)
    probs = values.softmax(dim=1)
    # An id is needed as long as those before it have not reached p.
    before = probs.cumsum(dim=1) - probs
    surplus = before >= p
    surplus[:, 0] = False
    return torch.full_like(logits, -math.inf).scatter(1, ids, values.masked_fill(surplus, -math.inf))


def min_p(logits: Float[Tensor, "rows vocab"], p: float) -> Float[Tensor, "rows vocab"]:
    """Keeps ids that are at least p times as likely as the likeliest (Nguyen 2024, section 3)."""
    if p <= 0:
        return logits
    threshold = logits.amax(dim=1, keepdim=True) + math.log(p)
    return logits.masked_fill(logits < threshold, -math.inf)


def precise(logits: Float[Tensor, "*rows vocab"]) -> Float[Tensor, "*rows vocab"]:
    """Half precision would blur sums of log-probabilities, so it becomes float32."""
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()
