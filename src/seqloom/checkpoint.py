"""What lies on disk: a run folder with weights, and one checkpoint from which training goes on.

    RUN/
      recipe.yaml  tokenizer.json  run.json     what the run is
      metrics.jsonl  progress.txt               a line a report; a line an update (the share of the budget spent)
      weights/{best,last}.safetensors           what generates; also step-N.safetensors and averaged.safetensors
      checkpoint.json -> checkpoint-N/          model, optimizers, and the counters that everything random derives from

A checkpoint is written beside the old one and becomes the checkpoint by one atomic rename of checkpoint.json, so a process may be
killed at any moment. Nothing is pickled: opening a run that somebody sent cannot run their code.
"""

import math
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seqloom import untrusted
from seqloom.errors import CheckpointError
from seqloom.files import make_folder, replacing, write_json
from seqloom.system_errors import as_os_error, output_error
from seqloom.untrusted import MAX_JSON_BYTES

FORMAT = 1

# The types that safetensors names, with their bytes.
_WIDTHS = dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"), 1) | dict.fromkeys(("I16", "U16", "F16", "BF16"), 2)
_WIDTHS |= dict.fromkeys(("I32", "U32", "F32"), 4) | dict.fromkeys(("I64", "U64", "F64"), 8)
_MAX_HEADER = 8 << 20
_MAX_DIMS = 8
# Of each parameter; the optimizers here keep at most three.
_MAX_OPTIMIZER_VALUES = 8
_MOST_PROBLEMS = 3


def read_json(
    path: Path, *, within: Path | None = None, max_bytes: int = MAX_JSON_BYTES, allow_nan: bool = True
) -> Any:
    """Reads JSON, which may come from somebody else; see `untrusted` for what is refused.

    Args:
        within: the folder that the file must lie in, wherever links lead.

    Raises:
        CheckpointError: the file is missing, damaged, too large, or lies elsewhere.
    """
    try:
        return untrusted.read_json(path, within=within, max_bytes=max_bytes, allow_nan=allow_nan)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file; is {path.parent} a run folder?") from None


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Writes named tensors atomically.

    Raises:
        OutputError: the file cannot be written; one that was there is as it was.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={"format": "pt"})
        except SafetensorError as error:
            refused = as_os_error(error, temporary)
            if refused is None:
                raise
            raise refused from None


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """What the header of a file of weights says of a tensor.

    Attributes:
        dtype: in the words of safetensors: "F32".
    """

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path, *, within: Path | None = None) -> dict[str, TensorFacts]:
    """The names, types and shapes of a file of weights; none of the numbers is read.

    Args:
        within: the folder that the file must lie in, wherever links lead.

    Raises:
        CheckpointError: the file is missing, or its header is damaged or does not fit its length.
    """
    try:
        with untrusted.open_file(path, within=within) as stream:
            size = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(8), "little")
            if not 0 < length <= size - 8:
                raise ValueError(f"its header says {length:,} bytes, the file has {size:,}; it is cut short or damaged")
            if length > _MAX_HEADER:
                raise ValueError(f"its header has {length:,} bytes; at most {_MAX_HEADER:,} are read")
            values = untrusted.parse_json(stream.read(length).decode("utf-8"))
        return _header(values, size - 8 - length)
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: there is no such file; has the run been trained up to its first checkpoint?"
        ) from None
    except ValueError as error:
        reason = "its header is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise CheckpointError(f"{path}: damaged: {reason}; take it from where the folder came from again") from None


def _header(values: Any, num_bytes: int) -> dict[str, TensorFacts]:
    """Checks a header against the bytes that follow it."""
    if not isinstance(values, dict):
        raise ValueError("its header is no list of tensors")
    found: dict[str, TensorFacts] = {}
    parts = []
    for name, value in values.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape, (begin, end) = value["dtype"], value["shape"], value["data_offsets"]
            fits = all(type(n) is int and n >= 0 for n in (*shape, begin, end)) and len(shape) <= _MAX_DIMS
            fits = fits and end - begin == math.prod(shape) * _WIDTHS[dtype]
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(f"what its header says of the tensor {name[:80]!r} contradicts itself")
        parts.append((begin, end))
        found[name] = TensorFacts(dtype, tuple(shape))
    place = 0
    for begin, end in sorted(parts):
        if begin != place:
            raise ValueError("its tensors overlap, or leave bytes between them")
        place = end
    if place != num_bytes:
        raise ValueError(
            f"its tensors take {place:,} bytes, but {num_bytes:,} follow the header; it is cut short or longer"
        )
    return found


def load_weights(path: Path, *, within: Path | None = None) -> dict[str, Tensor]:
    """Reads named tensors into memory of our own.

    Args:
        within: the folder that the file must lie in, wherever links lead.

    Raises:
        CheckpointError: the file is missing or damaged, or larger than the machine's memory.
    """
    read_header(path, within=within)
    try:
        _check_memory(path, path.stat().st_size)
        return load_file(path)
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path}: damaged: {error}") from None


