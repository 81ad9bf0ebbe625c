"""The run room: recipe + corpus -> a run folder; a run folder -> a model that works."""

from typing import TYPE_CHECKING

from seqloom.lazy import lazy_attributes

if TYPE_CHECKING:
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

# Opening a run needs nothing of what training one does.
__getattr__ = lazy_attributes(
    __name__,
    {
        "seqloom.run.opened": ("Run", "describe", "load", "read_recipe"),
        "seqloom.run.preparation": ("Prepared", "prepare"),
        "seqloom.run.walk": ("DEFAULT_BUDGET", "check_free", "train", "train_prepared"),
    },
)
