"""Claim: one thing that is said of recurrent networks and Transformers, and the experiment that tests it.

Each file in `catalogue/` holds one, as CLAIM; adding a claim is adding a file. `study` takes an experiment runner and a protocol
and returns a Finding; `rule` decides what it means.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from seqloom.claims.verdict import Chart, Question
from seqloom.config import merge, nearest
from seqloom.errors import ConfigError
from seqloom.experiment.audit import Effort

if TYPE_CHECKING:
    from seqloom.experiment.runner import ExperimentRunner


@dataclass(frozen=True)
class Ladder:
    """The budgets at which a claim about quality is asked, at effort "ladder".

    Attributes:
        steps: updates of each run, the shortest first; the ladder ends earlier where all arms have converged.
        seeds: the planned numbers of seeds; at the last rung they are added until the interval decides.
        learned: the score on the training distribution's test from which an arm has learned it; None where there is no ceiling.
        options: what the study reads, where it is not that of standard effort.
        settings: nested settings of every arm's recipe, where convergence needs other ones than the recipe has.
        models: settings of the model by the name of a recipe.
        most_rates: how many learning rates an arm may try when the best one lies at the edge of its grid.
    """

    steps: tuple[int, ...] = (200, 800, 3200, 12800)
    seeds: tuple[int, ...] = (3, 5, 8, 12)
    learned: float | None = None
    most_rates: int = 6
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Protocol:
    """How a claim is tested at one effort.

    Attributes:
        words: what is done, for people.
        seeds: runs of each arm, or rounds of each measurement.
        steps: updates of each run; 0 where nothing is trained.
        ladder: the budgets, at effort "ladder"; None elsewhere.
        options: what else the study reads: lengths, sizes, numbers of sentences.
    """

    words: str
    seeds: int = 3
    steps: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    ladder: Ladder | None = None

    def __getitem__(self, name: str) -> Any:
        """The value of an option; a missing option is a KeyError."""
        return self.options[name]

    def changes(self, recipe: str, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The nested settings of an arm: what the ladder sets for all arms and for this recipe, and over it the study's own."""
        if self.ladder is None:
            return dict(own or {})
        of_recipe = {"model": dict(self.ladder.models.get(recipe, {}))}
        return merge(merge(dict(self.ladder.settings), of_recipe), own or {})


@dataclass(frozen=True)
class Finding:
    """What a study found: the first question leads."""

    questions: tuple[Question, ...]
    charts: tuple[Chart, ...]
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What is said, who says it, and what would settle it.

    Attributes:
        number: its place in the catalogue.
        name: what the command line calls it.
        statement: one sentence that may turn out wrong.
        source: who says so.
        published: the published figure that the verdict stands beside.
        against: known counter-evidence, or the reason why there may be some.
        supports: what would support it; contradicts: what would contradict it.
        protocols: by effort; a claim without "quick" shows its recorded verdict there. "quick" is for claims that minutes decide.
        study: runs the experiment.
        ladder: the budgets at effort "ladder"; None for claims about costs, which do not depend on what a model has learned.
        takes_data: whether it can be tested on the user's own corpus.
        reasons: what is known of why the recorded verdict differs from what was published; empty where it does not.
    """

    number: int
    name: str
    statement: str
    source: str
    published: str
    against: str
    supports: str
    contradicts: str
    protocols: Mapping[Effort, Protocol]
    study: "Callable[[ExperimentRunner, Protocol], Finding]" = field(repr=False)
    ladder: Ladder | None = None
    takes_data: bool = False
    reasons: str = ""

    def protocol_at(self, effort: Effort) -> Protocol | None:
        """How the claim is tested at an effort; None where it is not."""
        if effort != "ladder":
            return self.protocols.get(effort)
        if self.ladder is None:
            return None
        standard, ladder = self.protocols["standard"], self.ladder
        budgets = ", ".join(f"{steps:,}" for steps in ladder.steps)
        return replace(
            standard,
            words=f"Budgets of {budgets} updates, up to where all arms have converged. "
            f"{ladder.seeds[0]} to {ladder.seeds[-1]} seeds, until the interval decides. "
            f"Three learning rates, and more where the best is at the edge. Otherwise as at standard effort: {standard.words}",
            seeds=ladder.seeds[0],
            steps=ladder.steps[0],
            options={**standard.options, **ladder.options},
            ladder=ladder,
        )


@cache
def claims() -> Mapping[str, Claim]:
    """All claims by name, in the catalogue's order."""
    package = import_module("seqloom.claims.catalogue")
    results = [import_module(f"{package.__name__}.{module.name}").CLAIM for module in iter_modules(package.__path__)]
    return {claim.name: claim for claim in sorted(results, key=lambda claim: claim.number)}


def find_claim(name: str) -> Claim:
    """A claim by its name or its number.

    Raises:
        ConfigError: there is none.
    """
    known = claims()
    by_number = {str(claim.number): claim for claim in known.values()}
    if name not in known and name not in by_number:
        raise ConfigError(
            f"there is no claim {name!r}.{nearest(name, list(known))} `seqloom claims list` shows all of them"
        )
    return known.get(name) or by_number[name]
