"""World in one process, and the rules of dividing an update; tests/integration/test_distributed.py trains on several processes."""

import re

import pytest
import torch

from seqloom import machine
from seqloom.errors import ConfigError, TrainingError
from seqloom.training.distributed import World, check_processes, joined
from seqloom.training.settings import TrainingSettings


def test_one_process_keeps_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as world:
        assert (world.rank, world.size, world.is_main) == (0, 1, True)
        assert world.sum([1, 0.1]) == world.from_main([1, 0.1]) == [1, 0.1]
        assert world.sum_on_machine(0.3) == 0.3
        assert world.device("cpu") == torch.device("cpu")
        world.check_same({"seed": "0"})
        with world.first_on_machine(), world.one_message():
            pass
        with pytest.raises(TrainingError, match="stays"), world.one_message():
            raise TrainingError("stays")
        with pytest.raises(RuntimeError, match="gloo"), world.one_message():
            raise RuntimeError("gloo")
        with pytest.raises(KeyboardInterrupt), world.one_message():
            raise KeyboardInterrupt


def test_processes_of_a_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "available_cores", lambda: 8)
    assert World().num_threads(None) is None
    assert World().num_threads(None, stored=3) == 3
    # Two machines with three processes each.
    world = World(rank=4, size=6, local_rank=1, local_size=3)
    assert world.num_threads(None) == 2
    assert world.num_threads(5) == 5
    assert world.num_threads(None, stored=1) == 1
    assert world.num_threads(None, stored=8) == 2
    assert World(rank=0, size=20, local_size=20).num_threads(None) == 1


@pytest.mark.parametrize(("accumulate", "size"), [(1, 1), (5, 1), (2, 2), (6, 3), (8, 4)])
def test_processes_that_divide_the_batches_pass(accumulate: int, size: int) -> None:
    check_processes(TrainingSettings(accumulate=accumulate), size)


@pytest.mark.parametrize(
    ("accumulate", "size", "advice"),
    [
        (
            6,
            4,
            "training.accumulate=4 training.batch_tokens=6144, or --set training.accumulate=8 training.batch_tokens=3072",
        ),
        (
            1,
            2,
            "(1), or change the recipe, with as many tokens an update: --set training.accumulate=2 training.batch_tokens=2048",
        ),
    ],
)
def test_the_nearest_settings_have_as_many_tokens(accumulate: int, size: int, advice: str) -> None:
    settings = TrainingSettings(accumulate=accumulate, batch_tokens=4096)
    with pytest.raises(ConfigError, match=re.escape(advice)):
        check_processes(settings, size)
    divided = [
        list(map(int, re.findall(r"=(\d+)", part))) for part in advice.split("--set")[-2:] if "accumulate" in part
    ]
    assert divided
    assert all(number % size == 0 and number * tokens == accumulate * 4096 for number, tokens in divided)


def test_a_run_that_continues_is_offered_other_numbers_of_processes_only() -> None:
    with pytest.raises(ConfigError, match=r"as many processes as divide it \(1, 2, 3, 6\)$"):
        check_processes(TrainingSettings(accumulate=6), 4, resume=True)


def test_a_damaged_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ConfigError, match="RANK is None: expected a number, as torchrun sets it"), joined("cpu"):
        pass
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(ConfigError, match="WORLD_SIZE is 'two'"), joined("cpu"):
        pass
