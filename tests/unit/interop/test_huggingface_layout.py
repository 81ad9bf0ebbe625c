import warnings
from typing import Any

import numpy as np
import pytest
import torch

from seqloom.decoding.forced import score_targets
from seqloom.interop.huggingface_layout import make_layout, unsupported_features
from seqloom.models.rnn import RNNSettings
from seqloom.vocabulary import Vocabulary
from tests.interop_models import (
    EXAMPLES,
    LIMIT,
    SIZE,
    SOURCES,
    TARGETS,
    arrays,
    decoder_only,
    encoder_decoder,
    greedy_ids,
    stirred_model,
)

with warnings.catch_warnings():
    # Its own affair, and not to be messages apart by what it warns of.
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers")

VOCAB = Vocabulary(SIZE, SIZE, True)

T5 = {"norm": "rms", "bias": False, "positions": "relative", "num_decoder_layers": 2}
LLAMA = {"norm": "rms", "positions": "rotary", "gated": True, "activation": "silu", "num_kv_heads": 2}

ENCODER_DECODERS: list[tuple[dict[str, Any], str]] = [
    ({}, "PegasusForConditionalGeneration"),
    ({"positions": "learned", "activation": "gelu"}, "PegasusForConditionalGeneration"),
    ({"positions": "none", "tied_embeddings": "none"}, "PegasusForConditionalGeneration"),
    ({"tied_embeddings": "output"}, "PegasusForConditionalGeneration"),
    ({"norm_place": "post"}, "MarianMTModel"),
    ({"norm_place": "post", "tied_embeddings": "none"}, "MarianMTModel"),
    (
        {"norm_place": "post", "activation": "silu", "output_bias": True, "embedding_scale": False, "norm_eps": 1e-5},
        "MarianMTModel",
    ),
    (
        {"norm_place": "post", "positions": "learned", "activation": "gelu_tanh", "embedding_norm": True},
        "BartForConditionalGeneration",
    ),
    (
        {"norm_place": "post", "positions": "learned", "embedding_norm": True, "embedding_scale": False},
        "BartForConditionalGeneration",
    ),
    (T5, "T5ForConditionalGeneration"),
    (
        {**T5, "gated": True, "activation": "gelu_tanh", "head_dim": 6, "norm_eps": 1e-2},
        "T5ForConditionalGeneration",
    ),
    ({**T5, "gated": True, "activation": "silu", "embedding_scale": False}, "T5ForConditionalGeneration"),
]
DECODERS: list[tuple[dict[str, Any], str]] = [
    ({"positions": "rotary"}, "GPTNeoXForCausalLM"),
    ({"positions": "rotary", "tied_embeddings": "none", "activation": "gelu"}, "GPTNeoXForCausalLM"),
    ({}, "GPT2LMHeadModel"),
    ({"positions": "learned"}, "GPT2LMHeadModel"),
    ({"positions": "none", "activation": "gelu"}, "GPT2LMHeadModel"),
    ({"norm": "rms", "positions": "rotary", "activation": "swiglu"}, "LlamaForCausalLM"),
    (LLAMA, "LlamaForCausalLM"),
    ({**LLAMA, "bias": False, "head_dim": 12, "rope_base": 50.0, "norm_eps": 1e-2}, "LlamaForCausalLM"),
    ({**LLAMA, "activation": "gelu_tanh", "num_kv_heads": 1, "embedding_scale": False}, "LlamaForCausalLM"),
    ({**LLAMA, "bias": False, "qk_norm": True, "head_dim": 6, "norm_eps": 1e-3}, "Qwen3ForCausalLM"),
    ({"positions": "rotary", "rope_base": 100.0, "activation": "silu", "norm_eps": 1e-2}, "GPTNeoXForCausalLM"),
    ({"positions": "learned", "activation": "gelu_tanh", "embedding_scale": False}, "GPT2LMHeadModel"),
]


def opened(settings: Any, model: Any, name: str) -> Any:
    assert not unsupported_features(settings, VOCAB)
    layout = make_layout(settings, VOCAB, arrays(model))
    assert layout.model == name
    theirs = getattr(transformers, layout.model)(getattr(transformers, layout.config)(**layout.settings))
    theirs.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in layout.state.items()})
    theirs.generation_config = transformers.GenerationConfig(
        pad_token_id=0, bos_token_id=1, eos_token_id=2, suppress_tokens=[0, 1], decoder_start_token_id=1
    )
    return theirs.eval()


