"""Optimizers and learning-rate schedules. Input: a model's parameters; output: torch optimizers and factors.

Nothing here knows batches, losses or time.
"""

from seqloom.training.optim.optimizers import OptimizerName, PrecisionName, make_optimizers, set_learning_rate
from seqloom.training.optim.schedules import ScheduleName, learning_rate_factor

__all__ = [
    "OptimizerName",
    "PrecisionName",
    "ScheduleName",
    "learning_rate_factor",
    "make_optimizers",
    "set_learning_rate",
]
