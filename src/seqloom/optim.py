"""Optimizers with proper parameter groups, and learning-rate schedules as pure functions.

A model's parameters enter, torch optimizers leave. Nothing here knows batches, losses or time.
"""

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

from seqloom.errors import ConfigError

OptimizerName = Literal["adamw", "muon"]
ScheduleName = Literal["inverse-square-root", "linear", "warmup-stable-decay", "constant"]

# Muon's update has a root mean square of about 0.2 like AdamW's when it is scaled so (Liu 2025), so one learning rate fits both.
_MUON_SCALING = "match_rms_adamw"


def make_optimizers(
    model: nn.Module, name: OptimizerName, *, learning_rate: float, weight_decay: float, betas: tuple[float, float]
) -> list[torch.optim.Optimizer]:
    """The optimizers of a model.

    AdamW (Loshchilov & Hutter 2019) decays matrices only: not biases, norms, or embeddings. Muon (Jordan 2024) takes the matrices
    between layers, AdamW everything else.

    Raises:
        ConfigError: this torch has no Muon.
    """
    embeddings = {id(p) for module in model.modules() if isinstance(module, nn.Embedding) for p in module.parameters()}
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        (matrices if parameter.ndim >= 2 and id(parameter) not in embeddings else others).append(parameter)
    if name == "muon":
        if not hasattr(torch.optim, "Muon"):
            raise ConfigError(
                f"training.optimizer muon needs torch 2.9 or newer, this is {torch.__version__}; use adamw"
            )
        return [
            torch.optim.Muon(matrices, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn=_MUON_SCALING),
            torch.optim.AdamW(others, lr=learning_rate, betas=betas, eps=1e-9, weight_decay=0.0, fused=True),
        ]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=1e-9, fused=True)]


def set_learning_rate(optimizers: Iterable[torch.optim.Optimizer], learning_rate: float) -> None:
    """Sets the learning rate of the next update."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate


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