def forced(logits: torch.Tensor, ids: list[int]) -> list[float]:
    picked: list[float] = logits[0, -len(ids) :].log_softmax(dim=1)[torch.arange(len(ids)), ids].tolist()
    return picked


@torch.inference_mode()
@pytest.mark.parametrize(("changes", "name"), ENCODER_DECODERS, ids=str)
def test_an_encoder_decoder_scores_and_writes_the_same(changes: dict[str, Any], name: str) -> None:
    settings = encoder_decoder(**changes)
    model = stirred_model(settings)
    theirs = opened(settings, model, name)
    ours = score_targets(model, EXAMPLES)
    for source, target, one, ids in zip(SOURCES, TARGETS, ours, greedy_ids(model), strict=True):
        read = torch.from_numpy(np.append(source, 2))[None]
        fed = torch.from_numpy(np.insert(target, 0, 1))[None]
        found = forced(theirs(input_ids=read, decoder_input_ids=fed).logits, [*target.tolist(), 2])
        assert found == pytest.approx(one.token_log_probs, abs=1e-4)
        written = theirs.generate(read, attention_mask=torch.ones_like(read), max_new_tokens=LIMIT)
        assert written[0, 1:].tolist() == ids


@torch.inference_mode()
@pytest.mark.parametrize(("changes", "name"), DECODERS, ids=str)
def test_a_decoder_only_model_scores_and_writes_the_same(changes: dict[str, Any], name: str) -> None:
    settings = decoder_only(**changes)
    model = stirred_model(settings)
    theirs = opened(settings, model, name)
    ours = score_targets(model, EXAMPLES)
    for source, target, one, ids in zip(SOURCES, TARGETS, ours, greedy_ids(model), strict=True):
        read = torch.from_numpy(np.concatenate([source, [2, 1]]))[None]
        fed = torch.cat([read, torch.from_numpy(target)[None]], dim=1)
        found = forced(theirs(input_ids=fed).logits, [*target.tolist(), 2])
        assert found == pytest.approx(one.token_log_probs, abs=1e-4)
        written = theirs.generate(read, attention_mask=torch.ones_like(read), max_new_tokens=LIMIT)
        assert written[0, read.shape[1] :].tolist() == ids


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (encoder_decoder(positions="rotary"), ["model.positions is rotary"]),
        (encoder_decoder(norm_place="post", positions="learned"), ["model.positions is learned"]),
        (encoder_decoder(norm="rms", activation="swiglu"), ["model.norm is rms", "model.activation is swiglu"]),
        (encoder_decoder(reverse_source=True, qk_norm=True), ["model.qk_norm is true", "model.reverse_source is true"]),
        (decoder_only(norm_place="post"), ["model.norm_place is post"]),
        (decoder_only(positions="alibi"), ["model.positions is alibi"]),
        (decoder_only(activation="swiglu"), ["model.activation is swiglu"]),
        (decoder_only(norm="rms"), ["model.positions is sinusoidal", "model.activation is relu"]),
        (
            decoder_only(bias=False, num_kv_heads=1, head_dim=6, gated=True, output_bias=True, embedding_norm=True),
            [
                *("model.embedding_norm is true", "model.output_bias is true", "model.gated is true"),
                *("model.num_kv_heads is 1", "model.head_dim is 6", "model.bias is false"),
            ],
        ),
        (decoder_only(**LLAMA, qk_norm=True), ["model.bias is true"]),
        (encoder_decoder(norm_eps=1e-3, gated=True), ["model.norm_eps is 0.001", "model.gated is true"]),
        (encoder_decoder(embedding_norm=True, bias=False), ["model.embedding_norm is true", "model.bias is false"]),
        (
            encoder_decoder(positions="relative"),
            ["model.norm is layer", "model.bias is true", "model.num_decoder_layers is 3"],
        ),
        (
            encoder_decoder(**T5, gated=True, activation="gelu", tied_embeddings="none"),
            ["model.tied_embeddings is none", "model.activation is gelu"],
        ),
        (RNNSettings(), ["model.architecture is rnn"]),
    ],
)
def test_what_no_layout_expresses_is_named_with_what_could(settings: Any, named: list[str]) -> None:
    messages = [str(feature) for feature in unsupported_features(settings, VOCAB)]
    assert len(messages) == len(named)
    for text, start in zip(messages, named, strict=True):
        assert text.startswith(start)
        assert "accepted: " in text


def test_two_vocabularies_are_refused() -> None:
    (feature,) = unsupported_features(encoder_decoder(tied_embeddings="none"), Vocabulary(SIZE, SIZE + 1, False))
    assert str(feature).startswith("tokenizer.joint is false")
