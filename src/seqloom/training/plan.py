"""TrainingPlan: the settings of a training besides its model, batches and objective."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from seqloom.progress import Progress, Silent
from seqloom.training.budget import Budget
from seqloom.training.distributed import World
from seqloom.training.settings import TrainingSettings


@dataclass(frozen=True)
class TrainingPlan:
    """How long, where and with which settings to train.

    Attributes:
        folder: the run folder that weights, checkpoints and logs are written to.
        seed: all randomness of training derives from it.
        title: the name under which progress is reported.
        world: the processes that train together.
    """

    settings: TrainingSettings
    budget: Budget
    folder: Path
    seed: int
    device: torch.device
    title: str = "training"
    progress: Progress = field(default_factory=Silent)
    world: World = field(default_factory=World)
