"""What went wrong or moved does not end the work: failing arms, moved data, hints that fit the run."""

import json
import shlex
import shutil
from pathlib import Path

import pytest

import seqloom
from seqloom.cli import main
from seqloom.errors import ConfigError
from tests.integration.conftest import BRIEF, Cli, small, train

FAST = ("--steps", "4", "--threads", "1", "--device", "cpu")
BAD = """name: bad
label: Bad
description: its learning rate is far too high
model: {architecture: rnn, d_model: 32, hidden_size: 32}
training: {learning_rate: 1.0e+30, warmup_steps: 0, clip_norm: 0, optimizer: adamw}
"""


def test_a_failing_arm_leaves_the_others(
    corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "bad.yaml"
    recipe.write_text(BAD)
    out = tmp_path / "comparison"
    argv = ["compare", str(recipe), "rnn-tiny", "--data", str(corpus_folder / "pairs.tsv"), *FAST, "--out", str(out)]
    argv += ["--set", *BRIEF, "model.d_model=32"]
    assert main(argv) == 1
    caught = capsys.readouterr()
    assert "Bad, seed 0 FAILED" in caught.err
    assert "FAILED" in caught.out
    found = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert [arm["name"] for arm in found["arms"]] == ["rnn-tiny"]
    assert [failure["arm"] for failure in found["failures"]] == ["bad"]
    assert "FAILED" in (out / "report.html").read_text(encoding="utf-8")
    # Begun again, the failed arm is tried once more and the finished one is kept.
    assert main(argv) == 1
    told = capsys.readouterr().err
    assert "failed before" in told
    assert "already trained" in told


def test_a_comparison_of_nothing_but_failures(corpus_folder: Path, tmp_path: Path, cli: Cli) -> None:
    recipe = tmp_path / "bad.yaml"
    recipe.write_text(BAD)
    told = cli(
        "compare", recipe, "--data", corpus_folder / "pairs.tsv", "--steps", 4, "--out", tmp_path / "c", status=2
    )
    assert "all arms failed" in told


def test_a_moved_run_is_resumed_and_evaluated(corpus_folder: Path, tmp_path: Path, cli: Cli) -> None:
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(corpus_folder / "pairs.tsv", here)
    train(here / "pairs.tsv", "rnn-tiny", here / "run")
    there = here.rename(tmp_path / "it's there")
    assert json.loads(cli("evaluate", there / "run", "--json"))["test"]["scores"]
    cli("train", "--resume", "--out", there / "run")
    assert str(there) in (there / "run" / "recipe.yaml").read_text(encoding="utf-8").replace("''", "'")
    told = cli("train", "--resume", "--out", there / "run", "--steps", 9, "--seed", 3, status=2)
    assert "the run: 6 steps, now: 9 steps" in told
    assert "--seed (the run: 0, now: 3)" in told
    told = cli(
        "train", "--resume", "--out", there / "run", "--data", there / "pairs.tsv", "--overlap", "keep", status=2
    )
    assert "--overlap (the run: drop, now: keep)" in told


def test_hints_fit_a_language_model(corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a language's model"
    argv = ["train", "transformer-lm-tiny", "--data", str(corpus_folder / "text.txt"), *FAST, "--out", str(out)]
    assert main([*argv, *small("transformer-lm-tiny")]) == 0
    lines = capsys.readouterr().err.splitlines()
    hints = [shlex.split(line.partition(": ")[2]) for line in lines if line.startswith(("try it", "inspect it"))]
    assert [hint[:2] for hint in hints] == [["seqloom", "generate"], ["seqloom", "show"]]
    for hint in hints:
        assert main(hint[1:]) == 0
    model = seqloom.load(out, threads=1)
    for refused in (lambda: model.translate("a"), lambda: list(model.score([]))):
        with pytest.raises(ConfigError, match="seqloom generate"):
            refused()
    capsys.readouterr()
    assert main(["translate", str(out), "--threads", "1"]) == 2
    assert "seqloom generate" in capsys.readouterr().err


def test_a_hint_fits_a_run_of_pairs(corpus_folder: Path, tmp_path: Path, cli: Cli) -> None:
    run = train(corpus_folder / "pairs.tsv", "rnn-tiny", tmp_path / "my run")
    assert "seqloom translate" in cli("generate", run, status=2)


def test_a_run_that_cannot_be_explained_does_not_lose_the_others(
    corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(corpus_folder / "pairs.tsv", "rnn-tiny", tmp_path / "run")
    argv = ["explain", str(tmp_path / "none"), str(run), "--text", "rot", "--threads", "1", "--device", "cpu", "--json"]
    capsys.readouterr()
    assert main(argv) == 1
    caught = capsys.readouterr()
    assert len(json.loads(caught.out)["explanations"]) == 1
    assert "none FAILED" in caught.err
