"""Checks a folder before CTranslate2 opens it, because CTranslate2 trusts the sizes in a file and would read beyond its memory.

A folder, its Manifest and the tokenizer's pieces enter; errors are CheckpointErrors. Only names, types and shapes of model.bin are
read, not the weights. It needs neither torch nor CTranslate2. The format is that of `ctranslate2.specs.ModelSpec.save`.
"""

import math
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from seqloom.config import WIDEST
from seqloom.errors import CheckpointError
from seqloom.interop.folder import Manifest
from seqloom.untrusted import MEBIBYTE, open_file, read_json

_VERSION = 6
_MAX_VARIABLES = 100_000
_MAX_NAME = 1000
_MAX_CONFIG = MEBIBYTE
_MAX_VOCABULARY = 64 * MEBIBYTE
# Number of a type -> the `struct` format of an element, and its size in bytes.
_TYPES = {0: ("<f", 4), 1: ("<b", 1), 2: ("<h", 2), 3: ("<i", 4), 4: ("<e", 2), 5: ("<H", 2)}
_FLOATS = (0, 4, 5)
_LAYER = re.compile(r"(?P<stack>encoder|decoder)/(?:layer_(?P<layer>[0-9]{1,5})/)?(?P<name>.+)")
_LINEAR = re.compile(r"((self_attention|attention)/linear_[0-2]|ffn/linear_(0|0_noact|1)|embeddings(_0)?|projection)")
_NORM = re.compile(r"((self_attention/|attention/|ffn/)?layer_norm/(gamma|beta))")


@dataclass(frozen=True, slots=True)
class _Variable:
    shape: tuple[int, ...]
    type: int
    value: float | None
    """The value of a variable without dimensions."""


@dataclass(frozen=True, slots=True)
class _Heads:
    """The heads of an attention: `num_heads` of queries, `num_kv_heads` of keys and values, each of the width `width`."""

    num_heads: int
    num_kv_heads: int
    width: int


def check_ctranslate2(folder: Path, manifest: Manifest, source: Sequence[str], target: Sequence[str]) -> None:
    """Checks all files that CTranslate2 reads in a folder.

    Args:
        source: the pieces of source ids.
        target: the pieces of target ids.

    Raises:
        CheckpointError: a file is missing, damaged, outside the folder, or not of this model.
    """
    _check_config(folder, target)
    _check_vocabularies(folder, manifest, source, target)
    path = folder / "model.bin"
    try:
        with open_file(path, within=folder) as stream:
            variables = _read(stream, os.fstat(stream.fileno()).st_size, manifest)
        _check_model(variables, manifest, len(source), len(target))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file; export the run again") from None
    except (ValueError, struct.error, OverflowError) as error:
        raise CheckpointError(f"{path}: damaged, or not of this model: {error}; export the run again") from None


def _check_config(folder: Path, target: Sequence[str]) -> None:
    path = folder / "config.json"
    values = _json(path, folder, _MAX_CONFIG)
    pad, bos, eos = target[:3]
    expected = {"unk_token": pad, "bos_token": bos, "eos_token": eos}
    if not isinstance(values, dict) or any(values.get(name) != token for name, token in expected.items()):
        raise CheckpointError(f"{path}: not what an export writes; export the run again")


def _check_vocabularies(folder: Path, manifest: Manifest, source: Sequence[str], target: Sequence[str]) -> None:
    shared = "vocabulary.json" if manifest.decoder_only else "shared_vocabulary.json"
    files = {shared: target}
    if not manifest.decoder_only and not (folder / shared).exists():
        files = {"source_vocabulary.json": source, "target_vocabulary.json": target}
    for name, pieces in files.items():
        if _json(folder / name, folder, _MAX_VOCABULARY) != list(pieces):
            raise CheckpointError(
                f"{folder / name}: not the pieces of the tokenizer in this folder; export the run again"
            )
    if shared in files and not manifest.decoder_only and list(source) != list(target):
        raise CheckpointError(f"{folder / shared}: the tokenizer has two vocabularies; export the run again")
    # CTranslate2 might read vocabulary files of another format instead.
    for path in folder.glob("*vocabulary*"):
        if path.name not in files:
            raise CheckpointError(f"{path}: not what an export writes; remove it, or export the run again")


