"""RunStore: where an experiment's runs are: each in a folder, and finished ones also as lines of a results file.

Input: an arm and a seed; output: what is known of the run. With a results file, a finished run needs no folder, and its weights
are removed as soon as its line is written. Without one, folders stay as they are.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from seqloom.corpus import open_corpus
from seqloom.corpus.settings import CorpusSettings
from seqloom.evaluation import read_outputs
from seqloom.experiment.arms import Arm
from seqloom.experiment.results_file import KeptRun, ResultsFile
from seqloom.experiment.worker import ArmRun, is_trained, outputs_file, probe_file
from seqloom.progress import Progress, Silent
from seqloom.run.differences import Wanted, find_differences
from seqloom.run.info import INFO_FILE, RunInfo, read_info
from seqloom.training.checkpoint import read_json


@dataclass
class RunStore:
    """The runs of an experiment.

    Attributes:
        folder: runs lie in runs/.
        results: finished runs, which are read from it and not from their folders; None where folders are kept.
    """

    folder: Path
    results: ResultsFile | None = None
    progress: Progress = field(default_factory=Silent)
    _fingerprints: dict[str, str] = field(default_factory=dict)

    def run_folder(self, arm: Arm, seed: int) -> Path:
        """The folder of a run. Its name says recipe, data, budget and seed, and is the run's name in the results file."""
        return self.folder / "runs" / f"{arm.key}-seed{seed}"

    def kept(self, folder: Path) -> KeptRun | None:
        """The run as it stands in the results file; None where it does not."""
        return self.results.runs.get(folder.name) if self.results is not None else None

    def info(self, folder: Path) -> RunInfo:
        """The content of run.json."""
        kept = self.kept(folder)
        return kept.info if kept is not None else read_info(folder)

    def is_trained(self, folder: Path) -> bool:
        """Whether training has finished; false where it diverged."""
        kept = self.kept(folder)
        return kept.info.result is not None if kept is not None else is_trained(folder)

    def is_done(self, task: ArmRun) -> bool:
        """Whether nothing of a task is left; of a trial that may diverge, a recorded divergence is its end."""
        kept, arm = self.kept(task.folder), task.arm
        if kept is None:
            return self.results is None and _is_done(task)
        if kept.info.result is None:
            return task.may_diverge
        tests = {outputs_file(task.folder, test, arm).stem for test in arm.tests}
        probes = {probe_file(task.folder, probe).stem for probe in arm.probes}
        return tests <= kept.tests.keys() and probes <= kept.probes.keys()

    def keep(self, task: ArmRun, *, ended: bool = False) -> None:
        """Writes a finished run to the results file, if there is one; removes its weights, unless it is a trial that may be chosen.

        Args:
            ended: the task has just been performed: a trial that has no result has diverged.
        """
        if self.results is None:
            return
        arm, folder = task.arm, task.folder
        diverged = ended and task.may_diverge and (folder / INFO_FILE).exists() and not is_trained(folder)
        if not self.is_done(task) and (diverged or _is_done(task)):
            tests = {} if diverged else {file.stem: file for file in (outputs_file(folder, t, arm) for t in arm.tests)}
            probes = {} if diverged else {file.stem: file for file in (probe_file(folder, p) for p in arm.probes)}
            self.results.add(
                folder.name,
                read_info(folder),
                {name: read_outputs(file) for name, file in tests.items()},
                {name: read_json(file) for name, file in probes.items()},
            )
        if self.is_done(task) and (diverged or not task.may_diverge):
            self.remove_weights(folder)

    def remove_weights(self, folder: Path) -> None:
        """Removes the weights and checkpoints of a run that stands in the results file."""
        if self.kept(folder) is None or not folder.is_dir():
            return
        for part in (folder / "weights", *folder.glob("checkpoint-*")):
            shutil.rmtree(part, ignore_errors=True)
        (folder / "checkpoint.json").unlink(missing_ok=True)

    def discard_outdated(self, task: ArmRun) -> None:
        """Discards what was trained on other data than those that are there now, or by another version of a generator.

        A finished run without weights is discarded too where one of its tests or probes is still to be done.
        """
        kept, folder = self.kept(task.folder), task.folder
        what = f"{task.arm.label}, seed {task.seed}"
        if kept is not None and kept.info.corpus.fingerprint != self._fingerprint(task.arm.corpus):
            self.progress.say(f"{what}: its data have changed since it was trained; training it again")
            assert self.results is not None
            self.results.forget(folder.name)
        if not (folder / INFO_FILE).exists():
            return
        if find_differences(folder, Wanted(corpus=self._fingerprint(task.arm.corpus))):
            if kept is None:
                self.progress.say(f"{what}: its data have changed since it was trained; training it again")
            shutil.rmtree(folder)
        elif is_trained(folder) and not (folder / "weights").is_dir() and not self.is_done(task) and not _is_done(task):
            self.progress.say(f"{what}: its weights were removed, and a further test needs them; training it again")
            shutil.rmtree(folder)

    def _fingerprint(self, corpus: CorpusSettings) -> str:
        name = corpus.model_dump_json()
        if name not in self._fingerprints:
            self._fingerprints[name] = open_corpus(corpus).fingerprint
        return self._fingerprints[name]


def _is_done(task: ArmRun) -> bool:
    folder = task.folder
    return (
        is_trained(folder)
        and all(outputs_file(folder, test, task.arm).exists() for test in task.arm.tests)
        and all(probe_file(folder, probe).exists() for probe in task.arm.probes)
    )
