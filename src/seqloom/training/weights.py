"""Files of weights: named tensors as safetensors. Names and shapes are compared with a model before any number is read.

Nothing is pickled, so a file from another person cannot execute code when it is opened.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seqloom import untrusted
from seqloom.errors import CheckpointError
from seqloom.files import replacing
from seqloom.system_errors import as_os_error

# The types of safetensors, with their size in bytes.
_WIDTHS = dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"), 1) | dict.fromkeys(("I16", "U16", "F16", "BF16"), 2)
_WIDTHS |= dict.fromkeys(("I32", "U32", "F32"), 4) | dict.fromkeys(("I64", "U64", "F64"), 8)
_MAX_HEADER = 8 << 20
_MAX_DIMS = 8
_MOST_PROBLEMS = 3


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Writes named tensors atomically.

    Raises:
        OutputError: the file cannot be written; an older file of that name is unchanged.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={"format": "pt"})
        except SafetensorError as error:
            os_error = as_os_error(error, temporary)
            if os_error is None:
                raise
            raise os_error from None


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """The facts about a tensor in the header of a file of weights.

    Attributes:
        dtype: the type as safetensors names it, such as "F32".
    """

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path, *, within: Path | None = None) -> dict[str, TensorFacts]:
    """The names, types and shapes of a file of weights; reads the header only.

    Args:
        within: the folder that must contain the file, also after links are followed.

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
        raise ValueError("its header is not a list of tensors")
    tensors: dict[str, TensorFacts] = {}
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
            raise ValueError(f"the entry of its header for the tensor {name[:80]!r} contradicts itself")
        parts.append((begin, end))
        tensors[name] = TensorFacts(dtype, tuple(shape))
    offset = 0
    for begin, end in sorted(parts):
        if begin != offset:
            raise ValueError("its tensors overlap, or leave bytes between them")
        offset = end
    if offset != num_bytes:
        raise ValueError(
            f"its tensors take {offset:,} bytes, but {num_bytes:,} follow the header; it is cut short or longer"
        )
    return tensors


def load_weights(path: Path, *, within: Path | None = None) -> dict[str, Tensor]:
    """Reads named tensors. They are memory-mapped: Windows can neither replace nor remove the file while one of them exists.

    Args:
        within: the folder that must contain the file, also after links are followed.

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
    memory = psutil.virtual_memory().total
    if 0 < memory < size:
        raise CheckpointError(
            f"{path}: takes {size / 1e9:.1f} GB, more than the {memory / 1e9:.1f} GB of memory that this machine has"
        )


def check_fit(
    wanted: Mapping[str, Sequence[int]], actual: Mapping[str, Sequence[int]], origin: Path | str, advice: str = ""
) -> None:
    """Compares the names and shapes of tensors.

    Args:
        wanted: the shapes of a model, by name.
        actual: the shapes of a file, by name.
        origin: the file, for the message.
        advice: what to do, a sentence.

    Raises:
        CheckpointError: they differ; the message names the differences.
    """
    problems = []
    for name, shape in wanted.items():
        if name not in actual:
            problems.append(f"{name} is missing")
        elif tuple(actual[name]) != tuple(shape):
            problems.append(f"{name} has the shape {list(actual[name])}, the model {list(shape)}")
    problems += [f"{name[:80]} is not in the model" for name in actual if name not in wanted]
    if problems:
        shown = "; ".join(problems[:_MOST_PROBLEMS])
        more = f"; and {len(problems) - _MOST_PROBLEMS:,} more" if len(problems) > _MOST_PROBLEMS else ""
        raise CheckpointError(f"{origin}: these weights are not of this model: {shown}{more}{advice and '. '}{advice}")


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def fill_model(model: nn.Module, weights: Mapping[str, Tensor], origin: Path | str) -> None:
    """Copies weights into a model.

    Raises:
        CheckpointError: names or shapes do not fit, or a weight is not a number.
    """
    state = model.state_dict()
    check_fit(_shapes(state), _shapes(weights), origin)
    for name, tensor in weights.items():
        if not tensor.is_floating_point() and state[name].is_floating_point():
            raise CheckpointError(f"{origin}: {name} is of the type {tensor.dtype}, not of a number with fractions")
        # A sum shows in one pass whether all are finite; only a sum that is not finite needs a second pass.
        if tensor.is_floating_point() and not tensor.sum().isfinite() and not tensor.isfinite().all():
            raise CheckpointError(
                f"{origin}: {name} holds values that are not finite numbers (NaN or infinity); the file is damaged, or training "
                "diverged: take other weights"
            )
    model.load_state_dict(dict(weights))


def fill_from(model: nn.Module, path: Path, *, within: Path | None = None) -> None:
    """Copies the weights of a file into a model; names and shapes are compared before any number is read.

    Args:
        within: the folder that must contain the file, also after links are followed.

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
    """The mean of several files of weights, summed in float64 in the order of the files.

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
