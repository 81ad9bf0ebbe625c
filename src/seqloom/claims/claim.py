"""Claim: a published statement about recurrent networks or Transformers, and the experiment that tests it.

Each module in `catalogue/` defines one, as CLAIM; to add a claim, add a module. Its `study` takes an experiment runner and a
protocol and returns a Finding; the module `rule` turns this into a verdict.
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
    """The budgets at which a claim about quality is tested at effort "ladder". Each budget is a rung of the ladder.

    Attributes:
        steps: updates of each run, the shortest first. The ladder ends at the first rung at which all arms have converged.
        seeds: the planned numbers of seeds. At the last rung, seeds are added up to the next number until the interval decides.
        learned: an arm has learned its training distribution if its score is at least this; None if the task has no known ceiling.
        options: options of the study that differ from those at standard effort.
        settings: nested settings of all arms' recipes that differ from the recipes, because convergence needs them.
        models: settings of the model that differ, by the name of a recipe.
        most_rates: the largest number of learning rates that an arm may try if the best one is at the edge of its grid.
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
        description: what is done, in sentences that are shown to people.
        seeds: the number of runs of each arm, or of rounds of each measurement.
        steps: updates of each run; 0 if nothing is trained.
        ladder: the budgets at effort "ladder"; None at other efforts.
        options: other values that the study reads: lengths, sizes, numbers of sentences.
    """

    description: str
    seeds: int = 3
    steps: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    ladder: Ladder | None = None

    def __getitem__(self, name: str) -> Any:
        """The value of an option; a missing option is a KeyError."""
        return self.options[name]

    def changes(self, recipe: str, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The nested settings of an arm: the ladder's for all arms, over them the ladder's for this recipe, over both `own`."""
        if self.ladder is None:
            return dict(own or {})
        of_recipe = {"model": dict(self.ladder.models.get(recipe, {}))}
        return merge(merge(dict(self.ladder.settings), of_recipe), own or {})


@dataclass(frozen=True)
class Finding:
    """The results of a study. The first question gives the effect and the interval of the verdict."""

    questions: tuple[Question, ...]
    charts: tuple[Chart, ...]
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A statement, its source, and the results that would support or contradict it.

    Attributes:
        number: its number in the catalogue, from 1.
        name: its name on the command line.
        statement: one sentence that experiments can contradict.
        source: the paper and section that make the statement.
        published: the published figure, which reports show next to the verdict.
        against: known counter-evidence, or a reason to expect some.
        supports, contradicts: the results that would support or contradict it.
        protocols: by effort; a claim without "quick" shows its recorded verdict there. "quick" is for claims that minutes decide.
        study: runs the experiment.
        ladder: the budgets at effort "ladder"; None for claims about costs, which do not depend on what a model has learned.
        takes_data: whether it can be tested on the user's own corpus.
        reasons: known reasons why the recorded verdict differs from the published result; empty if it does not differ.
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
        """How the claim is tested at an effort; None if it has no protocol for it."""
        if effort != "ladder":
            return self.protocols.get(effort)
        if self.ladder is None:
            return None
        standard, ladder = self.protocols["standard"], self.ladder
        budgets = ", ".join(f"{steps:,}" for steps in ladder.steps)
        return replace(
            standard,
            description=f"Budgets of {budgets} updates, up to where all arms have converged. "
            f"{ladder.seeds[0]} to {ladder.seeds[-1]} seeds, until the interval decides. "
            "Three learning rates, and more where the best is at the edge. "
            f"Otherwise as at standard effort: {standard.description}",
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
