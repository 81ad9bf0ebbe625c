"""The architectures, by name. A new one is a file in this folder, a line here and a recipe."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from seqloom.errors import ConfigError
from seqloom.models.attention_rnn import AttentionRNN, AttentionRNNSettings
from seqloom.models.base import DecoderState, Model, StepOutput
from seqloom.models.fixed_mixer import FixedMixer, FixedMixerSettings
from seqloom.models.rnn import RNN, RNNSettings
from seqloom.models.transformer import Transformer, TransformerSettings
from seqloom.models.transformer_lm import TransformerLM, TransformerLMSettings
from seqloom.vocabulary import Vocabulary

ModelSettings = Annotated[
    RNNSettings | AttentionRNNSettings | TransformerSettings | TransformerLMSettings | FixedMixerSettings,
    Field(discriminator="architecture"),
]

MODELS: dict[str, tuple[type[Any], Callable[..., Model]]] = {
    "rnn": (RNNSettings, RNN),
    "attention-rnn": (AttentionRNNSettings, AttentionRNN),
    "transformer": (TransformerSettings, Transformer),
    "transformer-lm": (TransformerLMSettings, TransformerLM),
    "fixed-mixer": (FixedMixerSettings, FixedMixer),
}


def make_model(settings: ModelSettings, vocab: Vocabulary) -> Model:
    """A freshly initialised model; the initial weights follow torch's global random state.

    Raises:
        ConfigError: the settings do not fit the vocabulary.
    """
    _, cls = MODELS[settings.architecture]
    try:
        return cls(settings, vocab)
    except ValueError as error:
        raise ConfigError(f"model {settings.architecture}: {error}") from None


def takes_text(settings: ModelSettings) -> bool:
    """Whether the architecture learns from plain text, without sources."""
    return bool(getattr(MODELS[settings.architecture][1], "takes_text", False))


__all__ = ["MODELS", "DecoderState", "Model", "ModelSettings", "StepOutput", "make_model", "takes_text"]