def _json(path: Path, folder: Path, max_bytes: int) -> Any:
    try:
        return read_json(path, max_bytes=max_bytes, within=folder)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file; export the run again") from None


def _read(stream: IO[bytes], size: int, manifest: Manifest) -> dict[str, _Variable]:
    def number(form: str) -> int:
        content = stream.read(struct.calcsize(form))
        value: int = struct.unpack(form, content)[0]
        return value

    def text() -> str:
        length = number("<H")
        content = stream.read(length)
        if not 1 <= length <= _MAX_NAME or len(content) < length or not content.endswith(b"\0"):
            raise ValueError("a name in it has no end")
        return content[:-1].decode("utf-8")

    if (version := number("<I")) != _VERSION:
        raise ValueError(f"its format is {version}, expected {_VERSION}")
    kind = "TransformerDecoderSpec" if manifest.decoder_only else "TransformerSpec"
    if (actual_kind := text()) != kind:
        raise ValueError(f"it is a {actual_kind[:80]!r}, expected a {kind}")
    number("<I")  # the revision of the specification, which CTranslate2 checks
    count = number("<I")
    if count > _MAX_VARIABLES:
        raise ValueError(f"it says that it holds {count:,} variables")
    variables: dict[str, _Variable] = {}
    for _ in range(count):
        name = text()
        shape = tuple(number("<I") for _ in range(number("<B")))
        kind_number, num_bytes = number("<B"), number("<I")
        if kind_number not in _TYPES or len(shape) > 2 or name in variables:
            raise ValueError(f"what it says of {name[:80]!r} is not what an export writes")
        form, width = _TYPES[kind_number]
        if math.prod(shape) * width != num_bytes or stream.tell() + num_bytes > size:
            raise ValueError(
                f"{name[:80]} of the shape {list(shape)} does not fit its {num_bytes:,} bytes, or the file is cut short"
            )
        value = None if shape else float(struct.unpack(form, stream.read(width))[0])
        if shape:
            stream.seek(num_bytes, os.SEEK_CUR)
        variables[name] = _Variable(shape, kind_number, value)
    count = number("<I")
    for alias, name in ((text(), text()) for _ in range(count)):
        if alias in variables or name not in variables:
            raise ValueError(f"it gives {name[:80]!r} another name, {alias[:80]!r}, which cannot be")
        variables[alias] = variables[name]
    if stream.tell() != size:
        raise ValueError(f"{size - stream.tell():,} bytes follow its end")
    return variables


def _check_model(variables: dict[str, _Variable], manifest: Manifest, num_source: int, num_target: int) -> None:
    """Checks each variable against what an export writes, because matrix products do not check sizes."""
    width = _shape(variables, "decoder/embeddings/weight", 2)[1]
    layers = {"encoder": set[int](), "decoder": set[int]()}
    for name, variable in variables.items():
        match = _LAYER.fullmatch(name)
        if match is None or (manifest.decoder_only and match["stack"] == "encoder"):
            raise ValueError(f"{name[:80]!r} is not of this model")
        stack, part = match["stack"], match["name"]
        if match["layer"] is not None:
            layers[stack].add(int(match["layer"]))
        prefix = name.removesuffix(part)
        heads = _heads(variables, stack, prefix, width)
        for expected in _expected_shapes(variables, prefix, part, width, heads, manifest, num_source, num_target):
            if variable.shape == expected:
                break
        else:
            raise ValueError(f"{name[:80]} has the shape {list(variable.shape)}, which does not fit the model")
        _check_type(name, part, variable, heads.num_heads)
    for stack, numbers in layers.items():
        if numbers != set(range(len(numbers))) or (not numbers and not (manifest.decoder_only and stack == "encoder")):
            raise ValueError(f"layers of its {stack} are missing")
    last = variables.get("decoder/alignment_layer")
    if last is not None and not -1 <= (last.value or 0) < len(layers["decoder"]):
        raise ValueError("decoder/alignment_layer is no layer")


