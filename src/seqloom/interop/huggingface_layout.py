"""Which model of Hugging Face transformers computes exactly what a Transformer of ours computes, and our weights by its names.

A recipe's model settings and named arrays enter; a Layout leaves: a configuration and a state. It does not import transformers.
What no layout expresses is refused by name.

| ours | theirs |
| --- | --- |
| transformer, norms after each sum, sinusoidal positions | MarianMTModel |
| transformer, norms before each sublayer, additive positions | PegasusForConditionalGeneration |
| transformer-lm, LayerNorm, rotary positions, ReLU or GELU | GPTNeoXForCausalLM |
| transformer-lm, LayerNorm, additive positions, ReLU or GELU | GPT2LMHeadModel |
| transformer-lm, RMSNorm, rotary positions, SwiGLU | LlamaForCausalLM |
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqloom.interop.ctranslate2_spec import Weights, position_table
from seqloom.interop.refusal import Obstacle
from seqloom.models import ModelSettings
from seqloom.models.transformer import BlockSettings, TransformerSettings
from seqloom.models.transformer_lm import TransformerLMSettings
from seqloom.vocabulary import Vocabulary

State = dict[str, NDArray[np.float32]]

_ADDITIVE = ("sinusoidal", "learned", "none")


@dataclass(frozen=True, slots=True)
class Layout:
    """A model of transformers.

    Attributes:
        model: the name of its class.
        config: the name of its configuration's class.
        settings: what the configuration is made of.
        state: its weights.
    """

    model: str
    config: str
    settings: Mapping[str, Any]
    state: Mapping[str, NDArray[np.float32]]


def obstacles(settings: ModelSettings, vocab: Vocabulary) -> list[Obstacle]:
    """What no layout expresses of a model."""
    if not isinstance(settings, BlockSettings):
        return [Obstacle("model.architecture", settings.architecture, "transformer, transformer-lm")]
    found = []
    if not vocab.shared:
        found.append(Obstacle("tokenizer.joint", False, "true (one tokenizer serves both sides)"))
    if settings.qk_norm:
        found.append(Obstacle("model.qk_norm", True, "false"))
    if settings.reverse_source:
        found.append(Obstacle("model.reverse_source", True, "false (their tokenizers do not reverse)"))
    if isinstance(settings, TransformerSettings):
        found += list(_of_encoder_decoder(settings))
    else:
        found += list(_of_decoder_only(settings))
    return found


def make_layout(settings: ModelSettings, vocab: Vocabulary, weights: Weights) -> Layout:
    """The layout of a model without obstacles."""
    common = {
        "vocab_size": vocab.tgt_size,
        "pad_token_id": vocab.pad_id,
        "bos_token_id": vocab.bos_id,
        "eos_token_id": vocab.eos_id,
    }
    if isinstance(settings, TransformerSettings):
        return _encoder_decoder(settings, vocab, weights, common)
    assert isinstance(settings, TransformerLMSettings)
    # Their embeddings have no scale: ours is multiplied into the table, which the output matrix therefore cannot share.
    common |= {"tie_word_embeddings": False}
    if settings.norm == "rms":
        return _llama(settings, weights, common)
    return _gpt_neox(settings, weights, common) if settings.positions == "rotary" else _gpt2(settings, weights, common)


def _of_encoder_decoder(settings: TransformerSettings) -> Iterator[Obstacle]:
    positions = _ADDITIVE if settings.norm_place == "pre" else ("sinusoidal",)
    if settings.positions not in positions:
        yield Obstacle(
            "model.positions", settings.positions, f"with norm_place {settings.norm_place}, {', '.join(positions)}"
        )
    if settings.norm != "layer":
        yield Obstacle("model.norm", settings.norm, "layer")
    if settings.activation == "swiglu":
        yield Obstacle("model.activation", "swiglu", "relu, gelu")


def _of_decoder_only(settings: TransformerLMSettings) -> Iterator[Obstacle]:
    if settings.norm_place != "pre":
        yield Obstacle("model.norm_place", settings.norm_place, "pre")
    if settings.norm == "rms":
        if settings.positions != "rotary":
            yield Obstacle("model.positions", settings.positions, "with norm rms, rotary")
        if settings.activation != "swiglu":
            yield Obstacle("model.activation", settings.activation, "with norm rms, swiglu")
    else:
        if settings.positions == "alibi":
            yield Obstacle("model.positions", "alibi", "sinusoidal, learned, rotary, none")
        if settings.activation == "swiglu":
            yield Obstacle("model.activation", "swiglu", "with norm layer, relu, gelu")


def _encoder_decoder(
    settings: TransformerSettings, vocab: Vocabulary, weights: Weights, common: dict[str, Any]
) -> Layout:
    pre = settings.norm_place == "pre"
    table = weights["embeddings.tgt_table.weight"]
    state: State = {
        "model.shared.weight": table,
        "model.encoder.embed_tokens.weight": weights.get("embeddings.src_table.weight", table),
        "model.decoder.embed_tokens.weight": table,
        "lm_head.weight": weights.get("embeddings.output_table.weight", table),
        "final_logits_bias": np.zeros((1, vocab.tgt_size), dtype=np.float32),
    }
    for side, count in (("encoder", settings.num_encoder_layers), ("decoder", settings.num_decoder_layers)):
        state[f"model.{side}.embed_positions.weight"] = position_table(settings, weights)
        if pre:
            state |= _copied(weights, f"{side}_norm", f"model.{side}.layer_norm")
        for number in range(count):
            ours, theirs = f"{side}.{number}", f"model.{side}.layers.{number}"
            state |= _attention(weights, f"{ours}.self_attention", f"{theirs}.self_attn", "out_proj")
            state |= _copied(weights, f"{ours}.self_norm", f"{theirs}.self_attn_layer_norm")
            if side == "decoder":
                state |= _attention(weights, f"{ours}.cross_attention", f"{theirs}.encoder_attn", "out_proj")
                state |= _copied(weights, f"{ours}.cross_norm", f"{theirs}.encoder_attn_layer_norm")
            state |= _copied(weights, f"{ours}.feed_forward.expand", f"{theirs}.fc1")
            state |= _copied(weights, f"{ours}.feed_forward.contract", f"{theirs}.fc2")
            state |= _copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.final_layer_norm")
    config = {
        **common,
        "d_model": settings.d_model,
        "encoder_layers": settings.num_encoder_layers,
        "decoder_layers": settings.num_decoder_layers,
        "encoder_attention_heads": settings.num_heads,
        "decoder_attention_heads": settings.num_heads,
        "encoder_ffn_dim": settings.d_ff,
        "decoder_ffn_dim": settings.d_ff,
        "activation_function": settings.activation,
        "max_position_embeddings": settings.max_len,
        "scale_embedding": True,
        "decoder_start_token_id": vocab.bos_id,
        "forced_eos_token_id": None,
        "tie_word_embeddings": settings.tied_embeddings == "all",
        "dropout": settings.dropout,
        "attention_dropout": settings.attention_dropout,
        "activation_dropout": settings.activation_dropout,
    }
    if pre:
        return Layout("PegasusForConditionalGeneration", "PegasusConfig", config, state)
    config |= {"decoder_vocab_size": vocab.tgt_size, "share_encoder_decoder_embeddings": True}
    return Layout("MarianMTModel", "MarianConfig", config, state)


def _gpt_neox(settings: TransformerLMSettings, weights: Weights, common: dict[str, Any]) -> Layout:
    state = _ends(settings, weights, "gpt_neox.embed_in.weight", "gpt_neox.final_layer_norm")
    heads = settings.num_heads
    for number in range(settings.num_layers):
        ours, theirs = f"blocks.{number}", f"gpt_neox.layers.{number}"
        for kind in ("weight", "bias"):
            parts = _projections(weights, f"{ours}.self_attention", kind)
            # Head by head: its query, its key, its value.
            split = [part.reshape(heads, -1, *part.shape[1:]) for part in parts]
            joined = np.stack(split, axis=1)
            state[f"{theirs}.attention.query_key_value.{kind}"] = joined.reshape(-1, *parts[0].shape[1:])
        state |= _copied(weights, f"{ours}.self_attention.out", f"{theirs}.attention.dense")
        state |= _copied(weights, f"{ours}.self_norm", f"{theirs}.input_layernorm")
        state |= _copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.post_attention_layernorm")
        state |= _copied(weights, f"{ours}.feed_forward.expand", f"{theirs}.mlp.dense_h_to_4h")
        state |= _copied(weights, f"{ours}.feed_forward.contract", f"{theirs}.mlp.dense_4h_to_h")
    config = {
        **common,
        "hidden_size": settings.d_model,
        "num_hidden_layers": settings.num_layers,
        "num_attention_heads": heads,
        "intermediate_size": settings.d_ff,
        "hidden_act": settings.activation,
        "max_position_embeddings": settings.max_len,
        "use_parallel_residual": False,
        "layer_norm_eps": 1e-5,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 1.0},
        "hidden_dropout": settings.dropout,
        "attention_dropout": settings.attention_dropout,
    }
    return Layout("GPTNeoXForCausalLM", "GPTNeoXConfig", config, state)


def _gpt2(settings: TransformerLMSettings, weights: Weights, common: dict[str, Any]) -> Layout:
    state = _ends(settings, weights, "transformer.wte.weight", "transformer.ln_f")
    state["transformer.wpe.weight"] = position_table(settings, weights)
    for number in range(settings.num_layers):
        ours, theirs = f"blocks.{number}", f"transformer.h.{number}"
        # GPT-2 multiplies from the right, so its matrices stand the other way.
        together = np.concatenate(_projections(weights, f"{ours}.self_attention", "weight"))
        state[f"{theirs}.attn.c_attn.weight"] = together.T
        state[f"{theirs}.attn.c_attn.bias"] = np.concatenate(_projections(weights, f"{ours}.self_attention", "bias"))
        for mine, other in (
            ("self_attention.out", "attn.c_proj"),
            ("feed_forward.expand", "mlp.c_fc"),
            ("feed_forward.contract", "mlp.c_proj"),
        ):
            state[f"{theirs}.{other}.weight"] = weights[f"{ours}.{mine}.weight"].T
            state[f"{theirs}.{other}.bias"] = weights[f"{ours}.{mine}.bias"]
        state |= _copied(weights, f"{ours}.self_norm", f"{theirs}.ln_1")
        state |= _copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.ln_2")
    config = {
        **common,
        "n_embd": settings.d_model,
        "n_layer": settings.num_layers,
        "n_head": settings.num_heads,
        "n_inner": settings.d_ff,
        "n_positions": settings.max_len,
        "activation_function": settings.activation,
        "layer_norm_epsilon": 1e-5,
        "resid_pdrop": settings.dropout,
        "embd_pdrop": settings.dropout,
        "attn_pdrop": settings.attention_dropout,
    }
    return Layout("GPT2LMHeadModel", "GPT2Config", config, state)


def _llama(settings: TransformerLMSettings, weights: Weights, common: dict[str, Any]) -> Layout:
    state = _ends(settings, weights, "model.embed_tokens.weight", "model.norm")
    for number in range(settings.num_layers):
        ours, theirs = f"blocks.{number}", f"model.layers.{number}"
        state |= _attention(weights, f"{ours}.self_attention", f"{theirs}.self_attn", "o_proj")
        state |= _copied(weights, f"{ours}.self_norm", f"{theirs}.input_layernorm")
        state |= _copied(weights, f"{ours}.feed_forward_norm", f"{theirs}.post_attention_layernorm")
        for kind in ("weight", "bias"):
            value, gate = np.split(weights[f"{ours}.feed_forward.expand.{kind}"], 2)
            state[f"{theirs}.mlp.up_proj.{kind}"], state[f"{theirs}.mlp.gate_proj.{kind}"] = value, gate
        state |= _copied(weights, f"{ours}.feed_forward.contract", f"{theirs}.mlp.down_proj")
    config = {
        **common,
        "hidden_size": settings.d_model,
        "num_hidden_layers": settings.num_layers,
        "num_attention_heads": settings.num_heads,
        "num_key_value_heads": settings.num_heads,
        "intermediate_size": weights["blocks.0.feed_forward.contract.weight"].shape[1],
        "hidden_act": "silu",
        "max_position_embeddings": settings.max_len,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
        "attention_bias": True,
        "mlp_bias": True,
        "attention_dropout": settings.attention_dropout,
    }
    return Layout("LlamaForCausalLM", "LlamaConfig", config, state)


def _ends(settings: TransformerLMSettings, weights: Weights, table: str, norm: str) -> State:
    ours = weights["embeddings.tgt_table.weight"]
    scaled = (ours * np.float32(np.sqrt(settings.d_model))).astype(np.float32)
    output = weights.get("embeddings.output_table.weight", ours)
    return {table: scaled, "lm_head.weight": output, **_copied(weights, "norm", norm)}


def _attention(weights: Weights, ours: str, theirs: str, out: str) -> State:
    state = _copied(weights, f"{ours}.out", f"{theirs}.{out}")
    for kind in ("weight", "bias"):
        parts = _projections(weights, ours, kind)
        state |= {f"{theirs}.{name}_proj.{kind}": part for name, part in zip("qkv", parts, strict=True)}
    return state


def _projections(weights: Weights, name: str, kind: str) -> list[NDArray[np.float32]]:
    key, value = np.split(weights[f"{name}.key_value.{kind}"], 2)
    return [weights[f"{name}.query.{kind}"], key, value]


def _copied(weights: Weights, ours: str, theirs: str) -> State:
    return {f"{theirs}.{kind}": weights[f"{ours}.{kind}"] for kind in ("weight", "bias") if f"{ours}.{kind}" in weights}
