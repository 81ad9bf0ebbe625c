"""The optimizers of a model, with proper parameter groups."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

from seqloom.training.optim.muon import Muon

OptimizerName = Literal["adamw", "muon"]
PrecisionName = Literal["fp32", "bf16"]


def make_optimizers(
    model: nn.Module,
    name: OptimizerName,
    *,
    learning_rate: float,
    weight_decay: float,
    betas: tuple[float, float],
    precision: PrecisionName = "fp32",
) -> list[torch.optim.Optimizer]:
    """The optimizers of a model.

    AdamW (Loshchilov & Hutter 2019) decays matrices only: not biases, norms, or embeddings. Muon (Jordan 2024) takes the matrices
    between layers, AdamW everything else.

    Args:
        precision: of the products by which Muon makes its updates orthogonal; weights and averages keep their own.
    """
    embeddings = {id(p) for module in model.modules() if isinstance(module, nn.Embedding) for p in module.parameters()}
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        (matrices if parameter.ndim >= 2 and id(parameter) not in embeddings else others).append(parameter)
    if name == "muon":
        return [
            Muon(
                matrices,
                lr=learning_rate,
                weight_decay=weight_decay,
                dtype=torch.bfloat16 if precision == "bf16" else None,
            ),
            torch.optim.AdamW(others, lr=learning_rate, betas=betas, eps=1e-9, weight_decay=0.0, fused=True),
        ]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=1e-9, fused=True)]


def set_learning_rate(optimizers: Iterable[torch.optim.Optimizer], learning_rate: float) -> None:
    """Sets the learning rate of the next update."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
