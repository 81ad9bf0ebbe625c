"""Copies pipes and standard input into the user's cache, because they can be read only once."""

import hashlib
import os
import re
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from seqloom.corpus.cache import cache_folder
from seqloom.corpus.file_signatures import compression_suffix
from seqloom.errors import CorpusError

RETENTION_DAYS = 30
"""After this number of days without use, a copy is deleted when the next copy is made."""

_PIECE_BYTES = 1 << 20
_SECONDS_PER_DAY = 86_400
# The days after which each kind of copy is deleted. Partial copies remain only if their process was killed.
_RETENTION = {"stdin-*": RETENTION_DAYS, "pipe-*": RETENTION_DAYS, "partial-*": 1}
# The copies that this process made, because a pipe cannot be read again.
_copies: dict[tuple[str, int, int], Path] = {}
# Names of file descriptors. On Linux, opening such a name reads the file from its start; on macOS, from the current position.
_DESCRIPTOR = re.compile(r"/dev/(stdin|fd/\d+)")


def is_stream(path: str | Path) -> bool:
    """Whether a path names standard input ("-"), a pipe, or a device: data that can be read only once."""
    try:
        if str(path) == "-":
            return not Path("-").exists()
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    if stat.S_ISREG(mode) and sys.platform != "linux" and _DESCRIPTOR.fullmatch(str(path)):
        return True
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def regular_file(path: str | Path) -> Path:
    """The path of a copy of a stream. Other paths and names are returned unchanged.

    Raises:
        CorpusError: the stream is a terminal, a device or empty, or the copy cannot be written.
    """
    if not is_stream(path):
        return Path(path)
    is_stdin = str(path) in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
    try:
        status = os.fstat(sys.stdin.fileno()) if is_stdin else os.stat(path)
    except (OSError, ValueError, AttributeError):
        raise CorpusError(f"{path}: there is no standard input; name a file, or pipe the data in") from None
    key = ("-" if is_stdin else str(path), status.st_dev, status.st_ino)
    if key not in _copies:
        _check_no_device(path, status)
        if is_stdin:
            _copies[key] = _copy(sys.stdin.buffer, "standard input", "stdin")
        else:
            try:
                with open(path, "rb") as stream:
                    _copies[key] = _copy(stream, str(path), "pipe")
            except OSError as error:
                raise CorpusError(f"{path}: cannot be read: {error.strerror}") from None
    return _copies[key]


def describe_copy(path: str | Path, copy: Path) -> str:
    """A sentence for the user about the copy of a stream."""
    name = "standard input" if str(path) in ("-", "/dev/stdin") else f"{path} (a pipe)"
    return f"{name} can be read only once, so its content was copied to {copy} (deleted after {RETENTION_DAYS} days without use)."


def _check_no_device(path: str | Path, status: os.stat_result) -> None:
    if stat.S_ISCHR(status.st_mode):
        # On Windows, devices have no numbers.
        if sys.platform != "win32" and status.st_rdev == os.stat(os.devnull).st_rdev:
            raise CorpusError(f"{'standard input' if str(path) == '-' else path}: is empty")
        raise CorpusError(f"{path}: is a terminal or a device, not data; name a file, or pipe the data in")
    if stat.S_ISBLK(status.st_mode) or stat.S_ISSOCK(status.st_mode):
        raise CorpusError(f"{path}: is a device or a socket; expected a file or a pipe")


def _copy(stream: BinaryIO, description: str, prefix: str) -> Path:
    """Copies a stream into a file whose name contains its checksum and the suffix of its compression."""
    digest = hashlib.sha256()
    start = b""
    folder = _writable_folder()
    if folder == cache_folder("streams"):
        _delete_old_copies(folder)
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix="partial-")
        partial = Path(temporary)
        try:
            with open(handle, "wb") as file:
                while piece := stream.read(_PIECE_BYTES):
                    start = start or piece[:16]
                    digest.update(piece)
                    file.write(piece)
            if not start:
                raise CorpusError(f"{description}: is empty")
            target = folder / f"{prefix}-{digest.hexdigest()[:16]}{compression_suffix(start)}"
            partial.replace(target)
            return target
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise CorpusError(
            f"{description}: can be read only once, and its content cannot be stored in {folder} ({error.strerror}); "
            "write it to a file, and name that file"
        ) from None


def _writable_folder() -> Path:
    """The folder of copies in the cache, or the folder of temporary files if that cannot be written."""
    folder = cache_folder("streams")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.gettempdir())


def _delete_old_copies(folder: Path) -> None:
    now = time.time()
    for pattern, days in _RETENTION.items():
        for path in folder.glob(pattern):
            try:
                status = path.stat()
                if (
                    now - max(status.st_atime, status.st_mtime) > days * _SECONDS_PER_DAY
                    and path not in _copies.values()
                ):
                    path.unlink()
            except OSError:  # another process deleted it, or it belongs to another user
                continue
