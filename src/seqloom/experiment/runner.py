"""ExperimentRunner: trains arms, each once, in parallel processes, and measures costs, each in a fresh process.

It takes arms and measurements, and returns finished runs and values. All results are stored in files, so a repeated command reads
them instead of training again. This module does not know claims.
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
from seqloom.experiment.worker import (
    ArmRun,
    find_function,
    outputs_file,
    perform,
    prepare_process,
    probe_file,
    test_texts,
)
from seqloom.files import write_json
from seqloom.progress import Progress, Silent
from seqloom.run.info import RunInfo
from seqloom.training.checkpoint import read_json

Key = TypeVar("Key")

# The most attempts at a measurement while other programs use the processor.
_ATTEMPTS = 3
# A pool waits for each of its processes by a handle, and Windows waits for at most 63 handles at once.
_MOST_ON_WINDOWS = 61
# The least share of a core that a run of one thread must have; below it, its times do not count as undisturbed.
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
        """The run's outputs for a test split; without their texts if the results file stores counts only."""
        test = next(test for test in self.arm.tests if test.split == split)
        file = outputs_file(self.folder, test, self.arm)
        if self.kept is None:
            return read_outputs(file)
        return self.kept.tests[file.stem].with_pairs(*test_texts(self.arm, test))

    def probe(self, name: str) -> Any:
        """The values that a probe returned."""
        file = probe_file(self.folder, name)
        return self.kept.probes[file.stem] if self.kept is not None else read_json(file)

    @property
    def val_loss(self) -> float:
        """The validation loss of the best weights, in nats per token."""
        return min(self.val_losses)

    @property
    def val_losses(self) -> list[float]:
        """The validation loss at each validation, in nats per token, in order."""
        return [point.val_loss for point in self.info.finished.curve]

    @property
    def train_losses(self) -> list[float | None]:
        """The mean training loss between each validation and the one before, in nats per token; None if it is unknown."""
        return [point.train_loss for point in self.info.finished.curve]

    @property
    def val_score(self) -> float | None:
        """The leading metric of the best weights on validation data; None if validation decodes nothing."""
        return min(self.info.finished.curve, key=lambda point: point.val_loss).val_quality


@dataclass(frozen=True)
class Trained:
    """An arm with its runs, one for each seed, and the learning rates that were tried for it."""

    arm: Arm
    runs: tuple[RunRecord, ...]
    trials: tuple[Trial, ...]

    @property
    def val_scores(self) -> tuple[float, ...]:
        """The runs' scores on validation data; empty if validation decodes nothing."""
        scores = [run.val_score for run in self.runs]
        return tuple(score for score in scores if score is not None) if None not in scores else ()

    def audited(self, scores: Sequence[float], measure: str, *, higher_is_better: bool = True) -> AuditedArm:
        """The audit of the arm, with each run's score."""
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
        """The name of the metric in reports."""

    @property
    def higher_is_better(self) -> bool:
        """False if a lower value is better."""

    def value(self, run: RunRecord, split: str) -> float:
        """A run's score on a test split."""


@dataclass
class ExperimentRunner:
    """Trains the arms of a claim's experiment and makes its measurements.

    Attributes:
        folder: runs are in runs/, measurements in measurements/; existing ones are used again.
        rates: learning rates recorded for arms by name, used at quick effort instead of a search.
        corpus: the user's corpus, for claims that accept one.
        workers: processes that train in parallel, one thread each; 0: this process trains, one run after the other.
        middle_rates: by an arm's name the middle of its grid of learning rates, if it is not the arm's own.
        most_rates: how many learning rates an arm may try as long as the best one is at the edge of its grid; 0: only its grid.
        trained: the arms of the claim under test by name, with their runs.
        results: stores finished runs without their folders; their weights are removed.
        requests: the arms of all experiments by `key_without_rate`; measurements must be made while a run has its weights.
        disturbances: for the claim under test, sentences about times that other programs disturbed; no verdict uses such times.
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
        """Trains arms that are not trained yet, and adds all of them with their scores to the audit.

        At quick effort each arm has its recorded learning rate, or the rate recorded for the same model on another corpus, or its
        recipe's. At other efforts its rates are tried with the first seed. The rate with the lowest validation loss is used for the
        other seeds too, and its trial is the run of the first seed.

        Args:
            arms: the arms, by keys of the claim.
            measure: the metric of their scores on the split `test`.
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
        """The values of a measurement, one for each round; each round is a fresh process, and nothing else of the runner runs then.

        Args:
            function: "module:name"; it takes `arguments` and returns plain values.
        """
        results = []
        for number in range(self.seeds or rounds):
            # Values of another machine do not count for this one.
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
        """One round; it is repeated if other programs used the processor, and the least disturbed attempt counts."""
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
        """Records runs whose times were disturbed: other programs used the core of their thread."""
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
        """A trial of a learning rate: it decodes nothing, since the rate may not be chosen, and it may diverge."""
        return ArmRun(replace(arm, tests=(), probes=()), 0, self.store.run_folder(arm, 0), may_diverge=True)

    def _trial_loss(self, arm: Arm) -> float | None:
        """The validation loss of a trial; None if it diverged."""
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
            # The pool gets only as many tasks as run at once, because it would begin the tasks in its queue after Ctrl-C.
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
            # Ctrl-C also reaches the processes: each saves the run that it trains; waiting tasks are not begun.
            pool.shutdown(wait=True, cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise TrainingError(
                    "a process was killed, perhaps because there was not enough memory. Try fewer --workers; the same "
                    "command continues with the unfinished runs."
                ) from None
            raise
        pool.shutdown()

    def _record(self, arm: Arm, seed: int) -> RunRecord:
        folder = self.store.run_folder(arm, seed)
        return RunRecord(arm, seed, folder, self.store.info(folder), self.store.kept(folder))


def _measurement(measured: Any, file: Path) -> tuple[Any, float]:
    """The value, and how many cores other programs used; files of earlier versions do not contain that number."""
    if not isinstance(measured, dict) or "value" not in measured:
        raise CheckpointError(f"{file}: damaged: it contains no value; remove it, and the measurement will be repeated")
    other_cores = measured.get("other_cores", 0.0)
    if not isinstance(other_cores, int | float):
        raise CheckpointError(
            f"{file}: damaged: other_cores is not a number; remove it, and the measurement will be repeated"
        )
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
