"""Intervals for a share of right answers, by Clopper and Pearson (1934). Counts in, numbers out.

The interval holds the true share with at least the promised probability at every share and every count, also at 0 and 1, where
the usual approximations promise too much.
"""

from math import exp, lgamma, log

# Halvings of [0, 1]: more digits than anybody shows.
_HALVINGS = 50


def clopper_pearson(right: int, tried: int, level: float) -> tuple[float, float]:
    """The interval of a share, of which `right` of `tried` were seen.

    Args:
        level: the probability with which the interval holds the true share, 0.95 for instance.

    Returns:
        Its lower and its upper end, 0 to 1.
    """
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else _solve(right, tried, tail)
    # Right answers in p are wrong answers in 1 - p.
    high = 1.0 if right == tried else 1 - _solve(tried - right, tried, tail)
    return low, high


def _solve(right: int, tried: int, tail: float) -> float:
    """The share at which `right` or more of `tried` have the probability `tail`."""
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
