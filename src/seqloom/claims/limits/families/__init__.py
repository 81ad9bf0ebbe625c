"""Families by the generator that a run was trained on. A new one is a file here, and a line below."""

from collections.abc import Mapping

from seqloom.claims.limits.families.commands import COMMANDS
from seqloom.claims.limits.families.lists import LISTS
from seqloom.claims.limits.families.numbers import NUMBERS
from seqloom.claims.limits.families.recall import RECALL
from seqloom.claims.limits.families.regular import REGULAR
from seqloom.claims.limits.family import Family

FAMILIES: Mapping[str, tuple[Family, ...]] = {**LISTS, **REGULAR, **RECALL, **NUMBERS, **COMMANDS}
"""By the generator's name; of one generator no two families grow in the same thing."""

__all__ = ["FAMILIES"]
