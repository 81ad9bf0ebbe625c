"""Processes of an experiment runner."""

import sys
from pathlib import Path

import pytest

from seqloom.experiment.arms import arm
from seqloom.experiment.runner import ExperimentRunner, _rate_beyond
from seqloom.experiment.worker import Task


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


@pytest.mark.parametrize(
    ("losses", "most", "beyond"),
    [
        ((3.0, 2.0, 2.5), 6, None),
        ((1.0, 2.0, 2.5), 6, (0, 0.05)),
        ((3.0, 2.0, 1.5), 6, (3, 0.8)),
        ((3.0, 2.0, 1.5), 3, None),
        ((3.0, 2.0, 1.5), 0, None),
    ],
)
def test_a_best_rate_at_the_edge_of_its_grid_widens_the_grid(
    losses: tuple[float, ...], most: int, beyond: tuple[int, float] | None
) -> None:
    group = [arm("rnn-tiny", "copy", 1, small=True).at_rate(rate) for rate in (0.1, 0.2, 0.4)]
    found = _rate_beyond(group, losses, most)
    assert found == (None if beyond is None else (beyond[0], pytest.approx(beyond[1])))


def test_without_workers_this_process_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []
    monkeypatch.setattr("seqloom.experiment.runner.perform", lambda task: trained.append(task.seed))
    runner = ExperimentRunner(tmp_path, "ladder", workers=0)
    task_arm = arm("rnn-tiny", "copy", 1, small=True)
    runner._perform([Task(task_arm, seed, tmp_path / str(seed)) for seed in range(3)], "runs")
    assert trained == [0, 1, 2]
