"""Writes files: completely or not at all, text always as UTF-8, and with one clear message if a file cannot be written.

A file is written under a temporary name in the same folder and then moved into place, so an interruption never leaves half a file
instead of a good one. Nothing else in seqloom opens files for writing (a test checks this).
"""

import contextlib
import errno
import io
import json
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from seqloom.errors import ConfigError, OutputError
from seqloom.path_names import check_name, shortened
from seqloom.system_errors import output_error

# The umask. It can only be read by setting it.
_UMASK = os.umask(0o022)
os.umask(_UMASK)

STDIN = Path("/dev/stdin")
"""Standard input as a file, where the system has a name for it."""

_LINKS = 40
# Windows refuses to move a file for as long as a virus scanner or an indexer reads it: waits in seconds between attempts.
_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8)
_STREAM_NAME = re.compile(r"/dev/(std(in|out|err)|fd/\d+)|/proc/[^/]+(/task/\d+)?/fd/\d+")


def write_text(path: Path, text: str) -> None:
    r"""Writes text as UTF-8 with "\n" between lines; half characters (lone surrogates) are written as `\udcff`.

    Raises:
        OutputError: the file cannot be written; an older file of that name is unchanged.
    """
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Writes plain values as JSON.

    Raises:
        OutputError: as `write_text`.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes bytes.

    Raises:
        OutputError: as `write_text`.
    """
    with writing(path) as stream:
        stream.write(content)


def model_json(model: Any, *, indent: int) -> str:
    """A pydantic model as JSON, also where a file name in it holds bytes that are not UTF-8."""
    try:
        return str(model.model_dump_json(indent=indent))
    except ValueError:  # Lone surrogates, which stand for such bytes; they become text.
        return str(type(model).model_validate(_without_surrogates(model.model_dump())).model_dump_json(indent=indent))


def append_text(path: Path, text: str) -> None:
    """Appends text to a log, which is created if it does not exist.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with path.open("ab", buffering=0) as stream:
            stream.write(text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise output_error(path, error) from None


def sync_size(path: Path) -> int:
    """Waits until a log is stored on the disk, and returns its size in bytes; a missing log is created.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with path.open("ab") as log:
            os.fsync(log.fileno())
            return log.tell()
    except OSError as error:
        raise output_error(path, error) from None


def cut(path: Path, size: int) -> None:
    """Cuts a log to its first `size` bytes.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with path.open("ab") as log:
            log.truncate(size)
    except OSError as error:
        raise output_error(path, error) from None


def open_new(path: Path) -> IO[bytes]:
    """Opens a file of a folder that becomes visible only when it is complete; the caller explains errors."""
    return io.BufferedWriter(NamedFile(path, "wb", name=str(path)))


def make_folder(path: Path) -> None:
    """Makes a folder and its parent folders, if they do not exist.

    Raises:
        OutputError: it cannot be made.
    """
    check_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from None


def check_folder(path: Path) -> None:
    """Checks, before any work is done, that a folder exists or can be made, and that files can be written into it.

    Raises:
        OutputError: it cannot.
    """
    check_name(path)
    for folder in (path, *path.parents):
        try:
            status = folder.stat()
        except OSError as error:
            if folder.is_symlink():
                target = os.readlink(folder)
                raise OutputError(
                    f"{path}: cannot be written: {folder} is a link to {target}, which is not there ({error.strerror}); mount or "
                    "make its target, or choose another path"
                ) from None
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                continue
            raise output_error(path, error) from None
        if not stat.S_ISDIR(status.st_mode):
            what = "this is a file, not a folder" if folder == path else f"{folder} is a file, not a folder"
            raise OutputError(f"{path}: cannot be written: {what}; choose another path")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(
                f"{path}: cannot be written: the folder {folder} may not be written to; check its permissions, or choose another "
                "path"
            )
        return


def check_not_read(path: Path | None, option: str, read: Iterable[Path]) -> None:
    """Checks that a file to write is not also read, under any of its names: another path, a link, a descriptor.

    Args:
        path: the file to write; None is standard output.
        option: the option that named the file, for the message.
        read: files, and folders with all of their files.

    Raises:
        ConfigError: the file to write is also read.
    """
    try:
        status = os.fstat(1) if path is None else path.stat()
    except OSError:
        return
    if not stat.S_ISREG(status.st_mode):
        return
    for path_read in read:
        for file in path_read.rglob("*") if path_read.is_dir() else (path_read,):
            with contextlib.suppress(OSError):
                if os.path.samestat(status, file.stat()):
                    shown = option if path is None else f"{option} {path}"
                    raise ConfigError(
                        f"{shown}: this is the same file as {file}, which is read; it would be lost. Name another file"
                    )


@contextmanager
def writing(path: Path, *, keep: bool = False) -> Iterator[IO[bytes]]:
    """A stream to write to; at the end its content becomes the file in one step. Pipes and devices are written directly.

    Args:
        keep: whether the part that was written before an error or Ctrl-C is kept, as PATH.partial.

    Raises:
        OutputError: the file cannot be written; an older file of that name is unchanged.
    """
    with replacing(path, keep=keep) as temporary:
        mode = "wb" if _is_temporary(temporary) else "ab"
        try:
            stream = io.BufferedWriter(NamedFile(temporary, mode, name=str(path)))
        except OSError as error:
            raise output_error(path, error) from None
        try:
            yield stream
        except BaseException:
            with contextlib.suppress(OSError):
                stream.close()
            raise
        stream.close()


@contextmanager
def replacing(path: Path, *, keep: bool = False) -> Iterator[Path]:
    """A temporary path to write to; at the end the file there becomes `path` in one step.

    The mode and owner of a file that is replaced stay, and a symbolic link stays a link: its target is replaced.

    Args:
        keep: as for `writing`.

    Raises:
        OutputError: the file cannot be written; an older file of that name is unchanged.
    """
    try:
        target, before = _target(path)
    except OSError as error:
        raise output_error(path, error) from None
    if before is not None and (not stat.S_ISREG(before.st_mode) or _is_stream_name(target)):
        yield from _explained(path, target)
        return
    temporary = target.with_name(f".{shortened(target.name)}.{os.getpid()}.tmp")
    try:
        _touch(temporary)
    except OSError as error:
        if target != path and before is None:
            raise output_error(f"{path} (a link to {target})", error) from None
        in_place = before is not None and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        if not (in_place and os.access(target, os.W_OK)):
            raise output_error(path, error) from None
        # The file may be written, but not its folder; for example, a file that is mounted into a container.
        write_to = target
    else:
        write_to = temporary
    try:
        yield from _explained(path, write_to)
        if write_to is temporary:
            _finish(path, temporary, target, before)
    except BaseException:
        with contextlib.suppress(OSError):
            if keep and temporary.stat().st_size:
                move(temporary, partial_name(path))
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Moves a file or a folder to `target` in one step; a file that is there is replaced.

    Windows refuses this while another program has one of the files open, so on Windows the move is repeated for about 1.5 seconds.

    Raises:
        OSError: it cannot be moved.
    """
    for seconds in _WAITS if sys.platform == "win32" else ():
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if target.is_dir():  # Waiting does not help: Windows never replaces a folder.
                raise
            time.sleep(seconds)
    os.replace(source, target)


def partial_name(path: Path) -> Path:
    """The path under which the part that was written before an error is kept: PATH.partial."""
    return path.with_name(f"{path.name}.partial")


class NamedFile(io.FileIO):
    """A file whose errors say which file it is, under the name that the user gave."""

    def __init__(self, file: Path | int, mode: str, *, name: str, closefd: bool = True) -> None:
        super().__init__(file, mode, closefd=closefd)
        self.shown_as = name

    def write(self, content: Any) -> int:
        """Writes bytes."""
        try:
            return super().write(content) or 0
        except OSError as error:
            error.filename = self.shown_as
            raise


def _explained(path: Path, write_to: Path) -> Iterator[Path]:
    """Yields the path; an OSError about this file becomes an OutputError, all other errors pass."""
    try:
        yield write_to
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None and str(error.filename) not in (str(path), str(write_to)):
            raise
        if error.filename is None and error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO):
            raise
        raise output_error(path, error) from None


def _finish(path: Path, temporary: Path, target: Path, before: os.stat_result | None) -> None:
    try:
        # Windows syncs only a file that is open for writing, and the mode below may forbid to open it so.
        with open(temporary, "r+b") as written:
            os.fsync(written.fileno())
        if before is not None:
            if sys.platform != "win32" and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                with contextlib.suppress(OSError):
                    os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(stat.S_IMODE(before.st_mode))
        else:
            # Files of weights are created for their owner only; they get the usual permissions, so that a run folder can be shared.
            temporary.chmod(0o666 & ~_UMASK)
        try:
            move(temporary, target)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            # A single mounted file can be overwritten, but not replaced.
            shutil.copyfile(temporary, target)
    except OSError as error:
        raise output_error(path, error) from None


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """The file behind symbolic links and its current status; a path of a stream of this process is returned unchanged."""
    target = path
    for _ in range(_LINKS):
        if _is_stream_name(target):
            return target, target.stat()
        if not target.is_symlink():
            break
        target = target.parent / os.readlink(target)
    if target == path:
        check_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        status = target.stat()
    except FileNotFoundError:
        check_name(target)
        return target, None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return target, status


def _is_stream_name(path: Path) -> bool:
    """Whether a path names an open stream of a process, which has a position and must be added to, not replaced."""
    return _STREAM_NAME.fullmatch(os.path.abspath(path)) is not None


def _is_temporary(path: Path) -> bool:
    return path.name.endswith(f".{os.getpid()}.tmp")


def _touch(path: Path) -> None:
    with path.open("wb"):
        pass


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", errors="backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_without_surrogates, value))
    return value
