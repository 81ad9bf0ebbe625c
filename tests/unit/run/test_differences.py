"""What a stored run was begun with is compared part by part with what is wanted now."""

from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings
from seqloom.recipes import Recipe, load_recipe
from seqloom.run.differences import Wanted, find_differences
from seqloom.run.info import write_info
from seqloom.training import Budget
from tests.run_info import make_corpus_info, make_run_info


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("rnn-tiny")


@pytest.fixture
def stored(tmp_path: Path, recipe: Recipe) -> Path:
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    write_info(tmp_path, make_run_info(seed=3, corpus=make_corpus_info(fingerprint="f")))
    return tmp_path


def test_the_same_run_does_not_differ(stored: Path, recipe: Recipe) -> None:
    moved = recipe.model_copy(update={"corpus": CorpusSettings(data="elsewhere.tsv")})
    assert find_differences(stored, Wanted(moved, Budget(steps=300), "f", "0" * 64, 3)) == []
    assert find_differences(stored, Wanted()) == []


def test_each_part_is_named(stored: Path, recipe: Recipe) -> None:
    other = load_recipe(recipe, {"model": {"d_model": 8}, "training": {"warmup_steps": 5}})
    found = find_differences(stored, Wanted(other, Budget(minutes=1), "g", "1", 0))
    assert [(item.part, item.name) for item in found] == [
        ("recipe", "model.d_model"),
        ("recipe", "training.warmup_steps"),
        ("budget", "the budget"),
        ("corpus", "the corpus"),
        ("tokenizer", "the tokenizer"),
        ("seed", "--seed"),
    ]
    assert (found[2].stored, found[2].wanted) == (Budget(steps=300), Budget(minutes=1))
