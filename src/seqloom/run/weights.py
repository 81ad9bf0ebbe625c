"""The model of a run: its settings are compared with the header of its weights before anything is allocated.

Settings, a Vocabulary and a file of weights become a Model. This module does not know the other parts of recipes, or text.
"""

from pathlib import Path

from seqloom.errors import CheckpointError
from seqloom.models import ModelSettings
from seqloom.models.base import Model
from seqloom.models.meta_model import allocate, make_meta_model, shapes_of
from seqloom.training.weights import check_fit, fill_model, load_weights, read_header
from seqloom.vocabulary import Vocabulary

_ADVICE = "recipe.yaml, tokenizer.json and the weights must be of one run: restore what was exchanged or changed"


def check_weights(settings: ModelSettings, vocab: Vocabulary, path: Path, *, within: Path | None = None) -> Model:
    """Compares the shapes of a model with the header of a file of weights; returns the model on the meta device.

    Raises:
        ConfigError: the settings do not fit the vocabulary.
        CheckpointError: the weights are not of this model, or the file is damaged.
    """
    header = read_header(path, within=within)
    for name, value in settings:
        # Each layer has at least one tensor. Without this check, creating 1,000 million layers would take hours.
        if name.startswith("num_") and name.endswith("layers") and isinstance(value, int) and value > len(header):
            raise CheckpointError(
                f"{path}: these weights are not of this model: they are {len(header)} tensors, too few for model.{name} {value}. "
                f"{_ADVICE}"
            )
    model = make_meta_model(settings, vocab)
    model.resize({name: facts.shape for name, facts in header.items()})
    check_fit(shapes_of(model), {name: facts.shape for name, facts in header.items()}, path, _ADVICE)
    return model


def load_model(settings: ModelSettings, vocab: Vocabulary, path: Path, *, within: Path | None = None) -> Model:
    """The model with its weights, on the CPU.

    Raises:
        ConfigError: the settings do not fit the vocabulary.
        CheckpointError: the weights are not of this model, hold what is no number, or the file is damaged.
    """
    model = check_weights(settings, vocab, path, within=within)
    allocate(model)
    fill_model(model, load_weights(path, within=within), path)
    try:
        model.check_state()
    except ValueError as error:
        raise CheckpointError(f"{path}: damaged: {error}; take it from where the folder came from again") from None
    return model
