"""Student's t distribution, for intervals over seeds."""

import math

_MAX_ITERATIONS = 500
_TOLERANCE = 1e-12
# Replaces a divisor that is 0.
_TINY = 1e-300


def two_sided_p(t: float, freedom: float) -> float:
    """The probability that |T| >= |t|, if T has Student's distribution.

    It is the incomplete beta function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2) (Abramowitz & Stegun 1964, 26.7.1).

    Args:
        freedom: the degrees of freedom, above 0; not necessarily an integer.
    """
    x = freedom / (freedom + t * t)
    a, b = freedom / 2, 0.5
    # The continued fraction converges fast for small x. For large x, I_x(a, b) = 1 - I_{1-x}(b, a).
    if x < (a + 1) / (a + b + 2):
        return _incomplete_beta(x, a, b)
    return 1.0 - _incomplete_beta(1.0 - x, b, a)


def critical_value(level: float, freedom: float) -> float:
    """The t for which |T| < t has the probability `level`: 4.303 for 0.95 and two degrees of freedom."""
    low, high = 0.0, 1.0
    while two_sided_p(high, freedom) > 1 - level:
        high *= 2
    while high - low > _TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, freedom) > 1 - level else (low, middle)
    return high


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function by its continued fraction (26.5.8), evaluated with Lentz's method."""
    if x <= 0.0:
        return 0.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    fraction, c, d = 1.0, 1.0, 0.0
    for number in range(_MAX_ITERATIONS):
        m = number // 2
        if number == 0:
            numerator = 1.0
        elif number % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / ((1.0 + numerator * d) or _TINY)
        c = (1.0 + numerator / c) or _TINY
        fraction *= c * d
        if abs(1.0 - c * d) < _TOLERANCE:
            break
    return math.exp(log_front) / a * (fraction - 1.0)
