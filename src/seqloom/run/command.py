"""Command lines that reproduce runs: the options of a corpus, a budget and changed settings, and the whole command."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqloom.config import leaves
from seqloom.corpus.settings import CorpusSettings
from seqloom.messages import command_line, counted, option
from seqloom.recipes import load_recipe, recipe_names
from seqloom.run.load import Run

_WORD = re.compile(r"[A-Za-z][\w./-]*")
# Words that YAML reads as something else than text.
_YAML_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def training_command(run: Run) -> str | None:
    """The command that trains the run again: with the named recipe and its changes, or else with the run's recipe.yaml.

    None if the run does not say how long it was trained, or began from the weights of another run. A budget of minutes gives
    another number of steps on another machine, so the number of steps is added as a comment.
    """
    info, corpus = run.info, run.recipe.corpus
    by_counting = run.model.fitted_by_counting
    if not (info.budget or by_counting) or corpus is None or info.started_from:
        return None
    named = run.recipe.name in recipe_names()
    words: list[str | Path] = ["train", run.recipe.name if named else run.folder / "recipe.yaml"]
    words += corpus_options(corpus)
    words += budget_options(info.budget)
    words += ["--seed", str(info.seed)] if info.seed else []
    changes = _changes(run) if named else []
    words += ["--set", *changes] if changes else []
    words += ["--out", run.folder]
    says_steps = info.result is not None and "steps" not in info.budget and not by_counting
    reached = f"  # {counted(info.result.steps, 'step')}" if info.result and says_steps else ""
    return f"{command_line(*words)}{reached}"


def _changes(run: Run) -> list[str]:
    """How the run's recipe differs from the named one."""
    ours, theirs = (
        dict(leaves(recipe.model_copy(update={"corpus": None}).model_dump(mode="json")))
        for recipe in (run.recipe, load_recipe(run.recipe.name))
    )
    return assignments({name: value for name, value in ours.items() if name not in theirs or theirs[name] != value})


def corpus_options(corpus: CorpusSettings) -> list[str | Path]:
    """The data options of a command line: the settings that are not the defaults."""
    words: list[str | Path] = []
    for name, value in corpus.command_options().items():
        words += option(name.replace("_", "-"), value)
    return words


def budget_options(budget: Mapping[str, Any]) -> list[str | Path]:
    """The options of a budget, such as `--steps 300`."""
    words: list[str | Path] = []
    for name, value in budget.items():
        words += option(name, value)
    return words


def assignments(changes: Mapping[str, Any]) -> list[str]:
    """Changed settings, nested or with dotted names, as the words of `--set`."""
    return [f"{name}={_text(value)}" for name, value in leaves(changes)]


def _text(value: Any) -> str:
    """A value as YAML text: words without quotes, all other texts in quotes."""
    plain = isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _YAML_WORDS
    return value if plain else json.dumps(value)
