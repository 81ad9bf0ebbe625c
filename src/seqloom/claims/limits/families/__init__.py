"""All families, by the generator that makes the training data. To add one, write a module here and add it to FAMILIES."""

from collections.abc import Mapping

from seqloom.claims.limits.families.commands import COMMANDS
from seqloom.claims.limits.families.lists import LISTS
from seqloom.claims.limits.families.numbers import NUMBERS
from seqloom.claims.limits.families.recall import RECALL
from seqloom.claims.limits.families.regular import REGULAR
from seqloom.claims.limits.family import Family

FAMILIES: Mapping[str, tuple[Family, ...]] = {**LISTS, **REGULAR, **RECALL, **NUMBERS, **COMMANDS}
"""By the generator's name. The families of one generator have different size measures."""

__all__ = ["FAMILIES"]
