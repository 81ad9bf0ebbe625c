"""The named recipes, and what is said of a wrong one."""

from pathlib import Path

import pytest

from seqloom.errors import ConfigError
from seqloom.models import make_model
from seqloom.recipes import load_recipe, load_recipes, recipe_names
from seqloom.vocabulary import Vocabulary

LANGUAGE_MODELS = ("transformer-lm-tiny", "gpt2-tiny", "rnn-lm-tiny")
TINY = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny", "fixed-mixer-tiny", *LANGUAGE_MODELS)
PAPERS = ("sutskever2014", "bahdanau2015", "luong2015", "vaswani2017-base", "vaswani2017-big")
FAST = ("multi30k-fast",)
FORECAST = ("forecast-tiny", "forecast-lm-tiny", "forecast-rnn-tiny")
COUNTING = ("ngram", "ngram-subwords")


def test_the_named_recipes_are_all_there() -> None:
    assert set(recipe_names()) == {*TINY, *PAPERS, *FAST, *FORECAST, *COUNTING}


@pytest.mark.parametrize("name", recipe_names())
def test_a_named_recipe_says_what_it_follows_and_survives_being_saved(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.follows
    assert recipe.departs
    saved = tmp_path / "recipe.yaml"
    saved.write_text(recipe.to_yaml())
    assert load_recipe(saved) == recipe


@pytest.mark.parametrize("vocab_size", [400, 4000, 8000])
def test_the_tiny_recipes_have_equally_many_parameters(vocab_size: int) -> None:
    vocab = Vocabulary(vocab_size, vocab_size, shared=True)
    sizes = {name: make_model(load_recipe(name).model, vocab).num_parameters() for name in TINY}
    assert max(sizes.values()) <= 1.05 * min(sizes.values()), sizes


@pytest.mark.parametrize("vocab_size", [68, 400, 4000, 8000])
def test_language_models_have_equally_many_parameters(vocab_size: int) -> None:
    vocab = Vocabulary(vocab_size, vocab_size, shared=True)
    sizes = {name: make_model(load_recipe(name).model, vocab).num_parameters() for name in LANGUAGE_MODELS}
    assert max(sizes.values()) <= 1.05 * min(sizes.values()), sizes


def test_language_models_are_trained_alike_on_their_likelihood_alone() -> None:
    settings = {name: load_recipe(name).training for name in LANGUAGE_MODELS}
    assert settings["gpt2-tiny"] == settings["rnn-lm-tiny"] == settings["transformer-lm-tiny"]
    assert settings["gpt2-tiny"].label_smoothing == 0


def test_the_language_model_has_the_shape_of_qwen3() -> None:
    model = load_recipe("transformer-lm-tiny").model.model_dump()
    shape = {"norm": "rms", "positions": "rotary", "qk_norm": True, "gated": True, "activation": "silu", "bias": False}
    assert {name: model[name] for name in shape} == shape
    assert model["num_heads"] == 2 * model["num_kv_heads"]
    assert model["tied_embeddings"] == "all"
    assert not model["embedding_scale"]


def test_the_transformer_is_what_its_paper_says() -> None:
    model = make_model(load_recipe("vaswani2017-base").model, Vocabulary(37000, 37000, shared=True))
    # Table 3: 65 million parameters.
    assert 62e6 < model.num_parameters() < 66e6


def test_transformer_tiny_is_the_size_that_others_rely_on() -> None:
    model = load_recipe("transformer-tiny").model.model_dump()
    sizes = {"num_encoder_layers": 4, "num_decoder_layers": 4, "d_model": 128, "d_ff": 256, "num_heads": 4}
    assert {name: model[name] for name in sizes} == sizes
    assert model["tied_embeddings"] == "all"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["model.droput=0.1"], "--set: unknown key 'model.droput'. Did you mean 'dropout'?"),
        (["model.d_model=130"], "130 cannot be divided among 4 heads"),
        (["model.architecture=rnn"], "unknown key"),
        (["tokenizer.joint=false"], "set model.tied_embeddings to output"),
        (
            ["tokenizer.joint=false", "model.tied_embeddings=output", "training.bidirectional=0.4"],
            "set tokenizer.joint to true, or training.bidirectional to 0",
        ),
        (["training.learning_rate=-1"], "training.learning_rate is -1"),
        (["tokenizer.kind=words", "tokenizer.dropout=0.1"], "dropout leaves out merges of a bpe tokenizer"),
        (["decoding.top_k=5"], "would be ignored"),
        (["training.validation_sentences=0"], "set select_by to loss"),
    ],
)
def test_wrong_changes_are_told(changes: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe("transformer-tiny", changes)
    assert told in str(caught.value)


def test_attention_settings_that_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="Bahdanau's attention has its own"):
        load_recipe("attention-rnn-tiny", ["model.attention=bahdanau", "model.score=dot"])
    with pytest.raises(ConfigError, match="leave input_feeding out"):
        load_recipe("attention-rnn-tiny", ["model.attention=bahdanau", "model.input_feeding=true"])


def test_an_unknown_recipe_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'transformer-tiny'"):
        load_recipe("transformer-tini")


def test_a_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("model:\n  architecture: transformer\n  d_modell: 64\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:3: unknown key 'model\.d_modell'\. Did you mean 'd_model'"):
        load_recipe(path)
    path.write_text("model: {architecture: transformer, d_model: 64}\n")
    assert load_recipe(path).name == "mine"


@pytest.mark.parametrize("name", COUNTING)
def test_a_model_that_counts_takes_no_settings_of_training(name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"training\.window and training\.learning_rate would be ignored: .* fitted by counting"
    ):
        load_recipe(name, ["training.learning_rate=0.1", "training.window=64"])
    with pytest.raises(ConfigError, match=r"tokenizer\.dropout would be ignored"):
        load_recipe(name, ["tokenizer.kind=bpe", "tokenizer.dropout=0.1"])
    assert load_recipe(name, ["training.tensorboard=true"]).training.tensorboard


def test_a_change_reaches_the_recipes_that_have_the_setting() -> None:
    changes = ["model.d_model=64", "training.window=32", "tokenizer.min_frequency=2"]
    [counting, neural], notes = load_recipes(["ngram", "rnn-lm-tiny"], changes)
    assert counting.tokenizer.min_frequency == neural.tokenizer.min_frequency == 2
    assert neural == load_recipe("rnn-lm-tiny", changes)
    assert notes == [
        "--set model.d_model: ngram has no such setting; the other recipes take it",
        "--set training.window: ngram has no such setting; the other recipes take it",
    ]
    assert load_recipes(["ngram", "rnn-lm-tiny"], {"tokenizer": {"min_frequency": 2}})[1] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.d_modell=64"], r"unknown key 'model\.d_modell'"),
        (["model.d_model=-1"], r"model\.d_model is -1"),
        (["model.order=0"], r"model\.order is 0"),
    ],
)
def test_a_change_that_is_wrong_for_all_recipes_is_an_error(changes: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipes(["ngram", "rnn-lm-tiny"], changes)
