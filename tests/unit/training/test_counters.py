"""Counters of a checkpoint: checked, and read from former versions too."""

from dataclasses import asdict
from pathlib import Path

import pytest

from seqloom.errors import CheckpointError
from seqloom.training.counters import Counters


def test_counters_of_a_checkpoint_are_restored(tmp_path: Path) -> None:
    counters = Counters(step=3, epoch=1, batch=2, phases_left=1, report_weight=10)
    assert Counters.restore({"format": 1, **asdict(counters)}, tmp_path) == counters


@pytest.mark.parametrize(("both_ways", "phases_left"), [(True, 1), (False, 0)])
def test_checkpoints_of_version_0_1_say_both_ways(tmp_path: Path, both_ways: bool, phases_left: int) -> None:
    values = {name: value for name, value in asdict(Counters(step=3)).items() if name != "phases_left"}
    assert Counters.restore({**values, "both_ways": both_ways}, tmp_path).phases_left == phases_left


@pytest.mark.parametrize("wrong", [{"step": -1}, {"both_ways": "yes"}, {"unknown": 1}, {"step": "x"}])
def test_a_wrong_value_is_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match=r"counters\.json: damaged"):
        Counters.restore({**asdict(Counters()), **wrong}, tmp_path)
