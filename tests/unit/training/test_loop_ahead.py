"""The loop as it runs on an accelerator: batches made ahead, numbers read seldom; the same weights, and nothing bad is kept."""

import json
import threading
from pathlib import Path

import pytest
import torch

from seqloom.data.prefetch import Prefetch
from seqloom.errors import TrainingError
from seqloom.models.base import Model
from seqloom.training import Budget, Validation, loop, metric_buffer
from seqloom.training.batch_stream import BatchStream, MicroBatch
from seqloom.training.data_schedule import Cursor
from seqloom.training.distributed import World
from tests.unit.training.test_loop import BrokenAt, Killed, same, trainer, weights


@pytest.fixture
def _ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an accelerator changes, on the CPU."""

    class Kept(metric_buffer.MetricBuffer):
        def __init__(self, device: torch.device, world: World) -> None:
            super().__init__(torch.device("meta"), world)

    def open_ahead(self: BatchStream, cursor: Cursor) -> Prefetch[MicroBatch]:
        return Prefetch(self._make(cursor), ahead=5)

    monkeypatch.setattr(loop, "MetricBuffer", Kept)
    monkeypatch.setattr(BatchStream, "_open", open_ahead)


SETTINGS = {"accumulate": 2, "validations": 7}


def _log(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if "second" not in name} for line in lines]


def test_weights_and_log_are_those_of_the_plain_loop(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    plain = trainer(tmp_path / "plain", Budget(steps=65), **SETTINGS).train()
    request.getfixturevalue("_ahead")
    threads = threading.active_count()
    ahead = trainer(tmp_path / "ahead", Budget(steps=65), **SETTINGS).train()
    assert threading.active_count() == threads
    assert same(weights(tmp_path / "plain", "last"), weights(tmp_path / "ahead", "last"))
    assert _log(tmp_path / "plain") == _log(tmp_path / "ahead")
    assert (plain.epoch, plain.batch, plain.tokens) == (ahead.epoch, ahead.batch, ahead.tokens)
    assert plain.epoch > 2


@pytest.mark.usefixtures("_ahead")
@pytest.mark.parametrize("dies_at", [1, 4])
def test_killed_and_resumed_is_bit_identical(tmp_path: Path, dies_at: int) -> None:
    whole = trainer(tmp_path / "whole", Budget(steps=40), **SETTINGS)
    whole.train()
    left = dies_at

    def dying(model: Model) -> Validation:
        nonlocal left
        left -= 1
        if not left:
            raise Killed
        return whole.validate(model)

    threads = threading.active_count()
    with pytest.raises(Killed):
        trainer(tmp_path / "cut", Budget(steps=40), validate=dying, **SETTINGS).train()
    assert threading.active_count() == threads
    trainer(tmp_path / "cut", Budget(steps=40), **SETTINGS).train(resume=True)
    assert same(weights(tmp_path / "whole", "last"), weights(tmp_path / "cut", "last"))
    assert _log(tmp_path / "whole") == _log(tmp_path / "cut")


@pytest.mark.usefixtures("_ahead")
def test_a_loss_that_is_no_number_never_reaches_a_checkpoint(tmp_path: Path) -> None:
    run = trainer(tmp_path, Budget(steps=40), validations=10)
    run.objective = BrokenAt(13, run.objective)
    # Validations fall on steps 12 and 16: the second one must not be made, nor saved.
    with pytest.raises(TrainingError, match=r"nan at step 13 \(epoch"):
        run.train()
    assert json.loads((tmp_path / "checkpoint.json").read_text())["folder"] == "checkpoint-12"
    assert all(torch.isfinite(tensor).all() for tensor in weights(tmp_path).values())
