"""Recipe: the settings of corpus, tokenizer, model, training and decoding; named recipes are YAML files in this folder.

`load_recipe` turns a name or a file into validated settings. Nothing here trains.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, field_validator, model_validator

from seqloom.arguments import check_changes, check_type
from seqloom.config import Settings, leaves, merge, nearest, nest, parse_assignments, read_yaml
from seqloom.corpus.settings import CorpusSettings
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import ConfigError, UnknownKeyError
from seqloom.messages import listed
from seqloom.models import ModelSettings, model_class
from seqloom.tasks import AnyTaskSettings
from seqloom.tokenizer import TokenizerSettings
from seqloom.training import TrainingSettings

# Names that a folder cannot have, that would hide the folder, or that look like an option.
_NO_NAME = re.compile(r"^[.-]|[\x00-\x1f\x7f-\x9f/\\]")
_LONGEST_NAME = 150
# The training settings that have an effect on a model that is fitted by counting.
_OF_COUNTING = {"tensorboard", "across_documents"}


class Recipe(Settings):
    """All settings of a run; saved in the run folder with every default written out."""

    name: str = Field(description="names folders, so it holds no / or \\, and begins with no . or -")
    label: str = Field(description='for people: "Transformer"')
    description: str
    follows: tuple[str, ...] = Field((), description="what of the paper it follows")
    departs: tuple[str, ...] = Field((), description="where it departs from the paper, and why")
    corpus: CorpusSettings | None = None
    task: AnyTaskSettings | None = Field(None, description="for tasks with settings, such as forecasting")
    tokenizer: TokenizerSettings = TokenizerSettings()
    model: ModelSettings
    training: TrainingSettings = TrainingSettings()
    decoding: DecodingSettings = DecodingSettings()

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not name.strip() or _NO_NAME.search(name) or len(name.encode(errors="replace")) > _LONGEST_NAME:
            raise ValueError(
                "a name also names folders: it holds no /, \\ or control characters, begins with no . or -, and has at most "
                f"{_LONGEST_NAME} bytes"
            )
        return name

    @model_validator(mode="after")
    def _fits(self) -> "Recipe":
        if not self.tokenizer.joint and getattr(self.model, "tied_embeddings", None) == "all":
            raise ValueError(
                "model.tied_embeddings all makes source and target embeddings one, but tokenizer.joint is false: "
                "set model.tied_embeddings to output, or tokenizer.joint to true"
            )
        if not self.tokenizer.joint and self.training.bidirectional:
            raise ValueError(
                "training.bidirectional reads targets as sources, which takes one vocabulary for both sides: set tokenizer.joint "
                "to true, or training.bidirectional to 0"
            )
        return self

    @model_validator(mode="after")
    def _none_ignored(self) -> "Recipe":
        if not model_class(self.model).fitted_by_counting:
            return self
        ignored = [
            f"training.{name}"
            for name, value in self.training
            if name not in _OF_COUNTING and value != TrainingSettings.model_fields[name].get_default()
        ]
        ignored += ["tokenizer.dropout"] if self.tokenizer.dropout else []
        if ignored:
            raise ValueError(
                f"{listed(ignored)} would be ignored: a model of the architecture {self.model.architecture} is fitted by counting, "
                "in one pass over the data; leave it out"
            )
        return self

    def reading(self, corpus: CorpusSettings) -> CorpusSettings:
        """The settings of a corpus as the recipe's task reads it."""
        return corpus if self.task is None else self.task.reading(corpus)

    def to_yaml(self) -> str:
        """The recipe as YAML, every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def recipe_names() -> list[str]:
    """The named recipes, in alphabetical order."""
    return sorted(
        file.name.removesuffix(".yaml") for file in files(__package__).iterdir() if file.name.endswith(".yaml")
    )


def load_recipe(recipe: "str | Path | Recipe", changes: Sequence[str] | Mapping[str, Any] = ()) -> Recipe:
    """Loads a recipe by name or from a YAML file, and changes settings.

    Args:
        changes: `["model.dropout=0.1", ...]`, or nested values.

    Raises:
        ConfigError: there is no such recipe, or a setting is wrong.
    """
    check_type(recipe, (str, Path, Recipe), "recipe", "a name, a YAML file, or a Recipe")
    check_changes(changes)
    nested = dict(changes) if isinstance(changes, Mapping) else parse_assignments(list(changes))
    if isinstance(recipe, Recipe):
        return Recipe.parse(merge(recipe.model_dump(mode="json"), nested), source="--set") if nested else recipe
    values, lines, source = _read(recipe)
    if not nested:
        return Recipe.parse(values, source=source, lines=lines)
    # First the file without the changes, so that an error names the right place: the file or a change.
    Recipe.parse(values, source=source, lines=lines)
    return Recipe.parse(merge(values, nested), source="--set")


def load_recipes(
    recipes: "Sequence[str | Path | Recipe]", changes: Sequence[str] | Mapping[str, Any] = ()
) -> tuple[list[Recipe], list[str]]:
    """Loads several recipes with the same changes. A change reaches each recipe that has the setting; at least one must have it.

    An n-gram, for example, has neither a width nor a learning rate.

    Returns:
        The recipes; and for each setting that some of them do not have, a sentence that says so.

    Raises:
        ConfigError: there is no such recipe, no recipe has a setting, or a value is wrong.
    """
    check_changes(changes)
    nested = dict(changes) if isinstance(changes, Mapping) else parse_assignments(list(changes))
    flat = dict(leaves(nested))
    originals = [load_recipe(recipe) for recipe in recipes]
    without = {key: [recipe.name for recipe in originals if not _has_setting(recipe, key, flat[key])] for key in flat}
    loaded = []
    for recipe, original in zip(recipes, originals, strict=True):
        own: dict[str, Any] = {}
        for key, value in flat.items():
            # A setting that no recipe has is left in, and its error names the nearest spelling.
            if original.name not in without[key] or len(without[key]) == len(originals):
                own = merge(own, nest(key, value))
        loaded.append(load_recipe(recipe, own))
    notes = [
        f"--set {key}: {listed(names)} has no such setting; the other recipes take it"
        for key, names in without.items()
        if names
    ]
    return loaded, notes


def _has_setting(recipe: Recipe, key: str, value: Any) -> bool:
    section, _, name = key.partition(".")
    if model_class(recipe.model).fitted_by_counting and (
        (section == "training" and name not in _OF_COUNTING) or key == "tokenizer.dropout"
    ):
        return False
    try:
        load_recipe(recipe, nest(key, value))
    except UnknownKeyError:
        return False
    except ConfigError:
        # The recipe has the setting. Whether the value is right, the changes decide together.
        return True
    return True


def _read(recipe: str | Path) -> tuple[dict[str, Any], dict[str, int], str]:
    name = str(recipe)
    if name in recipe_names():
        path = Path(str(files(__package__).joinpath(f"{name}.yaml")))
        return (*read_yaml(path), f"{name}.yaml")
    path = Path(recipe)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        values, lines = read_yaml(path)
        stem = _NO_NAME.sub("_", path.stem)
        return {"name": stem, "label": stem, "description": f"from {path.name}", **values}, lines, str(path)
    known = recipe_names()
    raise ConfigError(
        f"there is no recipe {name!r}.{nearest(name, known)} Named recipes: {', '.join(known)}; or give a YAML file."
    )
