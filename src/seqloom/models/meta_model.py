"""Models on torch's meta device: names and shapes of weights without memory, and the allocation of this memory.

Input: settings and a Vocabulary; output: a Model on the meta device. Buffers that are not saved with the weights (the table of
sinusoidal positions) are computed immediately, so that loading the weights completes the model.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from seqloom.models import ModelSettings, make_model
from seqloom.models.base import Model
from seqloom.vocabulary import Vocabulary

# These functions do nothing on the meta device, but the first call takes a second, because torch imports its compiler.
_INITIALISERS = {"uniform_", "normal_", "xavier_uniform_", "kaiming_uniform_", "orthogonal_"}


class _Uninitialised(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        if func.__name__ in _INITIALISERS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def make_meta_model(settings: ModelSettings, vocab: Vocabulary) -> Model:
    """Makes the model of `make_model` on the meta device; torch's random state does not change.

    Raises:
        ConfigError: the settings do not fit the vocabulary.
    """
    with torch.device("meta"), _Uninitialised():
        return make_model(settings, vocab)


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shapes of the saved tensors of a model, by name."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def allocate(model: nn.Module) -> None:
    """Allocates memory on the CPU for the weights of a meta model, in place, without initial values."""
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        parameters: Mapping[str, nn.Parameter | None] = module._parameters
        for name, parameter in list(parameters.items()):
            if parameter is not None and parameter.is_meta:
                if id(parameter) not in made:
                    empty = torch.empty(parameter.shape, dtype=parameter.dtype, device="cpu")
                    made[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
                module._parameters[name] = made[id(parameter)]
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.is_meta and name not in module._non_persistent_buffers_set:
                module.register_buffer(name, torch.empty(buffer.shape, dtype=buffer.dtype, device="cpu"))
