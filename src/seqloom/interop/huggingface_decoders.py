"""Decoder-only models in the layouts of Hugging Face transformers: GPT-2, GPT-NeoX, Llama and Qwen3.

Input: settings and named arrays; output: a ModelLayout; see `huggingface_layout`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqloom.interop.ctranslate2_spec import position_table
from seqloom.interop.huggingface_names import (
    ACTIVATIONS,
    ModelLayout,
    State,
    Weights,
    attention,
    copied,
    gated,
    projections,
    unsupported_heads,
)
from seqloom.interop.unsupported import UnsupportedFeature
from seqloom.models.transformer_lm import TransformerLMSettings


def unsupported_in_decoder_only(settings: TransformerLMSettings) -> Iterator[UnsupportedFeature]:
    """The settings of a decoder-only model that no layout supports."""
    if settings.norm_place != "pre":
        yield UnsupportedFeature("model.norm_place", settings.norm_place, "pre")
    if settings.embedding_norm:
        yield UnsupportedFeature("model.embedding_norm", True, "false")
    if settings.output_bias:
        yield UnsupportedFeature("model.output_bias", True, "false (true in transformer only)")
    gated = settings.gated or settings.activation == "swiglu"
    if settings.norm == "rms":
        if settings.positions != "rotary":
            yield UnsupportedFeature("model.positions", settings.positions, "with norm rms, rotary")
        if not gated:
            yield UnsupportedFeature(
                "model.activation", settings.activation, "with norm rms, swiglu, or any with gated"
            )
        if settings.qk_norm and settings.bias:
            yield UnsupportedFeature("model.bias", True, "with norm rms and qk_norm, false")
        return
    if settings.positions in ("alibi", "relative"):
        yield UnsupportedFeature("model.positions", settings.positions, "sinusoidal, learned, rotary, none")
    if gated:
        name, value = ("activation", settings.activation) if not settings.gated else ("gated", True)
        accepted = "with norm layer, false" if settings.gated else "with norm layer, relu, gelu, gelu_tanh, silu"
        yield UnsupportedFeature(f"model.{name}", value, accepted)
    if settings.qk_norm:
        yield UnsupportedFeature("model.qk_norm", True, "with norm layer, false")
    yield from unsupported_heads(settings)


def decoder_layout(settings: TransformerLMSettings, weights: Weights, common: dict[str, Any]) -> ModelLayout:
    """The layout of a decoder-only model without unsupported features."""
    # If the scale is multiplied into the embedding table, the output matrix cannot share it.
    common = {**common, "tie_word_embeddings": settings.tied_embeddings == "all" and not settings.embedding_scale}
    if settings.norm == "rms":
        return _llama(settings, weights, common)
    return _gpt_neox(settings, weights, common) if settings.positions == "rotary" else _gpt2(settings, weights, common)


def _gpt_neox(settings: TransformerLMSettings, weights: Weights, common: dict[str, Any]) -> ModelLayout:
    state = _embeddings_and_norm(settings, weights, "gpt_neox.embed_in.weight", "gpt_neox.final_layer_norm")
    heads = settings.num_heads
    for number in range(settings.num_layers):
        ours, theirs = f"blocks.{number}", f"gpt_neox.layers.{number}"
        for kind in ("weight", "bias"):
            parts = projections(weights, f"{ours}.self_attention", kind)
            # For each head: query, key, value.
            split = [part.reshape(heads, -1, *part.shape[1:]) for part in parts]
            joined = np.stack(split, axis=1)
            state[f"{theirs}.attention.query_key_value.{kind}"] = joined.reshape(-1, *parts[0].shape[1:])
        state |= copied(weights, f"{ours}.self_attention.out", f"{theirs}.attention.dense")
        state |= copied(weights, f"{ours}.self_norm", f"{theirs}.input_layernorm")
        state |= copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.post_attention_layernorm")
        state |= copied(weights, f"{ours}.feed_forward.expand", f"{theirs}.mlp.dense_h_to_4h")
        state |= copied(weights, f"{ours}.feed_forward.contract", f"{theirs}.mlp.dense_4h_to_h")
    config = {
        **common,
        "hidden_size": settings.d_model,
        "num_hidden_layers": settings.num_layers,
        "num_attention_heads": heads,
        "intermediate_size": settings.d_ff,
        "hidden_act": ACTIVATIONS[settings.activation],
        "max_position_embeddings": settings.max_len,
        "use_parallel_residual": False,
        "layer_norm_eps": settings.norm_eps or 1e-5,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": settings.rope_base or 10_000.0,
            "partial_rotary_factor": 1.0,
        },
        "hidden_dropout": settings.dropout,
        "attention_dropout": settings.attention_dropout,
    }
    return ModelLayout("GPTNeoXForCausalLM", "GPTNeoXConfig", config, state)


def _gpt2(settings: TransformerLMSettings, weights: Weights, common: dict[str, Any]) -> ModelLayout:
    state = _embeddings_and_norm(settings, weights, "transformer.wte.weight", "transformer.ln_f")
    state["transformer.wpe.weight"] = position_table(settings, weights)
    for number in range(settings.num_layers):
        ours, theirs = f"blocks.{number}", f"transformer.h.{number}"
        # GPT-2 computes x @ weight, so its matrices are transposed.
        query_key_value = np.concatenate(projections(weights, f"{ours}.self_attention", "weight"))
        state[f"{theirs}.attn.c_attn.weight"] = query_key_value.T
        state[f"{theirs}.attn.c_attn.bias"] = np.concatenate(projections(weights, f"{ours}.self_attention", "bias"))
        for mine, other in (
            ("self_attention.out", "attn.c_proj"),
            ("feed_forward.expand", "mlp.c_fc"),
            ("feed_forward.contract", "mlp.c_proj"),
        ):
            state[f"{theirs}.{other}.weight"] = weights[f"{ours}.{mine}.weight"].T
            state[f"{theirs}.{other}.bias"] = weights[f"{ours}.{mine}.bias"]
        state |= copied(weights, f"{ours}.self_norm", f"{theirs}.ln_1")
        state |= copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.ln_2")
    config = {
        **common,
        "n_embd": settings.d_model,
        "n_layer": settings.num_layers,
        "n_head": settings.num_heads,
        "n_inner": settings.d_ff,
        "n_positions": settings.max_len,
        "activation_function": ACTIVATIONS[settings.activation],
        "layer_norm_epsilon": settings.norm_eps or 1e-5,
        "resid_pdrop": settings.dropout,
        "embd_pdrop": settings.dropout,
        "attn_pdrop": settings.attention_dropout,
    }
    return ModelLayout("GPT2LMHeadModel", "GPT2Config", config, state)


def _llama(settings: TransformerLMSettings, weights: Weights, common: dict[str, Any]) -> ModelLayout:
    """The layout of Llama; with `qk_norm` that of Qwen3."""
    state = _embeddings_and_norm(settings, weights, "model.embed_tokens.weight", "model.norm")
    for number in range(settings.num_layers):
        ours, theirs = f"blocks.{number}", f"model.layers.{number}"
        state |= attention(weights, f"{ours}.self_attention", f"{theirs}.self_attn", "o_proj")
        if settings.qk_norm:
            state |= copied(weights, f"{ours}.self_attention.query_norm", f"{theirs}.self_attn.q_norm")
            state |= copied(weights, f"{ours}.self_attention.key_norm", f"{theirs}.self_attn.k_norm")
        state |= copied(weights, f"{ours}.self_norm", f"{theirs}.input_layernorm")
        state |= copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.post_attention_layernorm")
        state |= gated(weights, f"{ours}.feed_forward", f"{theirs}.mlp.up_proj", f"{theirs}.mlp.gate_proj")
        state |= copied(weights, f"{ours}.feed_forward.contract", f"{theirs}.mlp.down_proj")
    config = {
        **common,
        "hidden_size": settings.d_model,
        "num_hidden_layers": settings.num_layers,
        "num_attention_heads": settings.num_heads,
        "num_key_value_heads": settings.num_kv_heads or settings.num_heads,
        "head_dim": settings.width_of_head,
        "intermediate_size": weights["blocks.0.feed_forward.contract.weight"].shape[1],
        "hidden_act": ACTIVATIONS[settings.activation],
        "max_position_embeddings": settings.max_len,
        "rms_norm_eps": settings.norm_eps or 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": settings.rope_base or 10_000.0},
        "attention_bias": settings.bias,
        "attention_dropout": settings.attention_dropout,
    }
    if settings.qk_norm:
        return ModelLayout("Qwen3ForCausalLM", "Qwen3Config", config, state)
    return ModelLayout("LlamaForCausalLM", "LlamaConfig", {**config, "mlp_bias": settings.bias}, state)


def _embeddings_and_norm(settings: TransformerLMSettings, weights: Weights, table: str, norm: str) -> State:
    """Embeddings, output matrix and last norm; the embedding scale is multiplied into the table."""
    ours = weights["embeddings.tgt_table.weight"]
    scale = np.sqrt(settings.d_model) if settings.embedding_scale else 1.0
    output = weights.get("embeddings.output_table.weight", ours)
    scaled = (ours * np.float32(scale)).astype(np.float32)
    return {table: scaled, "lm_head.weight": output, **copied(weights, "norm", norm)}
