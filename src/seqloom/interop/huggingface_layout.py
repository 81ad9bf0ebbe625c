"""Finds the model of Hugging Face transformers that computes the same as a Transformer of seqloom, and renames the weights.

Input: model settings and named arrays; output: a ModelLayout: a configuration and a state dict. It does not import transformers.
Features that no layout supports are returned by name.

| seqloom | transformers |
| --- | --- |
| transformer, norms after each sum, sinusoidal positions | MarianMTModel |
| transformer, norms before each sublayer, additive positions | PegasusForConditionalGeneration |
| transformer, norms after each sum, a norm on embeddings, additive positions | BartForConditionalGeneration |
| transformer, RMSNorm, relative positions, no biases | T5ForConditionalGeneration |
| transformer-lm, LayerNorm, rotary positions, plain feed-forward network | GPTNeoXForCausalLM |
| transformer-lm, LayerNorm, additive positions, plain feed-forward network | GPT2LMHeadModel |
| transformer-lm, RMSNorm, rotary positions, gated feed-forward network | LlamaForCausalLM |
| the same with qk_norm, without biases | Qwen3ForCausalLM |
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqloom.interop.ctranslate2_spec import position_table
from seqloom.interop.huggingface_decoders import decoder_layout, unsupported_in_decoder_only
from seqloom.interop.huggingface_names import (
    ACTIVATIONS,
    ModelLayout,
    State,
    Weights,
    attention,
    copied,
    unsupported_heads,
)
from seqloom.interop.huggingface_t5 import t5_layout
from seqloom.interop.unsupported import UnsupportedFeature
from seqloom.models import ModelSettings
from seqloom.models.transformer import TransformerSettings
from seqloom.models.transformer_lm import TransformerLMSettings
from seqloom.vocabulary import Vocabulary

_ADDITIVE = ("sinusoidal", "learned", "none")


def unsupported_features(settings: ModelSettings, vocab: Vocabulary) -> list[UnsupportedFeature]:
    """The settings of a model that no layout supports."""
    if not isinstance(settings, TransformerSettings | TransformerLMSettings):
        return [UnsupportedFeature("model.architecture", settings.architecture, "transformer, transformer-lm")]
    unsupported = []
    if not vocab.shared:
        unsupported.append(UnsupportedFeature("tokenizer.joint", False, "true (one tokenizer serves both sides)"))
    if settings.qk_norm and isinstance(settings, TransformerSettings):
        unsupported.append(UnsupportedFeature("model.qk_norm", True, "false (true in transformer-lm with norm rms)"))
    if settings.reverse_source:
        unsupported.append(UnsupportedFeature("model.reverse_source", True, "false (their tokenizers do not reverse)"))
    if isinstance(settings, TransformerSettings):
        unsupported += list(_unsupported_in_encoder_decoder(settings))
    else:
        unsupported += list(unsupported_in_decoder_only(settings))
    return unsupported


def make_layout(settings: ModelSettings, vocab: Vocabulary, weights: Weights) -> ModelLayout:
    """The layout of a model without unsupported features."""
    common = {
        "vocab_size": vocab.tgt_size,
        "pad_token_id": vocab.pad_id,
        "bos_token_id": vocab.bos_id,
        "eos_token_id": vocab.eos_id,
    }
    if isinstance(settings, TransformerSettings):
        return _encoder_decoder(settings, vocab, weights, common)
    assert isinstance(settings, TransformerLMSettings)
    return decoder_layout(settings, weights, common)


def _unsupported_in_encoder_decoder(settings: TransformerSettings) -> Iterator[UnsupportedFeature]:
    if settings.positions == "relative":
        yield from _unsupported_in_t5(settings)
        return
    positions = _ADDITIVE if settings.norm_place == "pre" or settings.embedding_norm else ("sinusoidal",)
    if settings.positions not in positions:
        named = f"with norm_place {settings.norm_place}, {', '.join(positions)}"
        yield UnsupportedFeature("model.positions", settings.positions, named)
    if settings.norm != "layer":
        yield UnsupportedFeature("model.norm", settings.norm, "layer (rms with positions relative)")
    if settings.norm_eps not in (None, 1e-5):
        yield UnsupportedFeature("model.norm_eps", settings.norm_eps, "1e-5")
    if settings.embedding_norm and settings.norm_place == "pre":
        yield UnsupportedFeature("model.embedding_norm", True, "with norm_place pre, false")
    if settings.gated or settings.activation == "swiglu":
        name, value = ("gated", True) if settings.gated else ("activation", settings.activation)
        yield UnsupportedFeature(f"model.{name}", value, "false" if settings.gated else "relu, gelu, gelu_tanh, silu")
    yield from unsupported_heads(settings)


def _unsupported_in_t5(settings: TransformerSettings) -> Iterator[UnsupportedFeature]:
    wanted: dict[str, Any] = {
        "norm": "rms",
        "norm_place": "pre",
        "bias": False,
        "embedding_norm": False,
        "output_bias": False,
    }
    wanted["tied_embeddings"] = "all"
    for name, value in wanted.items():
        if getattr(settings, name) != value:
            accepted = str(value).lower() if isinstance(value, bool) else value
            yield UnsupportedFeature(f"model.{name}", getattr(settings, name), f"with positions relative, {accepted}")
    if settings.num_kv_heads not in (None, settings.num_heads):
        yield UnsupportedFeature("model.num_kv_heads", settings.num_kv_heads, "with positions relative, num_heads")
    if settings.num_decoder_layers != settings.num_encoder_layers:
        # transformers allocates the cache of the decoder for the number of encoder layers.
        accepted = f"with positions relative, num_encoder_layers ({settings.num_encoder_layers})"
        yield UnsupportedFeature("model.num_decoder_layers", settings.num_decoder_layers, accepted)
    if settings.gated and settings.activation == "gelu":
        yield UnsupportedFeature("model.activation", "gelu", "with positions relative and gated, gelu_tanh, relu, silu")


def _encoder_decoder(
    settings: TransformerSettings, vocab: Vocabulary, weights: Weights, common: dict[str, Any]
) -> ModelLayout:
    if settings.positions == "relative":
        return t5_layout(settings, vocab, weights, common)
    pre = settings.norm_place == "pre"
    # The first two rows of BART's table are not used.
    unused = np.zeros((2 if settings.embedding_norm else 0, settings.d_model), dtype=np.float32)
    table = weights["embeddings.tgt_table.weight"]
    state: State = {
        "model.shared.weight": table,
        "model.encoder.embed_tokens.weight": weights.get("embeddings.src_table.weight", table),
        "model.decoder.embed_tokens.weight": table,
        "lm_head.weight": weights.get("embeddings.output_table.weight", table),
        "final_logits_bias": weights.get("output_bias", np.zeros(vocab.tgt_size, dtype=np.float32))[None],
    }
    for side, count in (("encoder", settings.num_encoder_layers), ("decoder", settings.num_decoder_layers)):
        state[f"model.{side}.embed_positions.weight"] = np.concatenate([unused, position_table(settings, weights)])
        state |= copied(weights, f"{side}_embedding_norm", f"model.{side}.layernorm_embedding")
        if pre:
            state |= copied(weights, f"{side}_norm", f"model.{side}.layer_norm")
        for number in range(count):
            ours, theirs = f"{side}.{number}", f"model.{side}.layers.{number}"
            state |= attention(weights, f"{ours}.self_attention", f"{theirs}.self_attn", "out_proj")
            state |= copied(weights, f"{ours}.self_norm", f"{theirs}.self_attn_layer_norm")
            if side == "decoder":
                state |= attention(weights, f"{ours}.cross_attention", f"{theirs}.encoder_attn", "out_proj")
                state |= copied(weights, f"{ours}.cross_norm", f"{theirs}.encoder_attn_layer_norm")
            state |= copied(weights, f"{ours}.feed_forward.expand", f"{theirs}.fc1")
            state |= copied(weights, f"{ours}.feed_forward.contract", f"{theirs}.fc2")
            state |= copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.final_layer_norm")
    config = {
        **common,
        "d_model": settings.d_model,
        "encoder_layers": settings.num_encoder_layers,
        "decoder_layers": settings.num_decoder_layers,
        "encoder_attention_heads": settings.num_heads,
        "decoder_attention_heads": settings.num_heads,
        "encoder_ffn_dim": settings.d_ff,
        "decoder_ffn_dim": settings.d_ff,
        "activation_function": ACTIVATIONS[settings.activation],
        "max_position_embeddings": settings.max_len,
        "scale_embedding": settings.embedding_scale,
        "decoder_start_token_id": vocab.bos_id,
        "forced_eos_token_id": None,
        "tie_word_embeddings": settings.tied_embeddings == "all",
        "dropout": settings.dropout,
        "attention_dropout": settings.attention_dropout,
        "activation_dropout": settings.activation_dropout,
    }
    if pre:
        return ModelLayout("PegasusForConditionalGeneration", "PegasusConfig", config, state)
    if settings.embedding_norm:
        return ModelLayout("BartForConditionalGeneration", "BartConfig", config, state)
    config |= {"decoder_vocab_size": vocab.tgt_size, "share_encoder_decoder_embeddings": True}
    return ModelLayout("MarianMTModel", "MarianConfig", config, state)
