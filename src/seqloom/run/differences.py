"""Compares the settings and data of a stored run with those of a request: one check for resuming, comparisons and claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seqloom.config import leaves
from seqloom.recipes import Recipe
from seqloom.run.info import read_info
from seqloom.run.load import read_recipe
from seqloom.training import Budget

Part = Literal["recipe", "budget", "corpus", "tokenizer", "seed"]


@dataclass(frozen=True)
class Wanted:
    """The settings and data that a stored run should have; a part that is None is not compared.

    Attributes:
        recipe: the recipe; paths of data do not count, because the fingerprint compares the data.
        corpus: the fingerprint of the corpus.
        tokenizer: the hash of the tokenizer.
    """

    recipe: Recipe | None = None
    budget: Budget | None = None
    corpus: str | None = None
    tokenizer: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class StoredDifference:
    """A setting in which a stored run differs.

    Attributes:
        part: which part of the run it belongs to.
        name: the setting: a dotted name of the recipe, or the part itself.
    """

    part: Part
    name: str
    stored: Any
    wanted: Any


def find_differences(folder: Path, wanted: Wanted) -> list[StoredDifference]:
    """The differences between the run in a folder and a request; empty if there are none.

    Raises:
        CheckpointError: the folder is not a run, or is damaged.
    """
    info = read_info(folder)
    differences: list[StoredDifference] = []
    if wanted.recipe is not None:
        stored, now = _settings(read_recipe(folder)), _settings(wanted.recipe)
        differences += [
            StoredDifference("recipe", name, stored.get(name), now.get(name))
            for name in dict.fromkeys((*stored, *now))
            if stored.get(name) != now.get(name)
        ]
    if wanted.budget is not None and wanted.budget.model_dump(mode="json", exclude_none=True) != info.budget:
        stored_budget = Budget.parse(info.budget) if info.budget else "one pass, by counting"
        differences.append(StoredDifference("budget", "the budget", stored_budget, wanted.budget))
    if wanted.corpus is not None and wanted.corpus != info.corpus.fingerprint:
        differences.append(StoredDifference("corpus", "the corpus", info.corpus.fingerprint, wanted.corpus))
    if wanted.tokenizer is not None and wanted.tokenizer != info.tokenizer.hash:
        differences.append(StoredDifference("tokenizer", "the tokenizer", info.tokenizer.hash, wanted.tokenizer))
    if wanted.seed is not None and wanted.seed != info.seed:
        differences.append(StoredDifference("seed", "--seed", info.seed, wanted.seed))
    return differences


def _settings(recipe: Recipe) -> Mapping[str, Any]:
    return dict(leaves(recipe.model_copy(update={"corpus": None}).model_dump(mode="json")))
