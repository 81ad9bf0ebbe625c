"""The plan of a queue: which runs are left, and how many hours of one thread they take, before any of them begins.

Input: claims and a folder; output: a plan, with a row for each claim and budget. The study itself says which arms it trains. A
few updates of each arm are timed on this machine. A run that two claims share counts for the first of them, and a finished run
counts for none. Decoding the tests is not counted: it takes a few percent of the time.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Never

from seqloom.claims.claim import Claim, Ladder
from seqloom.config import merge
from seqloom.experiment.arms import Arm
from seqloom.experiment.results_file import ResultsFile
from seqloom.experiment.run_store import RunStore
from seqloom.experiment.runner import ExperimentRunner
from seqloom.experiment.worker import ArmRun, is_trained, perform
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe
from seqloom.run.info import read_info

BUDGET_HOURS = 30.0
"""The upper limit for the time of all ladders together, in hours of one thread."""
TIMED_UPDATES = 16
"""Updates of each arm that are timed; the first half does not count, since kernels are chosen and memory is allocated there."""

_HOUR = 3600.0


class _ArmsKnownError(Exception):
    """Ends a study as soon as its arms are known."""


@dataclass
class ArmCollector(ExperimentRunner):
    """A runner that collects the arms of a study instead of training them."""

    collected: list[Arm] = field(default_factory=list)

    def train(self, arms: Mapping[Any, Arm], **options: Any) -> Never:
        """Keeps the arms, and ends the study."""
        self.collected = list(arms.values())
        raise _ArmsKnownError


def arms_of(claim: Claim, steps: int) -> list[Arm]:
    """The arms that a claim trains at a budget of its ladder; each still has all its learning rates."""
    protocol = claim.protocol_at("ladder")
    assert protocol is not None
    collector = ArmCollector(Path(), "ladder")
    try:
        claim.study(collector, replace(protocol, steps=steps))
    except _ArmsKnownError:
        return collector.collected
    raise AssertionError(f"{claim.name}: the study trains nothing")


def requests_of(claims: Iterable[Claim]) -> dict[str, list[Arm]]:
    """The arms of all ladders by `key_without_rate`: all tests and probes that a run needs before its weights are removed."""
    results: dict[str, list[Arm]] = {}
    for claim in claims:
        for steps in claim.ladder.steps if claim.ladder is not None else ():
            for arm in arms_of(claim, steps):
                results.setdefault(arm.key_without_rate, []).append(arm)
    return results


@dataclass(frozen=True)
class PlannedRung:
    """A budget of a claim's ladder.

    Attributes:
        seeds: the smallest and the largest number of runs of each arm.
        runs: the unfinished runs, with the smallest number of seeds and each arm's own learning rates.
        hours: the hours of one thread for these runs.
        most_hours: an upper limit, with the largest numbers of seeds and of learning rates.
    """

    claim: str
    number: int
    steps: int
    arms: int
    seeds: tuple[int, int]
    runs: int
    hours: float
    most_hours: float


def plan_queue(
    claims: Sequence[Claim],
    folder: Path,
    *,
    results: ResultsFile | None = None,
    seconds: "Mapping[str, float] | None" = None,
    progress: Progress | None = None,
) -> list[PlannedRung]:
    """The unfinished runs of the ladders of claims, in the order of the claims.

    Args:
        folder: the folder of the queue; finished runs in it are not counted.
        results: finished runs without folders, which are not counted either.
        seconds: the seconds of an update by `cost_key`; None: they are measured, which takes some minutes.
    """
    laddered = [(claim, claim.ladder) for claim in claims if claim.ladder is not None]
    if seconds is None:
        seconds = time_updates(
            [arm for claim, ladder in laddered for arm in arms_of(claim, ladder.steps[-1])], progress
        )
    store, counted = RunStore(folder, results), set[Path]()
    return [
        _planned(claim, ladder, steps, store, seconds, counted) for claim, ladder in laddered for steps in ladder.steps
    ]


def _planned(
    claim: Claim, ladder: Ladder, steps: int, store: RunStore, seconds: Mapping[str, float], counted: set[Path]
) -> PlannedRung:
    arms = arms_of(claim, steps)
    # Only the last budget gets more seeds.
    seeds = (ladder.seeds[0], ladder.seeds[-1] if steps == ladder.steps[-1] else ladder.seeds[0])
    runs, hours, most_hours = 0, 0.0, 0.0
    for arm in arms:
        duration = steps * seconds[cost_key(arm)] / _HOUR
        left = [run for run in _runs(arm, seeds[0], store) if run not in counted and not _is_over(store, run)]
        counted.update(left)
        more = max(0, ladder.most_rates - len(arm.rates)) + seeds[1] - seeds[0]
        runs += len(left)
        hours += len(left) * duration
        # Additional runs of an arm that several claims share are counted for each claim, so this is an upper limit.
        most_hours += (len(left) + (more if left else 0)) * duration
    return PlannedRung(claim.name, claim.number, steps, len(arms), seeds, runs, hours, most_hours)


def _is_over(store: RunStore, run: Path) -> bool:
    """Whether a run has finished, or is known to diverge."""
    return store.kept(run) is not None or is_trained(run)


def _runs(arm: Arm, seeds: int, store: RunStore) -> Iterator[Path]:
    """The folders of an arm's runs: seed 0 at each rate, and the other seeds at the best rate, here taken to be the middle one."""
    middle = arm.rates[len(arm.rates) // 2]
    for rate in arm.rates:
        yield store.run_folder(arm.at_rate(rate), 0)
    for seed in range(1, seeds):
        yield store.run_folder(arm.at_rate(middle), seed)


def cost_key(arm: Arm) -> str:
    """A key of all that the time of an update depends on: the recipe and the data, not the budget."""
    return f"{arm.recipe.name}\n{arm.recipe.model.model_dump_json()}\n{arm.corpus.model_dump_json()}"


def time_updates(arms: Sequence[Arm], progress: Progress | None = None) -> dict[str, float]:
    """Seconds of an update of each arm on one thread, with its share of the validations, by `cost_key`.

    Only seconds in which the thread computed are counted, so that other programs make little difference.
    """
    progress = progress or Silent()
    different = {cost_key(arm): arm for arm in arms}
    results = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        for number, (key, arm) in enumerate(different.items()):
            progress.update(f"timing {len(different)} arms", number / len(different), status=arm.label)
            results[key] = _time_updates(arm, Path(directory) / str(number))
    return results


def _time_updates(arm: Arm, folder: Path) -> float:
    timed = {"training": {"validations": 2, "validation_sentences": 0, "warmup_steps": 0}}
    recipe = Recipe.parse(merge(arm.recipe.model_dump(mode="json"), timed), source=arm.name)
    short = replace(arm, recipe=recipe, steps=TIMED_UPDATES, tests=(), probes=())
    perform(ArmRun(short, 0, folder))
    result = read_info(folder).finished
    first, second = result.curve
    update = (second.seconds - first.seconds) / (second.step - first.step)
    validation = result.validation_seconds / len(result.curve)
    return result.processor_share * (update + arm.recipe.training.validations * validation / arm.steps)
