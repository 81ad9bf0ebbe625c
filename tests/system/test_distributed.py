"""Training on one, two and four processes agrees within rounding; signals, resuming on more processes, minutes, patience."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from seqloom.training.weights import load_weights
from tests.integration.test_distributed import STEPS, log, training, weights
from tests.training_ranks import ROOT, run_ranks

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "seqloom"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbers and their digits in reverse, 240 different ones."""
    path = tmp_path_factory.mktemp("data") / "pairs.tsv"
    numbers = [f"{number * 7919 % 100_000:05}" for number in range(240)]
    path.write_text("".join(f"{' '.join(n)}\t{' '.join(reversed(n))}\n" for n in numbers), encoding="utf-8")
    return path


def test_four_batches_on_one_two_and_four_processes(pairs: Path, tmp_path: Path) -> None:
    runs = {}
    for size in (1, 2, 4):
        folder = tmp_path / str(size)
        folder.mkdir()
        runs[size] = folder / "run"
        command = training("transformer-tiny", pairs, runs[size], "training.accumulate=4")
        for outcome in run_ranks(folder, [[command] * size])[0]:
            assert outcome.status == 0, outcome.stderr
    alone = log(runs[1])
    last = load_weights(runs[1] / "weights" / "last.safetensors")
    for size in (2, 4):
        for line, same in zip(log(runs[size]), alone, strict=True):
            assert line.keys() == same.keys()
            assert {name: line[name] for name in ("step", "tokens", "progress")} == {
                name: same[name] for name in ("step", "tokens", "progress")
            }
            for name in {"loss", "train_loss", "val_loss"} & line.keys():
                assert line[name] == pytest.approx(same[name], rel=1e-5)
        for name, tensor in load_weights(runs[size] / "weights" / "last.safetensors").items():
            # The gradient of a key's bias is zero in theory. Its rounding errors decide its updates, so it differs.
            if not re.search(r"key.*bias|qkv.*bias|in_proj_bias", name):
                torch.testing.assert_close(tensor, last[name], rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize(("size", "stop"), [(2, signal.SIGTERM), (1, signal.SIGINT)])
def test_a_run_that_was_stopped_goes_on_with_two(pairs: Path, tmp_path: Path, size: int, stop: signal.Signals) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    launch = LAUNCH if size == 2 else [sys.executable, "-m", "seqloom"]
    command = [*launch, *training("transformer-tiny", pairs, run)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
    deadline = time.monotonic() + 90
    while not (run / "progress.txt").exists() or (run / "progress.txt").read_bytes().count(b"\n") < 5:
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    first.send_signal(stop)
    _, printed = first.communicate(timeout=30)
    assert first.returncode != 0
    assert printed.count(b"Saved at step") == 1
    steps = (run / "progress.txt").read_bytes().count(b"\n")
    assert steps < STEPS
    assert f"Saved at step {steps}.".encode() in printed
    subprocess.run([*LAUNCH, "train", "--resume", "--out", str(run), "--threads", "1"], check=True, env=ENVIRONMENT)
    run_ranks(tmp_path, [[training("transformer-tiny", pairs, whole)]])
    assert weights(run) == weights(whole)
    assert log(run) == log(whole)


def test_minutes_and_patience_end_all_processes_at_one_step(pairs: Path, tmp_path: Path) -> None:
    in_minutes = training("transformer-tiny", pairs, tmp_path / "minutes")
    at = in_minutes.index("--steps")
    in_minutes[at : at + 2] = ["--minutes", "0.05"]
    # With this rate nothing improves.
    changes = (
        "training.learning_rate=1e-12",
        "training.validations=10",
        "training.patience=2",
        "training.select_by=loss",
    )
    patient = training("transformer-tiny", pairs, tmp_path / "patience", *changes)
    for outcomes in run_ranks(tmp_path, [[in_minutes] * 2, [patient] * 2]):
        assert [outcome.status for outcome in outcomes] == [0, 0], outcomes[0].stderr
    assert log(tmp_path / "minutes")[-1]["progress"] == 1
    assert log(tmp_path / "patience")[-1]["step"] < STEPS
