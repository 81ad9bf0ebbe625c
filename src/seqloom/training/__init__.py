"""Training: a model, batches and an objective become trained weights and a log. Read `loop.py` first."""

from typing import TYPE_CHECKING

from seqloom.lazy import lazy_attributes

if TYPE_CHECKING:
    from seqloom.training.budget import Budget
    from seqloom.training.loop import Trainer
    from seqloom.training.plan import TrainingPlan
    from seqloom.training.selection import Validation
    from seqloom.training.settings import TrainingSettings

__all__ = ["Budget", "Trainer", "TrainingPlan", "TrainingSettings", "Validation"]

__getattr__ = lazy_attributes(
    __name__,
    {
        "seqloom.training.budget": ("Budget",),
        "seqloom.training.loop": ("Trainer",),
        "seqloom.training.plan": ("TrainingPlan",),
        "seqloom.training.selection": ("Validation",),
        "seqloom.training.settings": ("TrainingSettings",),
    },
)
