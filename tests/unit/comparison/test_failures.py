"""Failing and killed arms: what is noted, what is left for last, and what is given up."""

import json

import pytest

from seqloom.comparison.failures import ATTEMPT, Failures
from seqloom.progress import Progress
from seqloom.recipes import load_recipe


class Said(Progress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)

    def update(self, *args, **kwargs):
        pass


@pytest.fixture
def recipe():
    return load_recipe("rnn-tiny")


def test_an_error_is_noted_and_is_no_kill(tmp_path, recipe):
    failures = Failures(tmp_path, Said())
    with failures.kept(recipe, 0, tmp_path / "run"):
        raise MemoryError("no room")
    assert "MemoryError: no room" in str(failures.failed[0])
    assert "MemoryError" in (tmp_path / failures.failed[0].log).read_text()
    assert not failures.was_killed(tmp_path / "run")
    with failures.kept(recipe, 0, tmp_path / "run"):
        pass
    assert not (tmp_path / "run" / "failure.json").exists()


def test_ctrl_c_is_no_kill(tmp_path, recipe):
    failures = Failures(tmp_path, Said())
    with pytest.raises(KeyboardInterrupt), failures.kept(recipe, 0, tmp_path / "run"):
        raise KeyboardInterrupt
    assert not failures.was_killed(tmp_path / "run")


def killed(failures, recipe, place):
    """What a process leaves that ends in the middle of the work."""
    work = failures.kept(recipe, 0, place)
    work.__enter__()
    content = (place / ATTEMPT).read_text()
    work.__exit__(None, None, None)
    (place / ATTEMPT).write_text(content)


def test_killed_work_is_tried_again_and_then_given_up(tmp_path, recipe):
    said, place = Said(), tmp_path / "run"
    failures = Failures(tmp_path, said)
    killed(failures, recipe, place)
    assert failures.was_killed(place)
    assert not failures.given_up(recipe, 0, place)
    assert "left for last" in said.lines[-1]
    killed(failures, recipe, place)
    assert failures.given_up(recipe, 0, place)
    assert "killed 2 times" in str(failures.failed[0])
    assert str(place / ATTEMPT) in str(failures.failed[0])


def test_killed_work_that_gets_further_each_time_is_not_given_up(tmp_path, recipe):
    failures, place = Failures(tmp_path, Said()), tmp_path / "run"
    for step in (10, 20, 30):
        killed(failures, recipe, place)
        (place / "checkpoint.json").write_text(json.dumps({"folder": f"checkpoint-{step}"}))
        assert failures.was_killed(place)
        assert not failures.given_up(recipe, 0, place)


@pytest.mark.parametrize("content", ["", "[]", '{"killed": "many"}', "{"])
def test_a_damaged_note_counts_as_one_kill(tmp_path, recipe, content):
    (tmp_path / ATTEMPT).write_text(content)
    failures = Failures(tmp_path, Said())
    assert failures.was_killed(tmp_path)
    assert not failures.given_up(recipe, 0, tmp_path)
