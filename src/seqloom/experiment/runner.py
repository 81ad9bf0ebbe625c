"""ExperimentRunner: trains arms, each once, in parallel processes, and measures costs, each in a process of its own.

It takes arms and measurements and returns finished runs and values. All of them are files, so a repeated command reads them instead
of training again. This module does not know claims.
"""

import hashlib
import json
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol, TypeVar

import torch

from seqloom import machine
from seqloom.core_sharing import MOST_OTHER_CORES, OtherWork
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import CheckpointError, TrainingError
from seqloom.evaluation import TestOutputs, read_outputs
from seqloom.experiment.arms import Arm
from seqloom.experiment.audit import AuditedArm, Effort
from seqloom.experiment.results_file import KeptRun, ResultsFile
from seqloom.experiment.run_store import RunStore
from seqloom.experiment.tuning import Trial, choose_rate, rate_beyond
from seqloom.experiment.worker import ArmRun, find_function, outputs_file, perform, prepare_process, probe_file
from seqloom.files import write_json
from seqloom.progress import Progress, Silent
from seqloom.run.info import RunInfo
from seqloom.training.checkpoint import read_json

Key = TypeVar("Key")

# How often a measurement is made while other programs use the processor.
_ATTEMPTS = 3
# A pool of processes waits for each of them by a handle, and Windows waits for at most 63 at once.
_MOST_ON_WINDOWS = 61
# Of a core, for a run of one thread: below it, the run's times are not taken for its own.
_LEAST_PROCESSOR_SHARE = 0.9


@dataclass(frozen=True)
class RunRecord:
    """A finished run: its arm, seed and folder, the content of run.json, and its line in the results file, if there is one."""

    arm: Arm
    seed: int
    folder: Path
    info: RunInfo
    kept: KeptRun | None = None

    def outputs(self, split: str = "test") -> TestOutputs:
        """What it made of a test split; without the texts where the results file keeps counts."""
        test = next(test for test in self.arm.tests if test.split == split)
        file = outputs_file(self.folder, test, self.arm)
        return self.kept.tests[file.stem] if self.kept is not None else read_outputs(file)

    def probe(self, name: str) -> Any:
        """The values that a probe returned."""
        file = probe_file(self.folder, name)
        return self.kept.probes[file.stem] if self.kept is not None else read_json(file)

    @property
    def val_loss(self) -> float:
        """Of the weights that were kept, in nats a token."""
        return min(self.val_losses)

    @property
    def val_losses(self) -> list[float]:
        """At each validation, in order."""
        return [point.val_loss for point in self.info.finished.curve]

    @property
    def train_losses(self) -> list[float | None]:
        """The mean before each validation, since the one before it; None where it is unknown."""
        return [point.train_loss for point in self.info.finished.curve]

    @property
    def val_score(self) -> float | None:
        """The leading metric of the weights that were kept; None where validation decodes nothing."""
        return min(self.info.finished.curve, key=lambda point: point.val_loss).val_quality


@dataclass(frozen=True)
class Trained:
    """An arm with its runs, one a seed, and the learning rates that were tried for it."""

    arm: Arm
    runs: tuple[RunRecord, ...]
    trials: tuple[Trial, ...]

    @property
    def val_scores(self) -> tuple[float, ...]:
        """The runs' scores on validation data; empty where validation decodes nothing."""
        scores = [run.val_score for run in self.runs]
        return tuple(score for score in scores if score is not None) if None not in scores else ()

    def audited(self, scores: Sequence[float], measure: str, *, higher_is_better: bool = True) -> AuditedArm:
        """What a reader needs to judge fairness, with each run's score."""
        results = [run.info.finished for run in self.runs]
        recipe = self.runs[0].arm.recipe
        return AuditedArm(
            name=self.arm.name,
            label=self.arm.label,
            parameters=self.runs[0].info.parameters,
            steps=results[0].steps,
            tokens=round(fmean(result.tokens for result in results)),
            train_seconds=round(fmean(result.train_seconds for result in results), 1),
            learning_rate=recipe.training.learning_rate,
            trials=self.trials,
            beam=recipe.decoding.beam,
            measure=measure,
            scores=tuple(scores),
            best=(max if higher_is_better else min)(scores),
            recipe=recipe.to_yaml(),
        )


class Measured(Protocol):
    """A metric that scores a run."""

    @property
    def label(self) -> str:
        """What it measures, for people."""

    @property
    def higher_is_better(self) -> bool:
        """False where less is better."""

    def value(self, run: RunRecord, split: str) -> float:
        """A run's score on a test split."""


