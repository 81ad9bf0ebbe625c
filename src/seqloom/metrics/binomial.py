"""Intervals for a proportion of right answers, by Clopper and Pearson (1934). Counts in, numbers out.

The interval contains the true proportion with at least the given probability, for every proportion and count, also at 0 and 1,
where the usual approximations are too narrow.
"""

from math import exp, lgamma, log

# Halvings of [0, 1]: enough for all digits of a float that are shown.
_HALVINGS = 50


def clopper_pearson(right: int, tried: int, level: float) -> tuple[float, float]:
    """The interval of a proportion, if `right` of `tried` answers are right.

    Args:
        level: the probability with which the interval contains the true proportion, for example 0.95.

    Returns:
        Its lower and its upper end, 0 to 1.
    """
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else _solve(right, tried, tail)
    # Right answers in p are wrong answers in 1 - p.
    high = 1.0 if right == tried else 1 - _solve(tried - right, tried, tail)
    return low, high


def _solve(right: int, tried: int, tail: float) -> float:
    """The proportion for which `right` or more of `tried` have the probability `tail`."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_least(right, tried, middle) < tail else (low, middle)
    return low


def _at_least(right: int, tried: int, share: float) -> float:
    if share <= 0 or share >= 1:
        return float(share >= 1)
    ways = lgamma(tried + 1)
    return sum(
        exp(ways - lgamma(k + 1) - lgamma(tried - k + 1) + k * log(share) + (tried - k) * log(1 - share))
        for k in range(right, tried + 1)
    )
