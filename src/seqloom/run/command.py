"""A run -> the command line that trains such a run: what a page about runs says of how they came about."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqloom.messages import command_line, counted, option
from seqloom.recipes import load_recipe, recipe_names
from seqloom.run.load import Run


def training_command(run: Run) -> str | None:
    """By the recipe's name and what was changed in it, or by the run's own recipe.yaml where its recipe has no name.

    None where the run does not say how long it was trained, or began from the weights of another. A budget of minutes reaches
    another number of steps on another machine, so the steps stand behind it.
    """
    info, corpus = run.info, run.recipe.corpus
    if not info.budget or corpus is None or info.started_from:
        return None
    named = run.recipe.name in recipe_names()
    words: list[str | Path] = ["train", run.recipe.name if named else run.folder / "recipe.yaml"]
    for name, value in corpus.command_options().items():
        words += option(name.replace("_", "-"), value)
    for name, value in info.budget.items():
        words += option(name, value)
    words += ["--seed", str(info.seed)] if info.seed else []
    changes = _changes(run) if named else []
    words += ["--set", *changes] if changes else []
    words += ["--out", run.folder]
    reached = f"  # {counted(info.result.steps, 'step')}" if info.result and "steps" not in info.budget else ""
    return f"{command_line(*words)}{reached}"


def _changes(run: Run) -> list[str]:
    """How the run's recipe differs from the named one."""
    ours, theirs = (
        dict(leaves(recipe.model_copy(update={"corpus": None}).model_dump(mode="json")))
        for recipe in (run.recipe, load_recipe(run.recipe.name))
    )
    return [f"{name}={_text(value)}" for name, value in ours.items() if name not in theirs or theirs[name] != value]


def leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as dotted names with their values."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
