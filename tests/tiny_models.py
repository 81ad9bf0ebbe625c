"""Tiny settings of every registered architecture, so that tests find a new one without being told of it."""

from seqloom.models import MODELS

# A field that an architecture has gets this value.
SIZES: dict[str, object] = {
    "d_model": 16,
    "hidden_size": 12,
    "d_ff": 24,
    "num_heads": 2,
    "num_layers": 2,
    "num_encoder_layers": 2,
    "num_decoder_layers": 2,
    "max_len": 24,
    "dropout": 0.1,
}


def tiny_settings(architecture: str, **changes: object) -> dict[str, object]:
    """Settings of an architecture as small as its fields allow."""
    fields = MODELS[architecture][0].model_fields
    sizes = {name: value for name, value in SIZES.items() if name in fields}
    return {"architecture": architecture, **sizes, **changes}
