"""Preparation: what fits a model is what the model says, and a tokenizer of a large corpus is trained once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from seqloom.corpus.corpus import Corpus, SentencePair, Split
from seqloom.data.store import SelectedExamples
from seqloom.errors import CorpusError
from seqloom.models import make_model
from seqloom.progress import Silent
from seqloom.recipes import Recipe, load_recipe
from seqloom.run import prepare as preparation
from seqloom.run.prepare import prepare
from seqloom.tasks import translation

PAIRS = [SentencePair("a " * (i % 23), "b " * (i % 17)) for i in range(500)]


def _corpus(pairs: Sequence[SentencePair] = PAIRS) -> Corpus:
    def items() -> Iterator[SentencePair]:
        return iter(pairs)

    splits = {
        name: Split(name, "a test", f"{name} {len(pairs)}", items, size=len(pairs)) for name in ("train", "val", "test")
    }
    return Corpus("test", "pairs", splits["train"], splits["val"], {"test": splits["test"]})


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("transformer-tiny", {"model": {"d_model": 8, "d_ff": 8, "num_heads": 1, "max_len": 12}})


@pytest.mark.parametrize("name", ["transformer", "transformer-lm"])
@pytest.mark.parametrize("piece", [7, 10_000])
def test_what_fits_is_what_the_model_says(name: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "_CHUNK_SIZE", piece)
    sizes = {"d_model": 8, "d_ff": 8, "num_heads": 2, "max_len": 20}
    recipe = load_recipe(f"{name}-tiny", {"model": sizes})
    prepared = prepare(_corpus(), recipe)
    model = make_model(recipe.model, prepared.tokenizer.vocab)
    store = prepared.train
    fitting = prepared.task.examples(store, model, recipe, "training", Silent())
    expected = [i for i in range(len(store)) if model.fits(len(store[i].src_ids), len(store[i].tgt_ids))]
    assert isinstance(fitting, SelectedExamples)
    assert fitting.rows.tolist() == expected
    assert 0 < len(expected) < len(store)
    assert [e.tgt_ids.tolist() for e in fitting] == [store[i].tgt_ids.tolist() for i in expected]


def test_nothing_fits(recipe: Recipe) -> None:
    prepared = prepare(_corpus(PAIRS[1:17]), load_recipe(recipe, {"tokenizer": {"kind": "characters"}}))
    model = make_model(recipe.model.model_copy(update={"max_len": 1}), prepared.tokenizer.vocab)
    with pytest.raises(CorpusError, match="no training pair fits into the model's 1 position;"):
        prepared.task.examples(prepared.train, model, recipe, "training", Silent())


def test_the_tokenizer_of_a_large_corpus_is_trained_once(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "_MIN_CACHED_PAIRS", 100)
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path))
    first = prepare(_corpus(), recipe).tokenizer
    (file,) = (tmp_path / "tokenizers").iterdir()
    trained = []
    real = preparation.Tokenizer.train

    def train(*arguments: object, **more: object) -> object:
        trained.append(arguments)
        return real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(preparation.Tokenizer, "train", train)
    assert prepare(_corpus(), recipe).tokenizer.hash == first.hash
    assert not trained
    # Other settings are another tokenizer; a damaged file is trained anew.
    prepare(_corpus(), load_recipe(recipe, {"tokenizer": {"lowercase": True}}))
    file.write_text("{")
    assert prepare(_corpus(), recipe).tokenizer.hash == first.hash
    assert len(trained) == 2
