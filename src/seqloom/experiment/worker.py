"""What one process does for a runner: trains a run that is not finished, decodes its tests, and asks its probes.

An ArmRun enters; its results lie in the run's folder, written at once or not at all. So a runner that is stopped loses
nothing that was finished.
"""

import gc
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from seqloom.corpus import Corpus, CorpusSettings, open_corpus
from seqloom.errors import TrainingError
from seqloom.evaluation import generate_outputs
from seqloom.experiment.arms import Arm, Test
from seqloom.files import write_json
from seqloom.run.info import read_info
from seqloom.run.load import load
from seqloom.run.prepare import Prepared, prepare
from seqloom.run.training_run import RunOptions, train_prepared
from seqloom.training import Budget
from seqloom.training.checkpoint import has_checkpoint


@dataclass(frozen=True)
class ArmRun:
    """An arm with one learning rate, trained with one seed.

    Attributes:
        may_diverge: for trials of learning rates: training that fails leaves a run that is not finished, and no error.
    """

    arm: Arm
    seed: int
    folder: Path
    may_diverge: bool = False


def prepare_process() -> None:
    """One thread: as many processes as cores do more than one process with as many threads. Training handles Ctrl-C itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def perform(task: ArmRun) -> None:
    """Does what of the task is not done yet."""
    arm, folder = task.arm, task.folder
    if not is_trained(folder):
        options = RunOptions(
            Budget(steps=arm.steps), folder, task.seed, device="cpu", threads=1, resume=has_checkpoint(folder)
        )
        try:
            train_prepared(arm.recipe, _prepared(arm), options)
        except TrainingError:
            if not task.may_diverge:
                raise
            return
    tests = [test for test in arm.tests if not outputs_file(folder, test, arm).exists()]
    probes = [probe for probe in arm.probes if not probe_file(folder, probe).exists()]
    if tests or probes:
        run = load(folder, device="cpu", threads=1)
        corpus = _corpus(arm.corpus.model_dump_json())
        for test in tests:
            pairs = list(islice(corpus.tests[test.split].pairs(), test.sentences))
            with torch.inference_mode():
                outputs = generate_outputs(run.generator(), pairs)
            write_json(outputs_file(folder, test, arm), asdict(outputs))
        for probe in probes:
            write_json(probe_file(folder, probe), find_function(probe)(run, corpus))
    gc.collect()


def is_trained(folder: Path) -> bool:
    """Whether a finished run lies there."""
    return (folder / "run.json").exists() and read_info(folder).result is not None


def outputs_file(folder: Path, test: Test, arm: Arm) -> Path:
    """Where the outputs for a test lie."""
    count = "all" if test.sentences is None else test.sentences
    return folder / "outputs" / f"{test.split}-{count}-beam{arm.recipe.decoding.beam}.json"


def probe_file(folder: Path, probe: str) -> Path:
    """Where a probe's values lie."""
    return folder / "probes" / f"{probe.rpartition('.')[2].replace(':', '-')}.json"


def find_function(name: str) -> Callable[..., Any]:
    """The function that "module:name" names; plain text crosses to other processes."""
    module, _, function = name.partition(":")
    results: Callable[..., Any] = getattr(import_module(module), function)
    return results


@lru_cache(maxsize=4)
def _corpus(settings: str) -> Corpus:
    return open_corpus(CorpusSettings.model_validate_json(settings))


_PREPARED: dict[tuple[str, str], Prepared] = {}


def _prepared(arm: Arm) -> Prepared:
    """The arm's corpus, encoded; arms that share corpus and tokenizer find it ready."""
    key = (arm.corpus.model_dump_json(), arm.recipe.tokenizer.model_dump_json())
    if key not in _PREPARED:
        if len(_PREPARED) >= 4:
            _PREPARED.pop(next(iter(_PREPARED)))
        _PREPARED[key] = prepare(_corpus(key[0]), arm.recipe)
    return _PREPARED[key]
