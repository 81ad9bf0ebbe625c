"""Converts the settings and weights of a Transformer to a model specification of CTranslate2.

Input: model settings and named arrays; output: a `ctranslate2.specs` object, which CTranslate2 saves. Features that CTranslate2
does not support are returned by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqloom.interop.unsupported import UnsupportedFeature
from seqloom.models import ModelSettings
from seqloom.models.transformer import BlockSettings, TransformerSettings
from seqloom.models.transformer_lm import TransformerLMSettings
from seqloom.nn.positions import sinusoids

Array = NDArray[np.float32]
Weights = Mapping[str, Array]


def unsupported_features(settings: ModelSettings) -> list[UnsupportedFeature]:
    """The settings of a model that CTranslate2 does not support."""
    if not isinstance(settings, BlockSettings):
        return [UnsupportedFeature("model.architecture", settings.architecture, "transformer, transformer-lm")]
    unsupported = []
    if settings.qk_norm and isinstance(settings, TransformerSettings):
        # CTranslate2 normalises only in self-attention.
        unsupported.append(UnsupportedFeature("model.qk_norm", True, "false (true in transformer-lm only)"))
    if settings.positions == "relative":
        unsupported.append(UnsupportedFeature("model.positions", "relative", "sinusoidal, learned, rotary, none"))
    if settings.output_bias and isinstance(settings, TransformerLMSettings):
        unsupported.append(UnsupportedFeature("model.output_bias", True, "false (true in transformer only)"))
    if settings.num_kv_heads not in (None, settings.num_heads) and isinstance(settings, TransformerSettings):
        unsupported.append(
            UnsupportedFeature("model.num_kv_heads", settings.num_kv_heads, "num_heads (fewer in transformer-lm only)")
        )
    if settings.positions == "alibi":
        if isinstance(settings, TransformerSettings):
            unsupported.append(UnsupportedFeature("model.positions", "alibi", "sinusoidal, learned, rotary, none"))
        elif settings.num_heads & (settings.num_heads - 1):
            # For other numbers of heads CTranslate2 interpolates the slopes in another way.
            unsupported.append(
                UnsupportedFeature("model.num_heads", settings.num_heads, "with positions alibi, a power of 2")
            )
    return unsupported


def make_spec(settings: ModelSettings, weights: Weights, *, source: Sequence[str], target: Sequence[str]) -> Any:
    """The specification of a model without unsupported features.

    Args:
        weights: the state dict of the model.
        source: the tokens of the source ids; not used for a decoder-only model.
        target: the tokens of the target ids.
    """
    if isinstance(settings, TransformerSettings):
        return _encoder_decoder(settings, weights, source, target)
    assert isinstance(settings, TransformerLMSettings)
    return _decoder_only(settings, weights, target)


def _encoder_decoder(
    settings: TransformerSettings, weights: Weights, source: Sequence[str], target: Sequence[str]
) -> Any:
    from ctranslate2.specs import TransformerDecoderSpec, TransformerEncoderSpec, TransformerSpec

    options = _stack_options(settings)
    encoder = TransformerEncoderSpec(settings.num_encoder_layers, settings.num_heads, **options)
    decoder = TransformerDecoderSpec(
        settings.num_decoder_layers,
        settings.num_heads,
        # As in `Transformer.advance`: the mean over the heads of the second-last layer.
        alignment_layer=max(0, settings.num_decoder_layers - 2),
        alignment_heads=0,
        **options,
    )
    table = weights["embeddings.tgt_table.weight"]
    _fill_embeddings_and_norm(encoder, settings, weights, "encoder_norm")
    _fill_embeddings_and_norm(decoder, settings, weights, "decoder_norm")
    encoder.embeddings[0].weight = weights.get("embeddings.src_table.weight", table)
    decoder.embeddings.weight = table
    decoder.projection.weight = weights.get("embeddings.output_table.weight", table)
    if settings.output_bias:
        decoder.projection.bias = weights["output_bias"]
    for side, stack in (("encoder", encoder), ("decoder", decoder)):
        if settings.embedding_norm:
            _fill_norm(stack.layernorm_embedding, weights, f"{side}_embedding_norm")
    for number, layer in enumerate(encoder.layer):
        _fill_block(layer, settings, weights, f"encoder.{number}")
    for number, layer in enumerate(decoder.layer):
        _fill_block(layer, settings, weights, f"decoder.{number}")
        name = f"decoder.{number}.cross_attention"
        _fill_norm(layer.attention.layer_norm, weights, f"decoder.{number}.cross_norm")
        for index, part in enumerate(("query", "key_value", "out")):
            _fill_linear(layer.attention.linear[index], weights, f"{name}.{part}")
        _fill_qk_norm(layer.attention, weights, name)
    spec = TransformerSpec(encoder, decoder)
    spec.register_source_vocabulary(list(source))
    spec.register_target_vocabulary(list(target))
    _configure(spec, target)
    spec.config.decoder_start_token = target[1]
    spec.config.add_source_eos = True
    if settings.norm_eps is not None:
        spec.config.layer_norm_epsilon = settings.norm_eps
    return spec


def _decoder_only(settings: TransformerLMSettings, weights: Weights, tokens: Sequence[str]) -> Any:
    from ctranslate2.specs import TransformerDecoderModelSpec, TransformerDecoderSpec

    decoder = TransformerDecoderSpec(
        settings.num_layers,
        settings.num_heads,
        with_encoder_attention=False,
        alibi=settings.positions == "alibi",
        **_stack_options(settings),
    )
    table = weights["embeddings.tgt_table.weight"]
    _fill_embeddings_and_norm(decoder, settings, weights, "norm")
    decoder.embeddings.weight = table
    decoder.projection.weight = weights.get("embeddings.output_table.weight", table)
    if settings.embedding_norm:
        _fill_norm(decoder.layernorm_embedding, weights, "embedding_norm")
    for number, layer in enumerate(decoder.layer):
        _fill_block(layer, settings, weights, f"blocks.{number}")
    spec = TransformerDecoderModelSpec(decoder)
    spec.register_vocabulary(list(tokens))
    _configure(spec, tokens)
    if settings.norm_eps is not None:
        spec.config.layer_norm_epsilon = settings.norm_eps
    return spec


def _configure(spec: Any, tokens: Sequence[str]) -> None:
    pad, bos, eos = tokens[:3]
    # CTranslate2 needs an unknown token. seqloom's tokenizers have none, so this is pad, which no text contains.
    spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = pad, bos, eos


def _stack_options(settings: BlockSettings) -> dict[str, Any]:
    from ctranslate2.specs import Activation

    activations = {
        "relu": Activation.RELU,
        "gelu": Activation.GELU,
        "gelu_tanh": Activation.GELUTanh,
        "silu": Activation.SWISH,
        "swiglu": Activation.SWISH,
    }
    options: dict[str, Any] = {
        "pre_norm": settings.norm_place == "pre",
        "activation": activations[settings.activation],
        "ffn_glu": _gated(settings),
        "rms_norm": settings.norm == "rms",
    }
    if settings.positions == "rotary":
        # seqloom rotates feature i of the first half of a head with feature i of the second half, not neighbours.
        options |= {"rotary_dim": 0, "rotary_interleave": False, "rotary_base": settings.rope_base or 10_000.0}
    if settings.qk_norm:
        options["qk_norm"] = True
    if settings.num_kv_heads is not None and settings.num_kv_heads != settings.num_heads:
        options["num_heads_kv"] = settings.num_kv_heads
    if settings.width_of_head * settings.num_heads != settings.d_model:
        options["head_dim"] = settings.width_of_head
    if settings.embedding_norm:
        options["layernorm_embedding"] = True
    return options


def _gated(settings: BlockSettings) -> bool:
    return settings.gated or settings.activation == "swiglu"


def _fill_embeddings_and_norm(stack: Any, settings: BlockSettings, weights: Weights, norm: str) -> None:
    stack.scale_embeddings = settings.embedding_scale
    if settings.norm_place == "pre":
        _fill_norm(stack.layer_norm, weights, norm)
    if hasattr(stack, "position_encodings"):
        stack.position_encodings.encodings = position_table(settings, weights)


def position_table(settings: BlockSettings, weights: Weights) -> Array:
    """The position embeddings that are added to token embeddings; zeros for other kinds of positions, and for none."""
    if settings.positions == "learned":
        return weights["positions.table.weight"]
    if settings.positions == "sinusoidal":
        return np.asarray(sinusoids(settings.max_len, settings.d_model).numpy())
    return np.zeros((settings.max_len, settings.d_model), dtype=np.float32)


def _fill_block(layer: Any, settings: BlockSettings, weights: Weights, name: str) -> None:
    attention = f"{name}.self_attention"
    _fill_norm(layer.self_attention.layer_norm, weights, f"{name}.self_norm")
    query_key_value = layer.self_attention.linear[0]
    query_key_value.weight = np.concatenate([weights[f"{attention}.{part}.weight"] for part in ("query", "key_value")])
    if f"{attention}.query.bias" in weights:
        query_key_value.bias = np.concatenate([weights[f"{attention}.{part}.bias"] for part in ("query", "key_value")])
    _fill_linear(layer.self_attention.linear[1], weights, f"{attention}.out")
    _fill_qk_norm(layer.self_attention, weights, attention)
    _fill_norm(layer.ffn.layer_norm, weights, f"{name}.feed_forward_norm")
    expand = f"{name}.feed_forward.expand"
    if _gated(settings):
        # The first half of `expand` is the value, the second half the gate; in CTranslate2 `linear_0` is the gate.
        for part, rows in ((layer.ffn.linear_0_noact, 0), (layer.ffn.linear_0, 1)):
            part.weight = np.split(weights[f"{expand}.weight"], 2)[rows]
            if f"{expand}.bias" in weights:
                part.bias = np.split(weights[f"{expand}.bias"], 2)[rows]
    else:
        _fill_linear(layer.ffn.linear_0, weights, expand)
    _fill_linear(layer.ffn.linear_1, weights, f"{name}.feed_forward.contract")


def _fill_linear(linear: Any, weights: Weights, name: str) -> None:
    linear.weight = weights[f"{name}.weight"]
    if f"{name}.bias" in weights:
        linear.bias = weights[f"{name}.bias"]


def _fill_norm(norm: Any, weights: Weights, name: str) -> None:
    norm.gamma = weights[f"{name}.weight"]
    if f"{name}.bias" in weights:
        norm.beta = weights[f"{name}.bias"]
    elif hasattr(norm, "beta"):
        norm.beta = np.zeros_like(norm.gamma)


def _fill_qk_norm(attention: Any, weights: Weights, name: str) -> None:
    if f"{name}.query_norm.weight" in weights:
        attention.q_norm.gamma = weights[f"{name}.query_norm.weight"]
        attention.k_norm.gamma = weights[f"{name}.key_norm.weight"]
