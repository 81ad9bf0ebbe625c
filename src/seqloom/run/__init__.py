"""The run room: recipe + corpus -> a run folder; a run folder -> a model that works."""

from seqloom.run.opened import Run, describe, load, read_recipe
from seqloom.run.preparation import Prepared, prepare
from seqloom.run.walk import DEFAULT_BUDGET, check_free, train, train_prepared

__all__ = [
    "DEFAULT_BUDGET",
    "Prepared",
    "Run",
    "check_free",
    "describe",
    "load",
    "prepare",
    "read_recipe",
    "train",
    "train_prepared",
]
