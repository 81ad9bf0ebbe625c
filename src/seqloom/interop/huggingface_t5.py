"""Encoder-decoders with relative positions in the layout of T5 (Hugging Face transformers)."""

from typing import Any

import numpy as np

from seqloom.interop.huggingface_names import ModelLayout, State, Weights, gated, projections
from seqloom.models.transformer import TransformerSettings
from seqloom.vocabulary import Vocabulary

_FEED_FORWARD = {"gelu_tanh": "gelu_new", "swiglu": "silu"}


def t5_layout(
    settings: TransformerSettings, vocab: Vocabulary, weights: Weights, common: dict[str, Any]
) -> ModelLayout:
    """The layout of an encoder-decoder with relative positions and without unsupported features."""
    table = weights["embeddings.tgt_table.weight"]
    scale = np.float32(np.sqrt(settings.d_model) if settings.embedding_scale else 1.0)
    # The output matrix is the same table; T5 divides hidden states by sqrt(d_model), which undoes the scale.
    state: State = dict.fromkeys(
        ("shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"), table * scale
    )
    for side, count in (("encoder", settings.num_encoder_layers), ("decoder", settings.num_decoder_layers)):
        bias = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        state[bias] = weights[f"{side}_bias.table.weight"]
        state[f"{side}.final_layer_norm.weight"] = weights[f"{side}_norm.weight"]
        for number in range(count):
            ours, theirs = f"{side}.{number}", f"{side}.block.{number}.layer"
            state |= _attention(settings, weights, f"{ours}.self_attention", f"{theirs}.0.SelfAttention")
            state[f"{theirs}.0.layer_norm.weight"] = weights[f"{ours}.self_norm.weight"]
            last = 1
            if side == "decoder":
                last = 2
                state |= _attention(settings, weights, f"{ours}.cross_attention", f"{theirs}.1.EncDecAttention")
                state[f"{theirs}.1.layer_norm.weight"] = weights[f"{ours}.cross_norm.weight"]
            network = f"{theirs}.{last}.DenseReluDense"
            if _gated(settings):
                state |= gated(weights, f"{ours}.feed_forward", f"{network}.wi_1", f"{network}.wi_0")
            else:
                state[f"{network}.wi.weight"] = weights[f"{ours}.feed_forward.expand.weight"]
            state[f"{network}.wo.weight"] = weights[f"{ours}.feed_forward.contract.weight"]
            state[f"{theirs}.{last}.layer_norm.weight"] = weights[f"{ours}.feed_forward_norm.weight"]
    activation = _FEED_FORWARD.get(settings.activation, settings.activation)
    # In transformers "gated-gelu" is the approximation by tanh.
    gate = f"gated-{'gelu' if activation == 'gelu_new' else activation}"
    config = {
        **common,
        "d_model": settings.d_model,
        "d_kv": settings.width_of_head,
        "d_ff": weights["encoder.0.feed_forward.contract.weight"].shape[1],
        "num_layers": settings.num_encoder_layers,
        "num_decoder_layers": settings.num_decoder_layers,
        "num_heads": settings.num_heads,
        "relative_attention_num_buckets": weights["encoder_bias.table.weight"].shape[0],
        "relative_attention_max_distance": 128,
        "layer_norm_epsilon": settings.norm_eps or 1e-6,
        "feed_forward_proj": gate if _gated(settings) else activation,
        "dropout_rate": settings.dropout,
        "decoder_start_token_id": vocab.bos_id,
        "tie_word_embeddings": settings.embedding_scale,
    }
    return ModelLayout("T5ForConditionalGeneration", "T5Config", config, state)


def _gated(settings: TransformerSettings) -> bool:
    return settings.gated or settings.activation == "swiglu"


def _attention(settings: TransformerSettings, weights: Weights, ours: str, theirs: str) -> State:
    query, key, value = projections(weights, ours, "weight")
    # T5 does not divide scores by sqrt(head_dim), so the query weights include this factor.
    parts = {"q": query * np.float32(settings.width_of_head**-0.5), "k": key, "v": value}
    return {f"{theirs}.{name}.weight": part for name, part in {**parts, "o": weights[f"{ours}.out.weight"]}.items()}