def _heads(variables: dict[str, _Variable], stack: str, prefix: str, width: int) -> _Heads:
    """The heads of the self-attention of a layer; grouped heads and heads of another width are written for each layer."""

    def number(name: str, default: int) -> int:
        return int(variables[name].value or 0) if name in variables else default

    num_heads = number(f"{stack}/num_heads", 0)
    of_width = f"{prefix}self_attention/head_dim"
    in_layer = prefix != f"{stack}/"
    if num_heads < 1 or (in_layer and of_width not in variables and width % num_heads):
        raise ValueError(f"{stack}/num_heads {num_heads} does not divide the width {width}")
    head_dim = number(of_width, width // num_heads)
    if not 1 <= head_dim <= WIDEST:
        raise ValueError(f"{of_width} is {head_dim}; expected 1 to {WIDEST:,}")
    num_kv_heads = number(f"{prefix}self_attention/num_heads_kv", num_heads)
    if num_kv_heads < 1 or num_heads % num_kv_heads:
        raise ValueError(f"{prefix}self_attention/num_heads_kv {num_kv_heads} does not divide {num_heads} heads")
    return _Heads(num_heads, num_kv_heads, head_dim)


def _expected_shapes(
    variables: dict[str, _Variable],
    prefix: str,
    part: str,
    width: int,
    heads: _Heads,
    manifest: Manifest,
    num_source: int,
    num_target: int,
) -> Iterator[tuple[int, ...]]:
    """Yields the shapes that a variable may have."""
    if _NORM.fullmatch(part):
        yield (width,)
    elif re.fullmatch(r"(self_attention|attention)/[qk]_norm/gamma", part):
        yield (heads.width,)
    elif part == "position_encodings/encodings":
        rows = _shape(variables, prefix + part, 2)[0]
        yield (max(rows, manifest.max_len), width)
    elif (linear := part.rpartition("/"))[2] in ("weight", "bias", "weight_scale") and _LINEAR.fullmatch(linear[0]):
        inner = _shape(variables, f"{prefix}ffn/linear_1/weight", 2)[1] if linear[0].startswith("ffn/") else 0
        sizes = {
            "self_attention/linear_0": ((heads.num_heads + 2 * heads.num_kv_heads) * heads.width, width),
            "self_attention/linear_1": (width, heads.num_heads * heads.width),
            "attention/linear_0": (width, width),
            "attention/linear_1": (2 * width, width),
            "attention/linear_2": (width, width),
            "ffn/linear_0": (inner, width),
            "ffn/linear_0_noact": (inner, width),
            "ffn/linear_1": (width, inner),
            "embeddings": (num_target, width),
            "embeddings_0": (num_source, width),
            "projection": (num_target, width),
        }
        rows, columns = sizes[linear[0]]
        if linear[2] == "weight":
            yield (rows, columns)
        else:
            yield (rows,)
            if linear[2] == "weight_scale":
                # int16 has one scale for the whole matrix.
                yield ()
    else:
        yield ()


def _shape(variables: dict[str, _Variable], name: str, num_dims: int) -> tuple[int, ...]:
    if name not in variables or len(variables[name].shape) != num_dims or 0 in variables[name].shape:
        raise ValueError(f"{name[:80]} is missing, or has not {num_dims} dimensions")
    return variables[name].shape


def _check_type(name: str, part: str, variable: _Variable, heads: int) -> None:
    if variable.shape and not part.endswith("/weight") and variable.type not in _FLOATS:
        raise ValueError(f"{name[:80]} is not of a number with fractions")
    if variable.shape and variable.type == 3:
        raise ValueError(f"{name[:80]} is of whole numbers of 32 bits, which no export writes")
    value = variable.value
    if value is None:
        return
    last = part.rpartition("/")[2]
    if not math.isfinite(value):
        raise ValueError(f"{name[:80]} is not a finite number")
    highest = {
        "activation": 7,
        "alignment_heads": heads,
        "rotary_dim": 0,
        "num_heads": 1 << 15,
        "num_heads_kv": heads,
        "head_dim": WIDEST,
    }.get(last, 1)
    if last not in ("weight_scale", "rotary_base", "alignment_layer") and not 0 <= value <= highest:
        raise ValueError(f"{name[:80]} is {value:g}; expected at most {highest}")
