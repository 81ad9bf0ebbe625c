from pathlib import Path
from typing import Any

import pytest

from seqloom.decoding.forced import score_targets
from seqloom.interop.ctranslate2_spec import make_spec, unsupported_features
from seqloom.models.rnn import RNNSettings
from tests.interop_models import (
    EXAMPLES,
    LIMIT,
    SOURCES,
    TARGETS,
    TOKENS,
    arrays,
    decoder_only,
    encoder_decoder,
    greedy_ids,
    stirred_model,
)

ctranslate2 = pytest.importorskip("ctranslate2")

MODELS: list[dict[str, Any]] = [
    {},
    {"norm_place": "post"},
    {"positions": "learned"},
    {"positions": "none"},
    {"positions": "rotary"},
    {"norm": "rms"},
    {"activation": "gelu"},
    {"activation": "swiglu"},
    {"tied_embeddings": "none"},
    {"norm": "rms", "norm_place": "post", "positions": "rotary", "activation": "swiglu"},
    {"norm": "rms", "positions": "rotary", "rope_base": 50.0, "gated": True, "activation": "silu", "bias": False},
    {"activation": "gelu_tanh", "norm_eps": 1e-2, "embedding_scale": False, "head_dim": 6},
    {"norm_place": "post", "embedding_norm": True, "activation": "silu"},
]


def opened(settings: Any, model: Any, folder: Path) -> Any:
    spec = make_spec(settings, arrays(model), source=TOKENS, target=TOKENS)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    maker = ctranslate2.Translator if hasattr(spec, "encoder") else ctranslate2.Generator
    return maker(str(folder), intra_threads=1)


def tokens_of(rows: Any) -> list[list[str]]:
    return [[TOKENS[number] for number in row] for row in rows]


@pytest.mark.parametrize("changes", [*MODELS, {"tied_embeddings": "output"}, {"output_bias": True}], ids=str)
def test_an_encoder_decoder_scores_and_writes_the_same(changes: dict[str, Any], tmp_path: Path) -> None:
    settings = encoder_decoder(**changes)
    assert not unsupported_features(settings)
    model = stirred_model(settings)
    translator = opened(settings, model, tmp_path)
    for one, theirs in zip(
        score_targets(model, EXAMPLES), translator.score_batch(tokens_of(SOURCES), tokens_of(TARGETS)), strict=True
    ):
        assert theirs.log_probs == pytest.approx(one.token_log_probs, abs=1e-4)
    found = translator.translate_batch(
        tokens_of(SOURCES),
        beam_size=1,
        max_decoding_length=LIMIT,
        min_decoding_length=0,
        suppress_sequences=[["<pad>"], ["<s>"]],
        return_end_token=True,
    )
    assert [one.hypotheses[0] for one in found] == tokens_of(greedy_ids(model))


@pytest.mark.parametrize("changes", [*MODELS, {"qk_norm": True}, {"positions": "alibi"}, {"num_kv_heads": 2}], ids=str)
def test_a_decoder_only_model_scores_and_writes_the_same(changes: dict[str, Any], tmp_path: Path) -> None:
    settings = decoder_only(**changes)
    assert not unsupported_features(settings)
    model = stirred_model(settings)
    generator = opened(settings, model, tmp_path)
    whole = [[*source, 2, 1, *target, 2] for source, target in zip(SOURCES, TARGETS, strict=True)]
    for one, theirs in zip(score_targets(model, EXAMPLES), generator.score_batch(tokens_of(whole)), strict=True):
        assert theirs.log_probs[-one_length(one) :] == pytest.approx(one.token_log_probs, abs=1e-4)
    for source, ids in zip(SOURCES, greedy_ids(model), strict=True):
        (found,) = generator.generate_batch(
            tokens_of([[*source, 2, 1]]),
            max_length=LIMIT,
            include_prompt_in_result=False,
            suppress_sequences=[["<pad>"], ["<s>"]],
            return_end_token=True,
        )
        assert found.sequences == tokens_of([ids])


def one_length(one: Any) -> int:
    return len(one.token_log_probs)


def test_specs_have_the_shapes_of_the_settings() -> None:
    settings = encoder_decoder()
    spec = make_spec(settings, arrays(stirred_model(settings)), source=TOKENS, target=TOKENS)
    assert len(spec.encoder.layer) == settings.num_encoder_layers
    assert len(spec.decoder.layer) == settings.num_decoder_layers
    assert spec.encoder.layer[0].self_attention.linear[0].weight.shape == (3 * settings.d_model, settings.d_model)
    assert spec.decoder.layer[0].attention.linear[1].weight.shape == (2 * settings.d_model, settings.d_model)
    assert spec.encoder.position_encodings.encodings.shape == (settings.max_len, settings.d_model)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (encoder_decoder(positions="alibi"), ["model.positions is alibi"]),
        (encoder_decoder(qk_norm=True), ["model.qk_norm is true"]),
        (encoder_decoder(qk_norm=True, positions="alibi"), ["model.qk_norm is true", "model.positions is alibi"]),
        (decoder_only(positions="alibi", num_heads=6, d_model=36), ["model.num_heads is 6"]),
        (
            encoder_decoder(positions="relative", num_kv_heads=2),
            ["model.positions is relative", "model.num_kv_heads is 2"],
        ),
        (decoder_only(output_bias=True), ["model.output_bias is true"]),
        (RNNSettings(), ["model.architecture is rnn"]),
    ],
)
def test_what_cannot_be_expressed_is_named_with_what_could(settings: Any, named: list[str]) -> None:
    messages = [str(feature) for feature in unsupported_features(settings)]
    assert len(messages) == len(named)
    for text, start in zip(messages, named, strict=True):
        assert text.startswith(start)
        assert "accepted: " in text
