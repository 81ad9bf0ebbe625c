"""The limits of a run: the smallest size on which it fails, and the smallest input.

    run = seqloom.load("runs/copy")
    find_limits(run, "length").verdict     # "Fails from 23 words on: 4 of 20 right [...]; passes at 21 words: ..."

If a family fits the run's corpus, it generates inputs of any size with their right answers. Otherwise the search groups the run's
test sentences by length.
"""

from seqloom.claims.limits.families import FAMILIES
from seqloom.claims.limits.family import Case, Family
from seqloom.claims.limits.opening import Search, find_limits, open_search
from seqloom.claims.limits.result import FailingInput, LimitSettings, LimitsResult, SizeResult

__all__ = [
    "FAMILIES",
    "Case",
    "FailingInput",
    "Family",
    "LimitSettings",
    "LimitsResult",
    "Search",
    "SizeResult",
    "find_limits",
    "open_search",
]
