"""Parts that several layouts share: weights of seqloom with the names of Hugging Face transformers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqloom.interop.unsupported import UnsupportedFeature
from seqloom.models.transformer import BlockSettings

Array = NDArray[np.float32]
State = dict[str, Array]
Weights = Mapping[str, Array]

ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "silu": "silu", "swiglu": "silu"}
"""Names of activations in seqloom -> in transformers."""


@dataclass(frozen=True, slots=True)
class ModelLayout:
    """A model of transformers.

    Attributes:
        model: the name of the model class.
        config: the name of the configuration class.
        settings: the arguments of the configuration.
        state: the state dict.
    """

    model: str
    config: str
    settings: Mapping[str, Any]
    state: Weights


def unsupported_heads(settings: BlockSettings) -> Iterator[UnsupportedFeature]:
    """The settings of heads and biases that layouts with equal numbers of heads, default widths and biases do not support."""
    if settings.num_kv_heads not in (None, settings.num_heads):
        yield UnsupportedFeature("model.num_kv_heads", settings.num_kv_heads, f"with norm {settings.norm}, num_heads")
    if settings.width_of_head * settings.num_heads != settings.d_model:
        yield UnsupportedFeature("model.head_dim", settings.head_dim, f"with norm {settings.norm}, d_model / num_heads")
    if not settings.bias:
        yield UnsupportedFeature("model.bias", False, f"with norm {settings.norm}, true")


def copied(weights: Weights, ours: str, theirs: str) -> State:
    """Weight and bias of a module under another name; a missing one is left out."""
    return {f"{theirs}.{kind}": weights[f"{ours}.{kind}"] for kind in ("weight", "bias") if f"{ours}.{kind}" in weights}


def projections(weights: Weights, name: str, kind: str) -> list[Array]:
    """The weights or biases of queries, keys and values; empty if the attention has no biases.

    Args:
        kind: "weight" or "bias".
    """
    if f"{name}.query.{kind}" not in weights:
        return []
    key, value = np.split(weights[f"{name}.key_value.{kind}"], 2)
    return [weights[f"{name}.query.{kind}"], key, value]


def attention(weights: Weights, ours: str, theirs: str, out: str) -> State:
    """An attention with separate matrices for queries, keys and values."""
    state = copied(weights, f"{ours}.out", f"{theirs}.{out}")
    for kind in ("weight", "bias"):
        # Without biases `projections` is empty, and so is the result of `zip`.
        state |= {
            f"{theirs}.{name}_proj.{kind}": part
            for name, part in zip("qkv", projections(weights, ours, kind), strict=False)
        }
    return state


def gated(weights: Weights, ours: str, value: str, gate: str) -> State:
    """The matrices of value and gate of a gated network; `expand` holds the value first, then the gate."""
    state: State = {}
    for kind in ("weight", "bias"):
        if f"{ours}.expand.{kind}" in weights:
            parts = np.split(weights[f"{ours}.expand.{kind}"], 2)
            state |= {f"{name}.{kind}": part for name, part in zip((value, gate), parts, strict=True)}
    return state
