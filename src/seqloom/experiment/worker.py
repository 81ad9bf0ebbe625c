"""The work of one process for a runner: trains a run if it is not finished, decodes its tests, and calls its probes.

The input is an ArmRun; its results are files in the run's folder, each written completely or not at all. So no finished work is
lost when a runner is stopped.
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

from seqloom.corpus import Corpus, CorpusSettings, SentencePair, open_corpus
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
        may_diverge: for trials of learning rates: if training fails, the run stays unfinished and no error is raised.
    """

    arm: Arm
    seed: int
    folder: Path
    may_diverge: bool = False


def prepare_process() -> None:
    """Sets one thread, since one process for each core is faster than one process with many threads. Training handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def perform(task: ArmRun) -> None:
    """Does the unfinished parts of a task: training, outputs of tests, probes."""
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
            pairs = _pairs(corpus, test)
            with torch.inference_mode():
                outputs = generate_outputs(run.generator(), pairs)
            write_json(outputs_file(folder, test, arm), asdict(outputs))
        for probe in probes:
            write_json(probe_file(folder, probe), find_function(probe)(run, corpus))
    gc.collect()


def is_trained(folder: Path) -> bool:
    """Whether the folder contains a finished run."""
    return (folder / "run.json").exists() and read_info(folder).result is not None


def outputs_file(folder: Path, test: Test, arm: Arm) -> Path:
    """The file of the outputs for a test."""
    count = "all" if test.sentences is None else test.sentences
    return folder / "outputs" / f"{test.split}-{count}-beam{arm.recipe.decoding.beam}.json"


def test_texts(arm: Arm, test: Test) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sources and the references of a test."""
    return _test_texts(arm.corpus.model_dump_json(), test)


def probe_file(folder: Path, probe: str) -> Path:
    """The file of a probe's values."""
    return folder / "probes" / f"{probe.rpartition('.')[2].replace(':', '-')}.json"


def find_function(name: str) -> Callable[..., Any]:
    """The function with the name "module:name"; processes exchange such names instead of functions."""
    module, _, function = name.partition(":")
    results: Callable[..., Any] = getattr(import_module(module), function)
    return results


@lru_cache(maxsize=16)
def _test_texts(corpus: str, test: Test) -> tuple[tuple[str, ...], tuple[str, ...]]:
    pairs = _pairs(_corpus(corpus), test)
    return tuple(pair.src for pair in pairs), tuple(pair.tgt for pair in pairs)


def _pairs(corpus: Corpus, test: Test) -> list[SentencePair]:
    return list(islice(corpus.tests[test.split].pairs(), test.sentences))


@lru_cache(maxsize=4)
def _corpus(settings: str) -> Corpus:
    return open_corpus(CorpusSettings.model_validate_json(settings))


_PREPARED: dict[tuple[str, str], Prepared] = {}


def _prepared(arm: Arm) -> Prepared:
    """The arm's corpus, encoded; cached in the process for arms with the same corpus and tokenizer."""
    key = (arm.corpus.model_dump_json(), arm.recipe.tokenizer.model_dump_json())
    if key not in _PREPARED:
        if len(_PREPARED) >= 4:
            _PREPARED.pop(next(iter(_PREPARED)))
        _PREPARED[key] = prepare(_corpus(key[0]), arm.recipe)
    return _PREPARED[key]
