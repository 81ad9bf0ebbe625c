"""The architectures by name. A new architecture needs a file in this folder, a line in `_ARCHITECTURES` and a recipe."""

from collections.abc import Callable
from functools import reduce
from importlib import import_module
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from seqloom.errors import ConfigError
from seqloom.models.base import DecoderState, Model, StepOutput
from seqloom.vocabulary import Vocabulary

# module:class
_ARCHITECTURES = (
    "rnn:RNN",
    "attention_rnn:AttentionRNN",
    "transformer:Transformer",
    "transformer_lm:TransformerLM",
    "rnn_lm:RecurrentLM",
    "fixed_mixer:FixedMixer",
    "ngram:NGram",
)


def _load() -> dict[str, tuple[type[Any], Callable[..., Model]]]:
    models: dict[str, tuple[type[Any], Callable[..., Model]]] = {}
    for line in _ARCHITECTURES:
        module, _, name = line.partition(":")
        cls = getattr(import_module(f"{__name__}.{module}"), name)
        models[cls.settings_type.model_fields["architecture"].default] = (cls.settings_type, cls)
    return models


MODELS = _load()
"""The settings and the class of each architecture."""

if TYPE_CHECKING:
    from seqloom.models.base import ModelSettings
else:
    # pydantic chooses the settings class by the field `architecture`.
    ModelSettings = Annotated[
        reduce(or_, (settings for settings, _ in MODELS.values())), Field(discriminator="architecture")
    ]


def make_model(settings: "ModelSettings", vocab: Vocabulary) -> Model:
    """Makes a model with initial weights, which depend on torch's global random state.

    Raises:
        ConfigError: the settings do not fit the vocabulary.
    """
    _, cls = MODELS[settings.architecture]
    try:
        return cls(settings, vocab)
    except ValueError as error:
        raise ConfigError(f"model {settings.architecture}: {error}") from None


def model_class(settings: "ModelSettings") -> type[Model]:
    """The class of an architecture, whose attributes say what it can do (`models/base.py`)."""
    cls = MODELS[settings.architecture][1]
    assert isinstance(cls, type)
    return cls


__all__ = ["MODELS", "DecoderState", "Model", "ModelSettings", "StepOutput", "make_model", "model_class"]
