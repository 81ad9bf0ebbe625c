"""Sizes of the measured models, and the training settings that all programs share."""

from dataclasses import dataclass, field
from typing import Any

VOCAB_SIZE = 10_000
BATCH_TOKENS = 4096
DROPOUT = 0.3
LABEL_SMOOTHING = 0.1
LEARNING_RATE = 1e-3
BETAS = (0.9, 0.98)
SEED = 1


@dataclass(frozen=True)
class TransformerSize:
    """An encoder-decoder Transformer; source embedding, target embedding and output layer share one matrix."""

    name: str
    layers: int
    d_model: int
    d_ff: int
    heads: int

    def as_numbers(self) -> dict[str, int]:
        return {"layers": self.layers, "d_model": self.d_model, "d_ff": self.d_ff, "heads": self.heads}


@dataclass(frozen=True)
class RecurrentSize:
    """LSTMs with attention: a bidirectional encoder (half of the width each way) and a decoder of the same width."""

    name: str
    layers: int
    width: int

    def as_numbers(self) -> dict[str, int]:
        return {"layers": self.layers, "width": self.width}


Size = TransformerSize | RecurrentSize

TINY = TransformerSize("tiny", layers=4, d_model=128, d_ff=256, heads=4)
SMALL = TransformerSize("small", layers=3, d_model=256, d_ff=1024, heads=4)
LSTM = RecurrentSize("lstm", layers=2, width=256)

SIZES: dict[str, Size] = {size.name: size for size in (TINY, SMALL, LSTM)}


@dataclass(frozen=True)
class Recipe:
    """A recipe of seqloom and the settings that are changed in it."""

    recipe: str
    changes: dict[str, Any] = field(default_factory=dict)

    def assignments(self) -> list[str]:
        """The changes as arguments of `--set`."""
        return [
            f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in self.changes.items()
        ]


def our_recipe(size: Size, **more: Any) -> Recipe:
    """The recipe of seqloom with a size and the shared settings. `more` are further settings, with `__` for the dot."""
    shared: dict[str, Any] = {
        "tokenizer.vocab_size": VOCAB_SIZE,
        "model.dropout": DROPOUT,
        "training.batch_tokens": BATCH_TOKENS,
        "training.learning_rate": LEARNING_RATE,
        "training.label_smoothing": LABEL_SMOOTHING,
        # Plain Adam, which all measured programs have.
        "training.optimizer": "adamw",
        "training.weight_decay": 0.0,
        "training.clip_norm": 0.0,
    }
    if isinstance(size, TransformerSize):
        shared |= {
            "model.d_model": size.d_model,
            "model.d_ff": size.d_ff,
            "model.num_heads": size.heads,
            "model.num_encoder_layers": size.layers,
            "model.num_decoder_layers": size.layers,
        }
        recipe = "transformer-tiny"
    else:
        shared |= {"model.d_model": size.width, "model.hidden_size": size.width, "model.num_layers": size.layers}
        recipe = "attention-rnn-tiny"
    return Recipe(recipe, shared | {key.replace("__", "."): value for key, value in more.items()})


# Only updates: no validation and no checkpoint during the measured time.
UPDATES_ONLY = {
    "training__validations": 1,
    "training__validation_sentences": 0,
    "training__select_by": "loss",
    "training__average_last": 1,
    "training__checkpoint_minutes": 1000.0,
}
