"""ArmTrainer: what the task tells of a run beside its outputs is made once, and not for a run that has diverged."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from seqloom.comparison.arm_trainer import ArmTrainer
from seqloom.corpus.corpus import Corpus, Document, SentencePair, Split
from seqloom.evaluation import TestOutputs
from seqloom.progress import Silent
from seqloom.tasks import task_of
from seqloom.training import Budget
from tests.text_runs import TEXT, make_text_run

OUTPUTS = TestOutputs(
    sources=("To",), references=(TEXT,), outputs=("",), log_probs=(-1.0,), num_tokens=(1,),
    sentences_per_second=1.0, latency_ms=1.0, notes=(),
)  # fmt: skip


@pytest.fixture
def trainer(tmp_path: Path) -> ArmTrainer:
    return ArmTrainer(tmp_path, Budget(steps=1), 1, "cpu", 1, Silent(), 0.0)


def corpus() -> tuple[Corpus, dict[str, list[SentencePair]]]:
    documents = [Document(TEXT * 9)]
    split = Split("train", "a text", "f", lambda: iter(documents))
    whole = Corpus("a text", "text", split, split, {"test": split})
    return whole, {"test": task_of("text").test_items(split)}


def test_details_are_stored_and_read_again(
    trainer: ArmTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_text_run("ngram")
    run.folder = tmp_path / "run"
    found = trainer.with_details(run, {"test": OUTPUTS}, *corpus())
    assert found["test"].details["num_samples"] >= 1
    monkeypatch.setattr(type(task_of("text")), "report_details", lambda *arguments: pytest.fail("made again"))
    assert trainer.with_details(run, {"test": OUTPUTS}, *corpus())["test"].details == found["test"].details


def test_a_run_that_has_diverged_has_no_details(trainer: ArmTrainer, tmp_path: Path) -> None:
    run = make_text_run("rnn-lm")
    run.folder = tmp_path / "run"
    diverged = replace(OUTPUTS, log_probs=(math.nan,))
    found = trainer.with_details(run, {"test": diverged}, *corpus())
    assert found["test"].details == {}
    assert not list(tmp_path.rglob("*details*"))
