"""A run that is really killed goes on, and ends with the same bits as one that never was."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SETTINGS = [
    "model.d_model=32",
    "training.checkpoint_minutes=0.0001",
    "training.validations=3",
    "training.batch_tokens=256",
]
STEPS = 60


def command(corpus: Path, out: Path, recipe: str, *options: str) -> list[str]:
    argv = [
        "train",
        recipe,
        "--data",
        str(corpus),
        "--steps",
        str(STEPS),
        "--out",
        str(out),
        "--threads",
        "1",
        "--device",
        "cpu",
    ]
    return [sys.executable, "-m", "seqloom", *argv, "--set", *SETTINGS, *options]


def steps_logged(run: Path) -> int:
    log = run / "progress.txt"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def stop_at(process: "subprocess.Popen[bytes]", run: Path, step: int, how: signal.Signals) -> None:
    deadline = time.monotonic() + 60
    while steps_logged(run) < step:
        assert process.poll() is None, "ended before it was stopped"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(how)
    process.wait(timeout=60)


def weights(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / "weights").glob("*.safetensors"))}


@pytest.fixture(scope="module", params=["transformer-tiny", "attention-rnn-tiny"])
def never_stopped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, corpus_folder: Path
) -> tuple[str, Path]:
    out = tmp_path_factory.mktemp("whole") / "run"
    subprocess.run(command(corpus_folder / "pairs.tsv", out, request.param), check=True, capture_output=True)
    return request.param, out


def test_killed_and_resumed_is_bit_identical(
    never_stopped: tuple[str, Path], corpus_folder: Path, tmp_path: Path
) -> None:
    recipe, whole = never_stopped
    run = tmp_path / "run"
    start = command(corpus_folder / "pairs.tsv", run, recipe)
    process = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stop_at(process, run, 7, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    resume = [
        sys.executable,
        "-m",
        "seqloom",
        "train",
        "--resume",
        "--out",
        str(run),
        "--threads",
        "1",
        "--device",
        "cpu",
    ]
    # Killed once more, so that going on from what was resumed is tried too.
    process = subprocess.Popen(resume, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stop_at(process, run, 30, signal.SIGKILL)
    done = subprocess.run(resume, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert weights(run) == weights(whole)
    assert steps_logged(run) == STEPS


def test_ctrl_c_saves_and_says_how_to_go_on(corpus_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with (tmp_path / "told").open("wb") as told:
        process = subprocess.Popen(
            command(corpus_folder / "pairs.tsv", run, "rnn-tiny"), stdout=subprocess.DEVNULL, stderr=told
        )
        stop_at(process, run, 5, signal.SIGINT)
    assert process.returncode == 130
    message = (tmp_path / "told").read_text()
    assert f"seqloom train --resume --out {run}" in message
    assert "Traceback" not in message
