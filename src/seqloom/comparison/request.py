"""CompareRequest: the arguments of a comparison; checks types and limits, and builds the command that reproduces it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from seqloom.arguments import MAX_BEAM, check_changes, check_threads, check_type, shown, whole_number
from seqloom.comparison.arm_results import ArmRuns
from seqloom.corpus import CorpusSettings
from seqloom.errors import ConfigError
from seqloom.messages import command_line
from seqloom.recipes import Recipe
from seqloom.run.command import assignments, budget_options, corpus_options
from seqloom.run.train import DEFAULT_BUDGET
from seqloom.training import Budget

DEFAULT_RECIPES = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny")

Tune = Literal["none", "quick"]


@dataclass(frozen=True)
class CompareRequest:
    """The arguments of `compare` that decide its results.

    Raises:
        ConfigError: an argument has a wrong type or is out of range.
    """

    recipes: Sequence[str | Path | Recipe] | None
    budget: Budget | None
    seeds: int
    tune: Tune
    also: Mapping[str, Path] | None
    changes: Sequence[str] | Mapping[str, Any]
    beam: int | None
    threads: int | None
    curve: bool = False

    def __post_init__(self) -> None:
        if self.recipes is not None and (isinstance(self.recipes, str) or not isinstance(self.recipes, Sequence)):
            raise ConfigError(
                f"recipes is {shown(self.recipes)}: expected a list of recipes, such as ['rnn-tiny', 'my.yaml']"
            )
        if self.budget is not None:
            check_type(self.budget, Budget, "budget", "a Budget, such as seqloom.Budget(steps=1000)")
        whole_number(self.seeds, "seeds", least=1)
        if self.tune not in get_args(Tune):
            raise ConfigError(f"tune is {shown(self.tune)}: expected 'none' or 'quick'")
        if self.also is not None:
            check_type(self.also, Mapping, "also", "a mapping of names to files")
        check_changes(self.changes)
        if self.beam is not None:
            whole_number(self.beam, "beam", least=1, most=MAX_BEAM)
        check_threads(self.threads)
        check_type(self.curve, bool, "curve", "True or False")

    @property
    def chosen_recipes(self) -> list[str | Path | Recipe]:
        """The recipes; by default the three small ones."""
        return list(self.recipes or DEFAULT_RECIPES)

    @property
    def arm_budget(self) -> Budget:
        """The budget of each arm and seed.

        Raises:
            ConfigError: the budget repeats another run.
        """
        budget = self.budget or DEFAULT_BUDGET
        if budget.like is not None:
            raise ConfigError("a comparison gives every arm the same budget; give steps, tokens or minutes")
        return budget

    @property
    def outside_files(self) -> dict[str, Path]:
        """The files with outputs of other systems, by name."""
        return {name: Path(path) for name, path in (self.also or {}).items()}

    def command(self, corpus: CorpusSettings, results: Mapping[str, ArmRuns]) -> str:
        """The command that reproduces the comparison; with --steps if all arms made equally many, so that speed does not matter."""
        recipes = [recipe.name if isinstance(recipe, Recipe) else str(recipe) for recipe in self.chosen_recipes]
        words: list[str | Path] = ["compare", *recipes, *corpus_options(corpus)]
        # A model that is fitted by counting has no steps.
        steps = {run.info.finished.steps for arm in results.values() for run in arm.runs} - {0}
        if self.tune == "none" and len(steps) == 1:
            words += ["--steps", str(steps.pop())]
        else:
            words += budget_options(self.arm_budget.model_dump(exclude_none=True))
        if self.seeds > 1:
            words += ["--seeds", str(self.seeds)]
        if self.tune != "none":
            words += ["--tune", self.tune]
        if self.beam:
            words += ["--beam", str(self.beam)]
        if self.curve:
            words += ["--curve"]
        if self.also:
            words += ["--also", *(f"{name}={path}" for name, path in self.also.items())]
        changes = assignments(self.changes) if isinstance(self.changes, Mapping) else list(self.changes)
        if changes:
            words += ["--set", *changes]
        reached = "; ".join(
            f"{name} {', '.join(format(run.info.finished.steps, ',') for run in arm.runs)}"
            for name, arm in results.items()
        )
        return f"{command_line(*words)}   # steps reached: {reached}"
