"""Training on two processes gives what training on one gives, and ends with a message where it cannot go on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.conftest import SMALL, Cli
from tests.training_ranks import ROOT, Outcome, run_ranks

STEPS = 30
RECIPES = {"transformer-tiny": "pairs.tsv", "transformer-lm-tiny": "text.txt", "attention-rnn-tiny": "pairs.tsv"}
# What differs from run to run.
TIMES = {"seconds", "tokens_per_second"}


def training(recipe: str, data: Path, out: Path, *changes: str, seed: int = 0) -> list[str]:
    options = ["--steps", str(STEPS), "--device", "cpu", "--threads", "1", "--seed", str(seed), "--out", str(out)]
    settings = [*SMALL[recipe], "training.batch_tokens=128", "training.validations=2", "training.accumulate=2"]
    # The recipes have Muon; the language model is trained with AdamW here, so that both are tried.
    window = ["training.window=32", "training.optimizer=adamw"] if recipe == "transformer-lm-tiny" else []
    return ["train", recipe, "--data", str(data), *options, "--set", *settings, *window, *changes]


def weights(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / "weights").glob("*.safetensors"))}


def log(run: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, corpus_folder: Path) -> tuple[Path, dict[str, list[Outcome]]]:
    """Commands on two processes: trainings, and what cannot be trained."""
    folder = tmp_path_factory.mktemp("together")
    pairs, fewer = corpus_folder / "pairs.tsv", folder / "fewer.tsv"
    fewer.write_text("".join(pairs.read_text(encoding="utf-8").splitlines(keepends=True)[:200]), encoding="utf-8")
    tiny = "transformer-tiny"
    commands = {
        recipe: [training(recipe, corpus_folder / data, folder / recipe)] * 2 for recipe, data in RECIPES.items()
    }
    commands |= {
        "uneven": [training(tiny, pairs, folder / "uneven", "training.accumulate=3")] * 2,
        "seed": [training(tiny, pairs, folder / "seed", seed=rank) for rank in range(2)],
        "data": [training(tiny, data, folder / "data") for data in (pairs, fewer)],
        "recipe": [["train", "no-such-recipe", "--data", str(pairs)]] * 2,
        "counting": [["train", "ngram", "--data", str(corpus_folder / "text.txt"), "--device", "cpu"]] * 2,
        "other command": [["show", str(folder / tiny)]] * 2,
    }
    return folder, dict(zip(commands, run_ranks(folder, list(commands.values())), strict=True))


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_train_as_one_does(
    together: tuple[Path, dict[str, list[Outcome]]], recipe: str, cli: Cli, corpus_folder: Path, tmp_path: Path
) -> None:
    folder, outcomes = together
    main, other = outcomes[recipe]
    assert (main.status, other.status) == (0, 0), main.stderr + other.stderr
    # Rank 0 alone prints.
    assert main.stdout == f"{folder / recipe}\n"
    assert "on each of 2 processes" in main.stderr
    assert (other.stdout, other.stderr) == ("", "")
    cli(*training(recipe, corpus_folder / RECIPES[recipe], tmp_path / "alone"))
    assert weights(folder / recipe) == weights(tmp_path / "alone")
    assert log(folder / recipe) == log(tmp_path / "alone")
    assert (folder / recipe / "progress.txt").read_bytes() == (tmp_path / "alone" / "progress.txt").read_bytes()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("uneven", "training.accumulate=3: 2 processes cannot share the 3 batches of an update evenly. Start as many "),
        (
            "uneven",
            "--set training.accumulate=2 training.batch_tokens=192, or --set training.accumulate=4 training.batch_tokens=96",
        ),
        ("seed", "What differs: rank 1: seed."),
        ("data", "What differs: rank 1: data, tokenizer."),
        ("recipe", "no-such-recipe"),
        ("counting", "ngram is fitted by counting, in one process: start it without torchrun"),
    ],
)
def test_an_error_of_all_is_one_message(
    together: tuple[Path, dict[str, list[Outcome]]], command: str, message: str
) -> None:
    main, other = together[1][command]
    assert (main.status, other.status) == (2, 2)
    assert message in main.stderr
    assert main.stderr.count("seqloom: ") == 1
    assert other.stderr == ""


def test_other_commands_run_as_one_process(together: tuple[Path, dict[str, list[Outcome]]]) -> None:
    for outcome in together[1]["other command"]:
        assert outcome.status == 2
        assert "`seqloom show` runs as one process" in outcome.stderr


def ranks_of(agent: int) -> list[psutil.Process]:
    return sorted(psutil.Process(agent).children(), key=lambda process: int(process.environ()["RANK"]))


def test_a_process_that_dies_ends_the_others_and_one_process_goes_on(
    cli: Cli, corpus_folder: Path, tmp_path: Path
) -> None:
    recipe, run = "attention-rnn-tiny", tmp_path / "run"
    often = "training.checkpoint_minutes=0.0001"
    command = training(recipe, corpus_folder / "pairs.tsv", run, often)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "seqloom"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with (tmp_path / "printed").open("wb") as printed:
        agent = subprocess.Popen([*launch, *command], stdout=printed, stderr=printed, env=environment)
        try:
            deadline = time.monotonic() + 90
            while not (run / "progress.txt").exists() or (run / "progress.txt").read_bytes().count(b"\n") < 8:
                assert agent.poll() is None, (tmp_path / "printed").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.005)
            ranks = ranks_of(agent.pid)
            assert len(ranks) == 2
            ranks[1].send_signal(signal.SIGKILL)
            assert agent.wait(timeout=30) != 0
            assert not psutil.wait_procs(ranks, timeout=0)[1]
        finally:
            agent.kill()
            agent.wait()
    message = (tmp_path / "printed").read_text()
    assert message.count("rank 0 of 2: another process of this training ended") == 1
    assert "Traceback" not in message.partition("another process of this training ended")[0]
    cli("train", "--resume", "--out", run, "--device", "cpu")
    cli(*training(recipe, corpus_folder / "pairs.tsv", tmp_path / "whole", often))
    assert weights(run) == weights(tmp_path / "whole")
    assert log(run) == log(tmp_path / "whole")
