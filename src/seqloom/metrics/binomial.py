"""Confidence intervals for a proportion of right answers, by Clopper and Pearson (1934).

The interval contains the true proportion with at least the probability `level`, for every proportion and count. The usual
approximations are too narrow near 0 and 1.
"""

from math import exp, lgamma, log

# So many halvings of [0, 1] give more digits than are shown.
_NUM_HALVINGS = 50


def clopper_pearson(right: int, total: int, level: float) -> tuple[float, float]:
    """The confidence interval of a proportion.

    Args:
        right: the number of right answers.
        total: the number of answers.
        level: the probability with which the interval contains the true proportion, for example 0.95.

    Returns:
        Its low and high ends, from 0 to 1.
    """
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else _solve(right, total, tail)
    # By symmetry: if p is the proportion of right answers, 1 - p is that of wrong answers.
    high = 1.0 if right == total else 1 - _solve(total - right, total, tail)
    return low, high


def _solve(right: int, total: int, tail: float) -> float:
    """The proportion for which `right` or more right answers of `total` have the probability `tail`."""
    low, high = 0.0, 1.0
    for _ in range(_NUM_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_least(right, total, middle) < tail else (low, middle)
    return low


def _at_least(right: int, total: int, share: float) -> float:
    """The probability of `right` or more right answers of `total`, if each is right with the probability `share`."""
    if share <= 0 or share >= 1:
        return float(share >= 1)
    log_factorial = lgamma(total + 1)
    return sum(
        exp(log_factorial - lgamma(k + 1) - lgamma(total - k + 1) + k * log(share) + (total - k) * log(1 - share))
        for k in range(right, total + 1)
    )
