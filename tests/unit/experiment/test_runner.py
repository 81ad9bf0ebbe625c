"""Processes of an experiment runner."""

import sys
from pathlib import Path

import pytest

from seqloom.experiment.arms import arm
from seqloom.experiment.runner import ExperimentRunner
from seqloom.experiment.worker import ArmRun


@pytest.mark.parametrize(("platform", "most"), [("win32", 61), ("linux", 100)])
def test_windows_has_a_most_of_processes(
    platform: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Pool:
        def __init__(self, count: int, **settings: object) -> None:
            asked.append(count)

        def shutdown(self) -> None:
            pass

    monkeypatch.setattr("seqloom.experiment.runner.ProcessPoolExecutor", Pool)
    monkeypatch.setattr(sys, "platform", platform)
    with ExperimentRunner(tmp_path, "quick", workers=100)._processes(100):
        pass
    assert asked == [most]


def test_a_grid_of_rates_moves_as_a_whole() -> None:
    tried = arm("rnn-tiny", "copy", 1, small=True)
    assert tried.around(tried.rates[1]).rates == tried.rates
    assert tried.around(tried.rates[0]).rates[1:] == tried.rates[:2]


def test_without_workers_this_process_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []
    monkeypatch.setattr("seqloom.experiment.runner.perform", lambda task: trained.append(task.seed))
    runner = ExperimentRunner(tmp_path, "ladder", workers=0)
    task_arm = arm("rnn-tiny", "copy", 1, small=True)
    runner._perform([ArmRun(task_arm, seed, tmp_path / str(seed)) for seed in range(3)], "runs")
    assert trained == [0, 1, 2]
