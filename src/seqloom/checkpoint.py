"""What lies on disk: a run folder with weights, and one checkpoint from which training goes on.

    RUN/
      recipe.yaml  tokenizer.json  run.json     what the run is
      metrics.jsonl  progress.txt               a line a report; a line an update (the share of the budget spent)
      weights/{best,last}.safetensors           what generates; also step-N.safetensors and averaged.safetensors
      checkpoint.json -> checkpoint-N/          model, optimizers, and the counters that everything random derives from

A checkpoint is written beside the old one and becomes the checkpoint by one atomic rename of checkpoint.json, so a process may be
killed at any moment. Nothing is pickled: opening a run that somebody sent cannot run their code.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seqloom.errors import CheckpointError

FORMAT = 1

# The only way to read it is to set it.
_UMASK = os.umask(0o022)
os.umask(_UMASK)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON atomically and durably."""
    _write_atomically(
        path, lambda temporary: temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    )


def write_text(path: Path, text: str) -> None:
    """Writes text atomically and durably."""
    _write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Reads JSON.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file; is {path.parent} a run folder?") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: damaged: {error}") from None


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Writes named tensors atomically."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    _write_atomically(path, lambda temporary: save_file(tensors, temporary, metadata={"format": "pt"}))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Reads named tensors into memory of our own.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: there is no such file; has the run been trained up to its first checkpoint?"
        ) from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: damaged: {error}") from None


def fill_model(model: nn.Module, weights: Mapping[str, Tensor], origin: Path | str) -> None:
    """Puts weights into a model.

    Raises:
        CheckpointError: names or shapes do not fit.
    """
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise CheckpointError(f"{origin}: these weights are not of this model: {error}") from None


def average_weights(files: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of several files of weights, summed in float64 in the order given."""
    total: dict[str, Tensor] = {}
    for file in files:
        for name, tensor in load_weights(file).items():
            total[name] = total.get(name, torch.zeros((), dtype=torch.float64)) + tensor.double() / len(files)
    return {name: tensor.float() for name, tensor in total.items()}


def save_checkpoint(
    folder: Path, step: int, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], counters: Mapping[str, Any]
) -> None:
    """Makes the state after `step` updates the run's checkpoint; the one before it is removed afterwards."""
    place = folder / f"checkpoint-{step}"
    partial = folder / f"checkpoint-{step}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_weights(partial / "model.safetensors", model.state_dict())
    for number, optimizer in enumerate(optimizers):
        tensors = {}
        for index, values in optimizer.state_dict()["state"].items():
            for name, value in values.items():
                tensors[f"{index}.{name}"] = value if isinstance(value, Tensor) else torch.tensor(value)
        save_weights(partial / f"optimizer-{number}.safetensors", tensors)
    write_json(partial / "counters.json", {"format": FORMAT, "step": step, **counters})
    shutil.rmtree(place, ignore_errors=True)
    os.replace(partial, place)
    write_json(folder / "checkpoint.json", {"format": FORMAT, "folder": place.name})
    for old in folder.glob("checkpoint-*"):
        if old != place:
            shutil.rmtree(old, ignore_errors=True)


def update_counters(folder: Path, step: int, counters: Mapping[str, Any]) -> None:
    """Rewrites the counters of the checkpoint at `step`; weights and optimizers are as they were."""
    place = folder / f"checkpoint-{step}"
    write_json(place / "counters.json", {"format": FORMAT, "step": step, **counters})


def has_checkpoint(folder: Path) -> bool:
    """Whether there is something to go on from."""
    return (folder / "checkpoint.json").is_file()


def load_checkpoint(folder: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Any]:
    """Restores model and optimizers in place; returns the counters.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, of another format, or of another model.
    """
    place = folder / str(read_json(folder / "checkpoint.json")["folder"])
    counters: dict[str, Any] = read_json(place / "counters.json")
    if counters.get("format") != FORMAT:
        raise CheckpointError(
            f"{place}: format {counters.get('format')}, this seqloom reads {FORMAT}; use the seqloom that wrote it"
        )
    fill_model(model, load_weights(place / "model.safetensors"), place)
    for number, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in load_weights(place / f"optimizer-{number}.safetensors").items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = tensor
        fresh = optimizer.state_dict()
        optimizer.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})
    return counters


def _write_atomically(path: Path, write: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        # Weights are written for their owner alone; a run folder is to be shared like any other files.
        temporary.chmod(0o666 & ~_UMASK)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CheckpointError(f"{path}: cannot be written: {error}") from None
