"""Claim: one thing that is said of recurrent networks and Transformers, and the experiment that tests it.

Each file in `catalogue/` holds one, as CLAIM; adding a claim is adding a file. `study` takes an experiment runner and a protocol
and returns a Finding; `rule` decides what it means.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from seqloom.claims.verdict import Chart, Question
from seqloom.config import nearest
from seqloom.errors import ConfigError
from seqloom.experiment.audit import Effort

if TYPE_CHECKING:
    from seqloom.experiment.runner import ExperimentRunner


@dataclass(frozen=True)
class Protocol:
    """How a claim is tested at one effort.

    Attributes:
        words: what is done, for people.
        seeds: runs of each arm, or rounds of each measurement.
        steps: updates of each run; 0 where nothing is trained.
        options: what else the study reads: lengths, sizes, numbers of sentences.
    """

    words: str
    seeds: int = 3
    steps: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        """The value of an option; a missing option is a KeyError."""
        return self.options[name]


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
        protocols: by effort; a claim without "quick" shows its recorded verdict there.
        study: runs the experiment.
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
    takes_data: bool = False
    reasons: str = ""


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
