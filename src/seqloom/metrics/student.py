"""Student's t distribution, for the few numbers that intervals over seeds need. Numbers in, numbers out."""

import math

import numpy as np

# Beyond this, t and the normal distribution agree to four digits.
_MOST_FREEDOM = 10_000.0
_POINTS = 20_001


def two_sided_p(t: float, freedom: float) -> float:
    """The probability that |T| is at least |t|, T following Student's distribution.

    With t = sqrt(freedom) tan(angle), the density is proportional to cos(angle) ** (freedom - 1) on a finite range, which the
    trapezoid rule integrates to about 1e-7.

    Args:
        freedom: degrees of freedom, 1 or more; need not be an integer.
    """
    freedom = min(freedom, _MOST_FREEDOM)
    start = math.atan(abs(t) / math.sqrt(freedom))
    angles = np.linspace(start, math.pi / 2, _POINTS)
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    density = constant * np.clip(np.cos(angles), 0.0, None) ** (freedom - 1)
    step = (math.pi / 2 - start) / (_POINTS - 1)
    return min(1.0, 2.0 * step * float(density.sum() - (density[0] + density[-1]) / 2))


def critical_value(level: float, freedom: float) -> float:
    """The t that |T| stays below with probability `level`: 4.303 for 0.95 and two degrees of freedom."""
    low, high = 0.0, 1.0
    while two_sided_p(high, freedom) > 1 - level:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, freedom) > 1 - level else (low, middle)
    return high
