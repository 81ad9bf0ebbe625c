"""Failing and killed arms: what is noted, what is left for last, and what is given up."""

import json
from pathlib import Path

import pytest

from seqloom.comparison.failures import ATTEMPT, Failures
from seqloom.progress import Progress
from seqloom.recipes import Recipe, load_recipe


class RecordedProgress(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        pass


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("rnn-tiny")


def test_an_error_is_noted_and_does_not_count_as_a_kill(tmp_path: Path, recipe: Recipe) -> None:
    failures = Failures(tmp_path, RecordedProgress())
    with failures.kept(recipe, 0, tmp_path / "run"):
        raise MemoryError("no room")
    assert "MemoryError: no room" in str(failures.failed[0])
    assert "MemoryError" in (tmp_path / failures.failed[0].log).read_text()
    assert not failures.was_killed(tmp_path / "run")
    with failures.kept(recipe, 0, tmp_path / "run"):
        pass
    assert not (tmp_path / "run" / "failure.json").exists()


def test_ctrl_c_does_not_count_as_a_kill(tmp_path: Path, recipe: Recipe) -> None:
    failures = Failures(tmp_path, RecordedProgress())
    with pytest.raises(KeyboardInterrupt), failures.kept(recipe, 0, tmp_path / "run"):
        raise KeyboardInterrupt
    assert not failures.was_killed(tmp_path / "run")


def killed(failures: Failures, recipe: Recipe, run_folder: Path) -> None:
    """What a process leaves that ends in the middle of the attempt."""
    attempt = failures.kept(recipe, 0, run_folder)
    attempt.__enter__()
    content = (run_folder / ATTEMPT).read_text()
    attempt.__exit__(None, None, None)
    (run_folder / ATTEMPT).write_text(content)


def test_killed_work_is_tried_again_and_then_given_up(tmp_path: Path, recipe: Recipe) -> None:
    progress, run_folder = RecordedProgress(), tmp_path / "run"
    failures = Failures(tmp_path, progress)
    killed(failures, recipe, run_folder)
    assert failures.was_killed(run_folder)
    assert not failures.given_up(recipe, 0, run_folder)
    assert "left for last" in progress.lines[-1]
    killed(failures, recipe, run_folder)
    assert failures.given_up(recipe, 0, run_folder)
    assert "killed 2 times" in str(failures.failed[0])
    assert str(run_folder / ATTEMPT) in str(failures.failed[0])


def test_killed_work_that_gets_further_each_time_is_not_given_up(tmp_path: Path, recipe: Recipe) -> None:
    failures, run_folder = Failures(tmp_path, RecordedProgress()), tmp_path / "run"
    for step in (10, 20, 30):
        killed(failures, recipe, run_folder)
        (run_folder / "checkpoint.json").write_text(json.dumps({"folder": f"checkpoint-{step}"}))
        assert failures.was_killed(run_folder)
        assert not failures.given_up(recipe, 0, run_folder)


@pytest.mark.parametrize("content", ["", "[]", '{"killed": "many"}', "{"])
def test_a_damaged_attempt_file_counts_as_one_kill(tmp_path: Path, recipe: Recipe, content: str) -> None:
    (tmp_path / ATTEMPT).write_text(content)
    failures = Failures(tmp_path, RecordedProgress())
    assert failures.was_killed(tmp_path)
    assert not failures.given_up(recipe, 0, tmp_path)
