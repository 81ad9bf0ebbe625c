"""Audit: the data, budget and tuning of each arm, so that a reader can judge whether the comparison was fair."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from seqloom.config import Results
from seqloom.experiment.tuning import Trial

Effort = Literal["quick", "standard", "thorough", "ladder"]


class AuditedArm(Results):
    """The data, budget, tuning and scores of one arm."""

    name: str
    label: str
    parameters: int
    steps: int
    tokens: int = Field(description="real target tokens trained on, mean over seeds")
    train_seconds: float = Field(description="seconds of updates on one thread, mean over seeds")
    learning_rate: float
    trials: tuple[Trial, ...] = Field(description="empty where the rate was recorded earlier")
    beam: int
    measure: str = Field(description="what the scores are")
    scores: tuple[float, ...] = Field(description="one a seed")
    best: float
    recipe: str = Field(description="as YAML, every default written out")


def arm_labels(arms: Sequence[AuditedArm]) -> dict[str, str]:
    """The label of each arm, by name; arms with equal labels get an addition that distinguishes them: `RNN (copy)`."""
    labels = Counter(arm.label for arm in arms)
    ends = Counter((arm.label, arm.name.rpartition("/")[2]) for arm in arms)
    results = {}
    for arm in arms:
        end = arm.name.rpartition("/")[2]
        distinction = end if ends[arm.label, end] == 1 else arm.name
        results[arm.name] = arm.label if labels[arm.label] == 1 else f"{arm.label} ({distinction})"
    return results
