"""Learning-rate schedules as pure functions of where a run stands."""

import math
from typing import Literal

ScheduleName = Literal["inverse-square-root", "linear", "warmup-stable-decay", "constant"]


def learning_rate_factor(
    schedule: ScheduleName, *, step: int, progress: float, warmup_steps: int, decay_share: float = 0.3
) -> float:
    """What the peak learning rate is multiplied with.

    Args:
        step: the update about to be made, from 0.
        progress: the share of the budget that is spent, 0 to 1; what the budget counts is its own business.
        warmup_steps: updates over which the rate rises linearly from almost 0.
        decay_share: for warmup-stable-decay, the share of the budget in which the rate falls to 0.
    """
    warm = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    left = max(0.0, 1.0 - progress)
    if schedule == "linear":
        return warm * left
    if schedule == "warmup-stable-decay":
        return warm * min(1.0, left / decay_share)
    if schedule == "inverse-square-root":
        # Vaswani 2017, equation 3, relative to the peak at the end of the warm-up.
        return warm * (1.0 if step < warmup_steps else math.sqrt(max(1, warmup_steps) / (step + 1)))
    return warm