def _check_memory(path: Path, size: int) -> None:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if 0 < memory < size:
            raise CheckpointError(
                f"{path}: takes {size / 1e9:.1f} GB, more than the {memory / 1e9:.1f} GB of memory that this machine has"
            )


def check_fit(
    wanted: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]], origin: Path | str, advice: str = ""
) -> None:
    """Compares the names and shapes of tensors.

    Args:
        wanted: the shapes that a model has, by name.
        found: those of a file.
        origin: the file.
        advice: what to do, a sentence.

    Raises:
        CheckpointError: they differ; says in what.
    """
    problems = []
    for name, shape in wanted.items():
        if name not in found:
            problems.append(f"{name} is missing")
        elif tuple(found[name]) != tuple(shape):
            problems.append(f"{name} has the shape {list(found[name])}, the model {list(shape)}")
    problems += [f"{name[:80]} is not in the model" for name in found if name not in wanted]
    if problems:
        shown = "; ".join(problems[:_MOST_PROBLEMS])
        more = f"; and {len(problems) - _MOST_PROBLEMS:,} more" if len(problems) > _MOST_PROBLEMS else ""
        raise CheckpointError(f"{origin}: these weights are not of this model: {shown}{more}{advice and '. '}{advice}")


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def fill_model(model: nn.Module, weights: Mapping[str, Tensor], origin: Path | str) -> None:
    """Puts weights into a model.

    Raises:
        CheckpointError: names or shapes do not fit, or a weight is not a number.
    """
    state = model.state_dict()
    check_fit(_shapes(state), _shapes(weights), origin)
    for name, tensor in weights.items():
        if not tensor.is_floating_point() and state[name].is_floating_point():
            raise CheckpointError(f"{origin}: {name} is of the type {tensor.dtype}, not of a number with fractions")
        # The sum shows it in one pass; only a sum that overflowed takes a second one.
        if tensor.is_floating_point() and not tensor.sum().isfinite() and not tensor.isfinite().all():
            raise CheckpointError(
                f"{origin}: {name} holds values that are not finite numbers (NaN or infinity); the file is damaged, or training "
                "diverged: take other weights"
            )
    model.load_state_dict(dict(weights))


def fill_from(model: nn.Module, path: Path, *, within: Path | None = None) -> None:
    """Puts the weights of a file into a model; names and shapes are compared before any of the numbers is read.

    Args:
        within: the folder that the file must lie in, wherever links lead.

    Raises:
        CheckpointError: as `load_weights` and `fill_model`.
    """
    check_fit(
        _shapes(model.state_dict()),
        {name: facts.shape for name, facts in read_header(path, within=within).items()},
        path,
    )
    fill_model(model, load_weights(path, within=within), path)


def average_weights(files: Sequence[Path], *, within: Path | None = None) -> dict[str, Tensor]:
    """The mean of several files of weights, summed in float64 in the order given.

    Raises:
        CheckpointError: a file is missing or damaged, or they are not of one model.
    """
    total: dict[str, Tensor] = {}
    for file in files:
        weights = load_weights(file, within=within)
        if total:
            check_fit(_shapes(total), _shapes(weights), file)
        for name, tensor in weights.items():
            total[name] = total.get(name, torch.zeros((), dtype=torch.float64)) + tensor.double() / len(files)
    return {name: tensor.float() for name, tensor in total.items()}


def save_checkpoint(
    folder: Path, step: int, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], counters: Mapping[str, Any]
) -> None:
    """Makes the state after `step` updates the run's checkpoint; the one before it is removed afterwards."""
    place = folder / f"checkpoint-{step}"
    partial = folder / f"checkpoint-{step}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(partial)
    try:
        _fill_checkpoint(partial, step, model, optimizers, counters)
        shutil.rmtree(place, ignore_errors=True)
        os.replace(partial, place)
    except OSError as error:
        raise output_error(place, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    write_json(folder / "checkpoint.json", {"format": FORMAT, "folder": place.name})
    for old in folder.glob("checkpoint-*"):
        if old != place:
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
    place = checkpoint_folder(folder)
    counters = read_json(place / "counters.json", within=folder)
    if not isinstance(counters, dict) or counters.get("format") != FORMAT:
        found = counters.get("format") if isinstance(counters, dict) else None
        raise CheckpointError(
            f"{place}: format {str(found)[:40]}, this seqloom reads {FORMAT}; use the seqloom that wrote it"
        )
    fill_from(model, place / "model.safetensors", within=folder)
    for number, optimizer in enumerate(optimizers):
        file = place / f"optimizer-{number}.safetensors"
        _check_optimizer(read_header(file, within=folder), optimizer, file)
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in load_weights(file, within=folder).items():
            index, _, name = key.partition(".")
            state.setdefault(int(index), {})[name] = tensor
        fresh = optimizer.state_dict()
        optimizer.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})
    return counters


def checkpoint_folder(folder: Path) -> Path:
    """Where the checkpoint of a run lies.

    Raises:
        CheckpointError: there is none, or checkpoint.json names something else than a checkpoint of this folder.
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
    """What was saved of each parameter must be of its shape, or a single number; compared before it is read."""
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
