"""Optimizers and learning-rate schedules: a model's parameters enter, torch optimizers and factors leave.

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
