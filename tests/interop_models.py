"""Small Transformers of many settings with weights that nothing is neutral in, and text-free sources and targets for them."""

from typing import Any

import numpy as np
import torch

from seqloom.data.batching import Example, Sources
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.models import make_model
from seqloom.models.base import Model
from seqloom.models.transformer import TransformerSettings
from seqloom.models.transformer_lm import TransformerLMSettings
from seqloom.vocabulary import Vocabulary
from tests.searching import search_with

SIZE = 40
TOKENS = ["<pad>", "<s>", "</s>", *(f"t{number}" for number in range(SIZE - 3))]
_RNG = np.random.default_rng(0)
SOURCES = [_RNG.integers(3, SIZE, length) for length in (5, 9, 3, 12)]
TARGETS = [_RNG.integers(3, SIZE, length) for length in (6, 4, 10, 2)]
EXAMPLES = [Example(source, target) for source, target in zip(SOURCES, TARGETS, strict=True)]
LIMIT = 12

_SMALL: dict[str, Any] = {"d_model": 32, "d_ff": 64, "num_heads": 4, "max_len": 64}


def encoder_decoder(**changes: Any) -> TransformerSettings:
    return TransformerSettings(**{**_SMALL, "num_encoder_layers": 2, "num_decoder_layers": 3, **changes})


def decoder_only(**changes: Any) -> TransformerLMSettings:
    return TransformerLMSettings(**{**_SMALL, "num_layers": 2, **changes})


def stirred_model(settings: TransformerSettings | TransformerLMSettings) -> Model:
    """A model in which biases, norms' scales and everything else matter to the output."""
    torch.manual_seed(1)
    model = make_model(settings, Vocabulary(SIZE, SIZE, True)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.3)
            else:
                parameter.mul_(1.5)
    return model


def arrays(model: Model) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def greedy_ids(model: Model) -> list[list[int]]:
    """What our greedy search finds, eos included where it was reached."""
    sources = Sources.pad([np.append(source, 2) for source in SOURCES], pad_id=0)
    found = search_with(model, sources, beam=1, max_len_ratio=0, max_len_offset=LIMIT, length_penalty=0)
    return [_with_end(one[0]) for one in found]


def _with_end(one: Hypothesis) -> list[int]:
    return [*one.ids, 2] if one.finished else list(one.ids)
