"""Processes of an experiment runner."""

import sys
from pathlib import Path

import pytest

from seqloom.experiment.runner import ExperimentRunner


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
