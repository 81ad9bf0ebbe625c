"""Reads small files from other people with limits: reading such a file cannot hang, fill the memory or end in a traceback.

The functions return bytes, text or plain values. They read only regular files, and only inside the folder that the file belongs to.
Size, depth of nesting and the length of numbers have limits. Content that is ambiguous (a repeated key) or that would grow while it
is read (YAML aliases) is an error. This module does not know what the files mean.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from seqloom.errors import CheckpointError, SeqloomError

MEBIBYTE = 1 << 20
MAX_JSON_BYTES = 16 * MEBIBYTE
"""Size limit of a JSON file, unless the caller gives another. Text of this size becomes at most half a gigabyte of values."""
MAX_DEPTH = 32
"""Limit of the levels of nested lists and mappings. Files of seqloom have fewer than ten."""
MAX_DIGITS = 30
"""Limit of the digits of a whole number: more than any count or time needs, and few enough to become a float."""

# Characters that control a terminal: C0 without the tab, DEL, C1, and marks that change the direction of text.
_CONTROLS = {
    code: f"\\u{code:04x}"
    for code in (*range(9), *range(10, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@contextmanager
def open_file(
    path: Path, *, max_bytes: int | None = None, within: Path | None = None, error: type[SeqloomError] = CheckpointError
) -> Iterator[IO[bytes]]:
    """Opens a regular file for reading; a pipe or a device, which could block, is an error.

    Args:
        max_bytes: the largest size of the file.
        within: the folder that must contain the file, also after links are followed.
        error: the class of the errors that are raised.

    Raises:
        FileNotFoundError: there is no such file.
        SeqloomError: it is not a regular file, lies elsewhere, is too large, or cannot be read.
    """
    try:
        with os.fdopen(_open(path, max_bytes, within, error), "rb") as stream:
            yield stream
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise error(f"{path}: cannot be read: {_reason(problem)}") from None


def _open(path: Path, max_bytes: int | None, within: Path | None, error: type[SeqloomError]) -> int:
    if "\0" in str(path):
        raise error(f"{str(path)!r}: a zero byte stands in this path")
    if within is not None:
        _check_inside(path, within, error)
    # This check comes before opening: opening a pipe may block, and opening a device may have effects.
    _check_kind(path, os.stat(path), max_bytes, error)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    opened = os.open(path, flags)
    try:
        # The check is repeated, because the file may have been replaced meanwhile.
        _check_kind(path, os.fstat(opened), max_bytes, error)
    except BaseException:
        os.close(opened)
        raise
    return opened


def read_bytes(
    path: Path, *, max_bytes: int, within: Path | None = None, error: type[SeqloomError] = CheckpointError
) -> bytes:
    """The bytes of a regular file; see `open_file`."""
    with open_file(path, max_bytes=max_bytes, within=within, error=error) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise error(_too_large(path, len(content), max_bytes))
    return content


def read_text(
    path: Path, *, max_bytes: int, within: Path | None = None, error: type[SeqloomError] = CheckpointError
) -> str:
    """The text of a regular UTF-8 file; see `open_file`."""
    content = read_bytes(path, max_bytes=max_bytes, within=within, error=error)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise error(
            f"{path}:{line}: cannot be read: it is not UTF-8 (byte 0x{content[problem.start]:02x}); the file is damaged or in "
            "another encoding"
        ) from None


def read_json(
    path: Path,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    within: Path | None = None,
    allow_nan: bool = False,
    error: type[SeqloomError] = CheckpointError,
) -> Any:
    """The values of a JSON file; see `open_file` and `parse_json`.

    Raises:
        FileNotFoundError: there is no such file.
        SeqloomError: the file cannot be read, or is not JSON within the limits.
    """
    text = read_text(path, max_bytes=max_bytes, within=within, error=error)
    try:
        return parse_json(text, allow_nan=allow_nan)
    except ValueError as problem:
        raise error(f"{path}: damaged: {problem}; take it from where the folder came from again") from None


def parse_json(text: str, *, allow_nan: bool = False) -> Any:
    """Values of JSON text.

    Args:
        allow_nan: whether NaN and Infinity, which are not part of JSON, are read as numbers.

    Raises:
        ValueError: the text is not JSON, or is outside the limits; the message names the problem.
    """
    try:
        values = json.loads(
            text,
            parse_int=_parse_int,
            parse_constant=None if allow_nan else _refuse_constant,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as problem:
        raise ValueError(f"not valid JSON: {problem}") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check_values(values, surrogates="\\ud" in text or "\\uD" in text)
    return values


_TOO_DEEP = f"lists and mappings stand more than {MAX_DEPTH} deep inside one another"


def _check_values(values: Any, *, surrogates: bool) -> None:
    """Checks for deep nesting, and for halves of surrogate pairs, which no UTF-8 file can contain."""
    level, depth = [values], 0
    while level:
        containers = [value for value in level if isinstance(value, dict | list)]
        depth += bool(containers)
        if depth > MAX_DEPTH:
            raise ValueError(_TOO_DEEP)
        if surrogates:
            _check_texts(level)
        level = []
        for value in containers:
            level += value.values() if isinstance(value, dict) else value
            if surrogates and isinstance(value, dict):
                level += value


def _check_texts(values: Sequence[Any]) -> None:
    for value in values:
        if isinstance(value, str):
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                raise ValueError("a text in it holds half a surrogate pair, which is no character") from None


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits ({digits[:10]}…)")
    return int(digits)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} stands where a number is expected")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:80]!r} stands twice in one mapping")
            seen.add(key)
    return values


def _check_inside(path: Path, folder: Path, error: type[SeqloomError]) -> None:
    real, root = os.path.realpath(path), os.path.realpath(folder)
    if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
        raise error(
            f"{path}: a link that leads out of {folder}, to {real}; what belongs to a folder must lie in it: put the file itself "
            "there, if you trust it"
        )


def _check_kind(path: Path, status: os.stat_result, max_bytes: int | None, error: type[SeqloomError]) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "no regular file")
        raise error(f"{path}: is {kind}; expected a file")
    if max_bytes is not None and status.st_size > max_bytes:
        raise error(_too_large(path, status.st_size, max_bytes))


def _too_large(path: Path, size: int, max_bytes: int) -> str:
    return f"{path}: has {size:,} bytes, but such a file has at most {max_bytes:,}; it is not what seqloom wrote"


def _reason(problem: OSError) -> str:
    if problem.errno == errno.ELOOP:
        return "its links lead in a circle"
    return problem.strerror or str(problem)


def printable(line: str) -> str:
    """A line with control characters written as escapes, so that a text cannot move the cursor or change the screen."""
    return line.translate(_CONTROLS)
