"""A checkpoint: model, optimizers and counters on disk, from which training continues with the same bits.

    RUN/
      recipe.yaml  tokenizer.json  run.json     what the run is
      metrics.jsonl  progress.txt               a line for each report; a line for each update (the share of the budget spent)
      weights/{best,last}.safetensors           what generates; also step-N.safetensors and averaged.safetensors
      checkpoint.json -> checkpoint-N/          model, optimizers, and the counters that everything random derives from

A new checkpoint is written next to the old one, and an atomic rename of checkpoint.json then makes it the run's checkpoint. So the
run folder has a complete checkpoint even if the process is killed at any time.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seqloom import untrusted
from seqloom.errors import CheckpointError
from seqloom.files import make_folder, move, write_json
from seqloom.system_errors import output_error
from seqloom.training.weights import TensorFacts, fill_from, load_weights, read_header, save_weights
from seqloom.untrusted import MAX_JSON_BYTES

FORMAT = 1

# The most tensors that an optimizer may store for each parameter; the optimizers here store at most three.
_MAX_OPTIMIZER_VALUES = 8


def read_json(
    path: Path, *, within: Path | None = None, max_bytes: int = MAX_JSON_BYTES, allow_nan: bool = True
) -> Any:
    """Reads JSON, which may come from another person; see `untrusted` for its limits.

    Args:
        within: the folder that must contain the file, also after links are followed.

    Raises:
        CheckpointError: the file is missing, damaged, too large, or outside the folder.
    """
    try:
        return untrusted.read_json(path, within=within, max_bytes=max_bytes, allow_nan=allow_nan)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file; is {path.parent} a run folder?") from None


def save_checkpoint(
    folder: Path, step: int, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], counters: Mapping[str, Any]
) -> None:
    """Saves the state after `step` updates as the run's checkpoint, and then removes the previous checkpoint."""
    target = folder / f"checkpoint-{step}"
    partial = folder / f"checkpoint-{step}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(partial)
    try:
        _fill_checkpoint(partial, step, model, optimizers, counters)
        shutil.rmtree(target, ignore_errors=True)
        move(partial, target)
    except OSError as error:
        raise output_error(target, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    write_json(folder / "checkpoint.json", {"format": FORMAT, "folder": target.name})
    for old in folder.glob("checkpoint-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)


def _fill_checkpoint(
    folder: Path, step: int, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], counters: Mapping[str, Any]
) -> None:
    save_weights(folder / "model.safetensors", model.state_dict())
    for number, optimizer in enumerate(optimizers):
        tensors = {}
        for index, values in optimizer.state_dict()["state"].items():
            for name, value in values.items():
                tensors[f"{index}.{name}"] = value if isinstance(value, Tensor) else torch.tensor(value)
        save_weights(folder / f"optimizer-{number}.safetensors", tensors)
    write_json(folder / "counters.json", {"format": FORMAT, "step": step, **counters})


def update_counters(folder: Path, step: int, counters: Mapping[str, Any]) -> None:
    """Replaces the counters of the checkpoint at `step`; weights and optimizer states do not change."""
    target = folder / f"checkpoint-{step}"
    write_json(target / "counters.json", {"format": FORMAT, "step": step, **counters})


def has_checkpoint(folder: Path) -> bool:
    """Whether the run folder has a checkpoint to continue from."""
    return (folder / "checkpoint.json").is_file()


def load_checkpoint(folder: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Any]:
    """Restores model and optimizers in place; returns the counters.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, of another format, or of another model.
    """
    source = checkpoint_folder(folder)
    counters = read_json(source / "counters.json", within=folder)
    if not isinstance(counters, dict) or counters.get("format") != FORMAT:
        saved_format = counters.get("format") if isinstance(counters, dict) else None
        raise CheckpointError(
            f"{source}: format {str(saved_format)[:40]}, this seqloom reads {FORMAT}; use the seqloom that wrote it"
        )
    fill_from(model, source / "model.safetensors", within=folder)
    for number, optimizer in enumerate(optimizers):
        file = source / f"optimizer-{number}.safetensors"
        _check_optimizer(read_header(file, within=folder), optimizer, file)
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in load_weights(file, within=folder).items():
            index, _, name = key.partition(".")
            # The optimizer keeps these tensors, so they are copied: the next checkpoint removes the file that they are mapped from.
            state.setdefault(int(index), {})[name] = tensor.clone()
        fresh = optimizer.state_dict()
        optimizer.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})
    return counters


def checkpoint_folder(folder: Path) -> Path:
    """The folder of a run's checkpoint.

    Raises:
        CheckpointError: there is none, or checkpoint.json does not name a checkpoint in this folder.
    """
    path = folder / "checkpoint.json"
    values = read_json(path, within=folder)
    name = values.get("folder") if isinstance(values, dict) else None
    if not isinstance(name, str) or re.fullmatch(r"checkpoint-[0-9]{1,18}", name) is None:
        raise CheckpointError(
            f'{path}: damaged: expected the name of a checkpoint in this folder, such as "checkpoint-100"'
        )
    return folder / name


def _check_optimizer(header: Mapping[str, TensorFacts], optimizer: torch.optim.Optimizer, file: Path) -> None:
    """Checks before reading that each saved tensor has the shape of its parameter, or is a single number."""
    shapes = [tuple(parameter.shape) for group in optimizer.param_groups for parameter in group["params"]]
    if len(header) > _MAX_OPTIMIZER_VALUES * len(shapes):
        raise CheckpointError(
            f"{file}: holds {len(header):,} tensors, too many for the {len(shapes):,} parameters of the model; it is damaged, or "
            "of another run"
        )
    for key, facts in header.items():
        index, _, name = key.partition(".")
        known = index.isascii() and index.isdecimal() and len(index) < 9 and int(index) < len(shapes) and name
        if not known or facts.shape not in (shapes[int(index)], ()):
            raise CheckpointError(f"{file}: {key[:80]} does not fit the model; it is damaged, or of another run")
