"""A model without numbers: its names and shapes, known before anything is allocated, and the room for its weights afterwards.

Settings and a Vocabulary enter, a Model on the meta device leaves. What is not saved with the weights (the waves of sinusoidal
positions) is computed at once, so that loading the weights completes the model.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from seqloom.models import ModelSettings, make_model
from seqloom.models.base import Model
from seqloom.vocabulary import Vocabulary

# On the meta device they do nothing, but the first of them takes a second to import what would compile them.
_INITIALISERS = {"uniform_", "normal_", "xavier_uniform_", "kaiming_uniform_", "orthogonal_"}


class _Uninitialised(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        if func.__name__ in _INITIALISERS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def make_meta_model(settings: ModelSettings, vocab: Vocabulary) -> Model:
    """The model that `make_model` would make, its weights without numbers; torch's random state stays as it is.

    Raises:
        ConfigError: the settings do not fit the vocabulary.
    """
    with torch.device("meta"), _Uninitialised():
        return make_model(settings, vocab)


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shapes of what is saved of a model, by name."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def allocate(model: nn.Module) -> None:
    """Gives the weights of an make_meta_model memory on the CPU, in place; what stands in it is arbitrary."""
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        parameters: Mapping[str, nn.Parameter | None] = module._parameters
        for name, parameter in list(parameters.items()):
            if parameter is not None and parameter.is_meta:
                if id(parameter) not in made:
                    empty = torch.empty(parameter.shape, dtype=parameter.dtype, device="cpu")
                    made[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
                module._parameters[name] = made[id(parameter)]
