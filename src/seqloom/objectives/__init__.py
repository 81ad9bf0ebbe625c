"""Objectives: a model and a batch become a loss. See `objective.py` for the contract."""

from seqloom.objectives.cross_entropy import CrossEntropy
from seqloom.objectives.objective import Loss, Objective

__all__ = ["CrossEntropy", "Loss", "Objective"]
