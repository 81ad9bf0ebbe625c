import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from seqloom.errors import CheckpointError, OutputError
from seqloom.files import write_text
from seqloom.training.checkpoint import load_checkpoint, save_checkpoint
from seqloom.training.weights import save_weights


@pytest.fixture
def trained() -> tuple[nn.Linear, torch.optim.Optimizer]:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_a_file_where_a_folder_is_expected_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match=r"weights: cannot be written: this is a file"):
        save_weights(tmp_path / "weights" / "best.safetensors", {"a": torch.ones(1)})
    with pytest.raises(OutputError, match=r"weights: cannot be written: this is a file"):
        write_text(tmp_path / "weights" / "x.txt", "a")


def test_a_checkpoint_restores_its_optimizer(tmp_path: Path, trained: tuple[nn.Linear, torch.optim.Optimizer]) -> None:
    model, optimizer = trained
    save_checkpoint(tmp_path, 1, model, [optimizer], {})
    fresh = nn.Linear(3, 2)
    restored = torch.optim.AdamW(fresh.parameters())
    assert load_checkpoint(tmp_path, fresh, [restored])["step"] == 1
    assert torch.equal(fresh.weight, model.weight)
    assert torch.equal(restored.state_dict()["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])


@pytest.mark.skipif(sys.platform != "linux", reason="reads the maps of this process")
def test_a_restored_optimizer_maps_no_file(tmp_path: Path, trained: tuple[nn.Linear, torch.optim.Optimizer]) -> None:
    # Windows can neither replace nor remove a mapped file, and the next checkpoint does both.
    model, optimizer = trained
    save_checkpoint(tmp_path, 1, model, [optimizer], {})
    load_checkpoint(tmp_path, model, [optimizer])
    assert str(tmp_path) not in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"0.exp_avg": torch.zeros(5)}, "0.exp_avg does not fit the model"),
        ({"7.exp_avg": torch.zeros(())}, "7.exp_avg does not fit the model"),
        ({"²": torch.zeros(())}, "² does not fit the model"),
        ({"0.": torch.zeros(())}, "0. does not fit the model"),
        ({f"0.n{number}": torch.zeros(()) for number in range(100)}, "too many for the 2 parameters"),
    ],
    ids=["shape", "index", "no index", "no name", "many"],
)
def test_an_optimizer_is_compared_by_its_header(
    tmp_path: Path,
    trained: tuple[nn.Linear, torch.optim.Optimizer],
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, torch.Tensor],
    message: str,
) -> None:
    model, optimizer = trained
    save_checkpoint(tmp_path, 1, model, [optimizer], {})
    save_weights(tmp_path / "checkpoint-1" / "optimizer-0.safetensors", more)
    read: list[str] = []
    monkeypatch.setattr("seqloom.training.weights.load_file", lambda path: read.append(str(path)))
    monkeypatch.setattr("seqloom.training.checkpoint.fill_from", lambda *_, **__: None)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tmp_path, model, [optimizer])
    assert not read


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
def test_weights_for_which_there_is_no_room_are_a_message(tmp_path: Path) -> None:
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OutputError, match=r"best\.safetensors: cannot be written: File too large"):
            save_weights(tmp_path / "best.safetensors", {"a": torch.ones(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())
