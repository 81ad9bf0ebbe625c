"""Compilation: a model whose forward pass torch.compile has made into fewer, larger operations.

A model enters; one that shares its weights and computes the same leaves, for training. It is slow to begin with and pays on
accelerators; on a 2-core CPU it was measured to be slower than the plain model. This module does not know how models work.
"""

from typing import cast

import torch
from torch import nn

from seqloom.errors import ConfigError
from seqloom.models.base import Model


def compiled(model: Model, device: torch.device) -> Model:
    """The model, its forward pass compiled for batches of any shape. Weights, names and checkpoints stay the model's own.

    Raises:
        ConfigError: the model cannot be compiled, or there is no compiler for the device here.
    """
    if not model.compiles:
        raise ConfigError(
            f"training.compile: {type(model).__name__} cannot be compiled, since its recurrence is made of kernels of its own; "
            "leave it out"
        )
    try:
        # Only trying tells: it takes a C++ compiler on a CPU, Triton on CUDA, and a version of Python that torch supports.
        probe = cast(nn.Module, torch.compile(nn.Linear(2, 2, device=device), dynamic=True))
        probe(torch.zeros(3, 2, device=device))
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"training.compile: torch.compile does not work here ({reason}); a CPU needs a C++ compiler, CUDA needs Triton; or "
            "leave it out"
        ) from None
    return cast(Model, torch.compile(model, dynamic=True))
