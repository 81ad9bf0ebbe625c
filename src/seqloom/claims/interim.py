"""Sequential seeds: seeds are added until the interval decides, without more false positives than one analysis of all seeds has.

The answer is computed after 3, 5, 8 and 12 seeds (interim analyses, or looks). Four looks with an interval of 95% would call a
claim without effect supported or contradicted in far more than 5% of experiments. So the interval is wider at each look: Pocock's
constant for the number of looks that were planned. Its nominal levels hold for looks after equal numbers of observations that are
normally distributed; the simulation in the tests shows the rate for these looks and for Student's intervals.

Where some seeds learn a task and others do not, means say little. Then the share of seeds that learn is the statistic, after at
least 5 seeds, with Newcombe's interval for a difference of two shares.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

from seqloom.claims.rule import answer, effect_of, interval_of
from seqloom.claims.verdict import Answer, Contrast, Question

PLAN = (3, 5, 8, 12)
"""The numbers of seeds at which the answer is computed."""
LEAST_BIMODAL = 5
"""The smallest number of seeds at which shares of seeds that learn are compared."""
SHARES = "percentage points of seeds that learn"

# Pocock 1977, table 1: the nominal two-sided level of each look for 5% overall.
_POCOCK = {1: 0.05, 2: 0.0294, 3: 0.0221, 4: 0.0182, 5: 0.0158}


def level_of(plan: Sequence[int]) -> float:
    """The level of the interval at each look, such as 0.9818 for four looks.

    Args:
        plan: the planned numbers of seeds; one to five of them.
    """
    return 1 - _POCOCK[len(plan)]


def at_level(question: Question, level: float) -> Question:
    """The same question with an interval of another level, and the answer that follows."""
    bounds = interval_of(question.contrast, level)
    low, high = bounds if bounds is not None else (None, None)
    # The method holds a remark of `rule.blindness` ("… cannot tell them apart") if the test cannot show a difference.
    blind = question.answer == "inconclusive" and "apart" in question.method
    decided: Answer = "inconclusive" if blind else answer(low, high, question.margin, question.asks)
    return question.model_copy(update={"low": low, "high": high, "level": level, "answer": decided})


def is_bimodal(values: Sequence[float], threshold: float) -> bool:
    """Whether some seeds reach the score that counts as learned and others fall short by a wide gap.

    The gap is wide if it is more than half of the range of the values.
    """
    reached = [value for value in values if value >= threshold]
    failed = [value for value in values if value < threshold]
    if not reached or not failed:
        return False
    return min(reached) - max(failed) > 0.5 * (max(values) - min(values))


def shares(question: Question, threshold: float, level: float) -> Question:
    """The question about shares of seeds that learn, in place of means; for two arms.

    The number of the margin stays the same: a margin of 5 points of a score becomes 5 percentage points of seeds.
    """
    terms = tuple(
        term.model_copy(update={"values": tuple(100.0 * (value >= threshold) for value in term.values)})
        for term in question.contrast.terms
    )
    contrast = Contrast(terms=terms)
    first, second = sorted(terms, key=lambda term: -term.weight)
    low, high = newcombe(
        sum(value > 0 for value in first.values),
        len(first.values),
        sum(value > 0 for value in second.values),
        len(second.values),
        level,
    )
    return question.model_copy(
        update={
            "contrast": contrast,
            "effect": effect_of(contrast),
            "low": 100 * low,
            "high": 100 * high,
            "level": level,
            "unit": SHARES,
            "method": f"Newcombe's interval for the shares of seeds that reach {threshold:g}",
            "answer": answer(100 * low, 100 * high, question.margin, question.asks),
        }
    )


def newcombe(right: int, count: int, other_right: int, other_count: int, level: float) -> tuple[float, float]:
    """The interval of a difference of two shares (Newcombe 1998, method 10), from Wilson's intervals of each."""
    share, other = right / count, other_right / other_count
    low, high = _wilson(right, count, level)
    other_low, other_high = _wilson(other_right, other_count, level)
    difference = share - other
    return (
        difference - sqrt((share - low) ** 2 + (other_high - other) ** 2),
        difference + sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def _wilson(right: int, count: int, level: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = right / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return centre - reach, centre + reach