@dataclass
class ExperimentRunner:
    """Where a claim's experiment takes place.

    Attributes:
        folder: runs lie in runs/, measurements in measurements/; what is there is used again.
        rates: learning rates recorded for arms by name, used at quick effort instead of a search.
        corpus: the user's own, for claims that take one.
        workers: processes that train in parallel, one thread each; 0: this process trains, one run after the other.
        middle_rates: by an arm's name the middle of its grid of learning rates, where that is not the arm's own.
        most_rates: how many learning rates an arm may try while the best one lies at the edge of its grid; 0: its own grid only.
        trained: the arms of the claim under test by name, with their runs.
        results: keeps finished runs without their folders; their weights are removed.
        requests: of all experiments by an arm's `key_without_rate`; without weights, an arm cannot be asked later.
        disturbances: of the claim under test, sentences on times that other programs took part in; no verdict rests on such times.
    """

    folder: Path
    effort: Effort
    rates: Mapping[str, float] = field(default_factory=dict)
    corpus: CorpusSettings | None = None
    seeds: int | None = None
    workers: int = field(default_factory=machine.available_cores)
    progress: Progress = field(default_factory=Silent)
    most_rates: int = 0
    middle_rates: Mapping[str, float] = field(default_factory=dict)
    audited: dict[str, AuditedArm] = field(default_factory=dict)
    trained: dict[str, Trained] = field(default_factory=dict)
    disturbances: list[str] = field(default_factory=list)
    results: ResultsFile | None = None
    requests: Mapping[str, Sequence[Arm]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = RunStore(self.folder, self.results, self.progress)

    def train(self, arms: Mapping[Key, Arm], *, seeds: int, measure: "Measured") -> dict[Key, Trained]:
        """Trains arms, or finds them trained; and notes them for the audit of fairness, with their scores.

        At quick effort each arm has its recorded learning rate, or what is recorded for the same model on another corpus, or its
        recipe's. Else its rates are tried with the first seed, and the one with the lowest validation loss goes on with the others:
        its trial is the first seed's run.

        Args:
            arms: by what the claim tells them apart by.
            measure: what their scores on the split `test` are.
        """
        seeds = self.seeds or seeds
        tried: dict[Key, tuple[Trial, ...]]
        if self.requests:
            arms = {key: arm.with_requests(self.requests.get(arm.key_without_rate, ())) for key, arm in arms.items()}
        if self.effort == "quick":
            chosen = {key: arm.at_rate(self._known_rate(arm)) for key, arm in arms.items()}
            tried = dict.fromkeys(arms, ())
        else:
            chosen, tried = self._tune(arms)
        self._perform(
            [ArmRun(arm, seed, self.store.run_folder(arm, seed)) for seed in range(seeds) for arm in chosen.values()],
            "runs",
        )
        results = {
            key: Trained(arm, tuple(self._record(arm, seed) for seed in range(seeds)), tried[key])
            for key, arm in chosen.items()
        }
        for item in results.values():
            scores = [measure.value(run, "test") for run in item.runs]
            self.trained[item.arm.name] = item
            self.audited[item.arm.name] = item.audited(scores, measure.label, higher_is_better=measure.higher_is_better)
        return results

    def measure(self, function: str, arguments: Mapping[str, Any], *, rounds: int) -> list[Any]:
        """What a function finds, each round in a fresh process with the machine to itself.

        Args:
            function: "module:name"; it takes `arguments` and returns plain values.
        """
        results = []
        for number in range(self.seeds or rounds):
            # What another machine found says nothing about this one.
            what = json.dumps(
                [
                    function,
                    dict(arguments),
                    number,
                    machine.describe_machine(machine.choose_device("cpu"))["processor"],
                ],
                sort_keys=True,
            )
            name = f"{function.rpartition(':')[2]}-{hashlib.sha256(what.encode()).hexdigest()[:12]}.json"
            file = self.folder / "measurements" / name
            if not file.exists():
                write_json(file, self._measured(function, arguments) | {"round": number})
            value, other_cores = _measurement(read_json(file), file)
            if other_cores > MOST_OTHER_CORES:
                self.disturbances.append(
                    f"Other programs used {other_cores:.1f} cores during a measurement ({name}), also when it was "
                    f"repeated; remove {file} and run the command again on an idle machine."
                )
            results.append(value)
        return results

    def _measured(self, function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One round; it is repeated where other programs used the processor, and the least disturbed attempt counts."""
        attempts = []
        for _ in range(_ATTEMPTS):
            with self._processes(1, fresh=True) as pool:
                value, other_cores = pool.submit(_call, function, dict(arguments)).result()
            attempts.append((other_cores, value))
            if other_cores <= MOST_OTHER_CORES:
                break
        other_cores, value = min(attempts, key=lambda attempt: attempt[0])
        return {
            "function": function,
            "arguments": dict(arguments),
            "value": value,
            "other_cores": round(other_cores, 2),
        }

    def check_times(self, runs: Sequence[RunRecord]) -> None:
        """Notes runs whose times say more of other programs than of the architecture: their thread had not a core to itself."""
        shared = [run for run in runs if run.info.finished.processor_share < _LEAST_PROCESSOR_SHARE]
        if shared:
            least = min(run.info.finished.processor_share for run in shared)
            self.disturbances.append(
                f"Other programs used the processor while {len(shared)} of {len(runs)} runs were trained (one had {least:.0%} of "
                "its core); run the claim again on an idle machine, with an empty --out."
            )

    def _tune(self, arms: Mapping[Key, Arm]) -> tuple[dict[Key, Arm], dict[Key, tuple[Trial, ...]]]:
        arms = {key: arm.around(self.middle_rates.get(arm.name, _middle_rate(arm))) for key, arm in arms.items()}
        trials = {key: [arm.at_rate(rate) for rate in arm.rates] for key, arm in arms.items()}
        self._perform([self._trial(arm) for group in trials.values() for arm in group], "learning rates")
        chosen: dict[Key, Arm] = {}
        tried: dict[Key, tuple[Trial, ...]] = {}
        for key, group in trials.items():
            losses = [self._trial_loss(arm) for arm in group]
            while (beyond := rate_beyond(_rates(group), losses, self.most_rates)) is not None:
                position, rate = beyond
                wider = arms[key].at_rate(rate)
                self._perform([self._trial(wider)], "learning rates")
                group.insert(position, wider)
                losses.insert(position, self._trial_loss(wider))
            best, tried[key] = choose_rate(_rates(group), losses)
            if losses[best] is None:
                raise TrainingError(f"{group[best].label}: training diverges at each learning rate that was tried")
            chosen[key] = group[best]
            for arm in (*group[:best], *group[best + 1 :]):
                self.store.remove_weights(self.store.run_folder(arm, 0))
        return chosen, tried

    def _trial(self, arm: Arm) -> ArmRun:
        """A trial of a learning rate: nothing is decoded, since it may not be chosen; it may diverge."""
        return ArmRun(replace(arm, tests=(), probes=()), 0, self.store.run_folder(arm, 0), may_diverge=True)

    def _trial_loss(self, arm: Arm) -> float | None:
        """The validation loss of a trial; None where it diverged."""
        return self._record(arm, 0).val_loss if self.store.is_trained(self.store.run_folder(arm, 0)) else None

    def _known_rate(self, arm: Arm) -> float:
        model = arm.name.rpartition("/")[0]
        elsewhere = (rate for name, rate in self.rates.items() if name.rpartition("/")[0] == model)
        return self.rates.get(arm.name) or next(elsewhere, arm.recipe.training.learning_rate)

    def _perform(self, tasks: Sequence[ArmRun], what: str) -> None:
        for task in tasks:
            self.store.discard_outdated(task)
            self.store.keep(task)
        todo = [task for task in tasks if not self.store.is_done(task)]
        count, done, pending = len(todo), 0, iter(todo)
        if not todo:
            return
        if self.workers == 0:
            torch.set_num_threads(1)
            for task in todo:
                perform(task)
                self.store.keep(task, ended=True)
                done += 1
                status = f"{task.arm.label}, seed {task.seed}"
                self.progress.update(f"training {count} {what}", done / count, status=status)
            return
        with self._processes(min(self.workers, count)) as pool:
            # No more are handed over than run at once: what lies in the pool's queue would be begun after Ctrl-C.
            running = {pool.submit(perform, task): task for task in islice(pending, self.workers)}
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    future.result()
                    self.store.keep(task, ended=True)
                    done += 1
                    running |= {pool.submit(perform, following): following for following in islice(pending, 1)}
                    status = f"{task.arm.label}, seed {task.seed}"
                    self.progress.update(f"training {count} {what}", done / count, status=status)

    @contextmanager
    def _processes(self, count: int, *, fresh: bool = False) -> Iterator[ProcessPoolExecutor]:
        pool = ProcessPoolExecutor(
            min(count, _MOST_ON_WINDOWS) if sys.platform == "win32" else count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=None if fresh else prepare_process,
        )
        try:
            yield pool
        except BaseException as error:
            # Ctrl-C reaches the processes too: each saves the run that it trains; what waits is not begun.
            pool.shutdown(wait=True, cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise TrainingError(
                    "a process was ended from outside, perhaps because there was not enough memory. Try fewer --workers; the same "
                    "command goes on from what is finished."
                ) from None
            raise
        pool.shutdown()

    def _record(self, arm: Arm, seed: int) -> RunRecord:
        folder = self.store.run_folder(arm, seed)
        return RunRecord(arm, seed, folder, self.store.info(folder), self.store.kept(folder))


def _measurement(measured: Any, file: Path) -> tuple[Any, float]:
    """The value, and how many cores other programs used; files of earlier versions do not say the latter."""
    if not isinstance(measured, dict) or "value" not in measured:
        raise CheckpointError(f"{file}: damaged: it holds no value; remove it, and it will be measured again")
    other_cores = measured.get("other_cores", 0.0)
    if not isinstance(other_cores, int | float):
        raise CheckpointError(f"{file}: damaged: other_cores is no number; remove it, and it will be measured again")
    return measured["value"], float(other_cores)


def _rates(trials: Sequence[Arm]) -> list[float]:
    return [arm.rates[0] for arm in trials]


def _middle_rate(arm: Arm) -> float:
    return arm.rates[len(arm.rates) // 2]


def _call(function: str, arguments: Mapping[str, Any]) -> tuple[Any, float]:
    """The function's value, and how many cores other programs used meanwhile."""
    other_work = OtherWork()
    value = find_function(function)(**arguments)
    return value, other_work.mean_cores()
