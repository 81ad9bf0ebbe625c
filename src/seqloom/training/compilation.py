"""Compilation: torch.compile turns the forward pass of a model into fewer, larger operations.

The compiled model shares its weights with the model and computes the same; it is used for training. The first updates are slow.
It is faster on accelerators; on a 2-core CPU it was measured to be slower. This module does not know how models work.
"""

from typing import cast

import torch
from torch import nn

from seqloom.errors import ConfigError
from seqloom.models.base import Model


def compiled(model: Model, device: torch.device) -> Model:
    """The model with a forward pass that is compiled for batches of any shape. Weights, their names and checkpoints do not change.

    Raises:
        ConfigError: the model cannot be compiled, or this machine has no compiler for the device.
    """
    if not model.compiles:
        raise ConfigError(
            f"training.compile: {type(model).__name__} cannot be compiled, since its recurrence uses special kernels; "
            "leave it out"
        )
    try:
        # Only a trial shows whether it works: it needs a C++ compiler (CPU) or Triton (CUDA), and a Python that torch supports.
        probe = cast(nn.Module, torch.compile(nn.Linear(2, 2, device=device), dynamic=True))
        probe(torch.zeros(3, 2, device=device))
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"training.compile: torch.compile does not work here ({reason}); a CPU needs a C++ compiler, CUDA needs Triton; or "
            "leave it out"
        ) from None
    return cast(Model, torch.compile(model, dynamic=True))
