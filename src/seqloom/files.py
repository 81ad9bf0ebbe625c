"""Files that are written: whole or not at all, text always as UTF-8, and one message that names the path, the cause and what to do.

Text, bytes or plain values enter; a file leaves. It is written under another name in the same folder and then moved into place, so
an interruption never leaves half a file in place of a good one. Nothing else in seqloom opens files for writing (a test checks).
"""

import contextlib
import errno
import io
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from seqloom.errors import ConfigError, OutputError

# The only way to read it is to set it.
_UMASK = os.umask(0o022)
os.umask(_UMASK)

STDIN = Path("/dev/stdin")
"""Standard input as a file, where the system has a name for it."""

_FULL = "the disk is full: make room, or choose another place"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "the quota is used up: make room, or choose another place",
    errno.EFBIG: "larger than the limit of this system or of `ulimit -f`: raise the limit, or choose another place",
    errno.EACCES: "check its permissions, or choose another place",
    errno.EPERM: "check its permissions, or choose another place",
    errno.EROFS: "choose a place that can be written",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of the path is a file: check the path",
    errno.EISDIR: "this is a folder: name a file",
    errno.EEXIST: "something else has this name already: choose another",
    errno.ENOTEMPTY: "the folder is not empty: choose another",
    errno.ELOOP: "its symbolic links lead in a circle: remove them",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "this process may open no more files: raise the limit by `ulimit -n`, or use fewer --threads",
    errno.ENFILE: "the system may open no more files: close other programs",
    errno.EIO: "the device failed: check the disk or the network",
    errno.ENXIO: "check the path",
    errno.ENODEV: "check the path",
    errno.EBUSY: "something else uses it: choose another place",
    errno.ESTALE: "the network folder is gone: mount it again",
    errno.ETXTBSY: "it is a program that runs: choose another place",
    errno.EAGAIN: "the system starts no more processes: raise the limit by `ulimit -u`, or use fewer --threads",
    errno.ENOMEM: "there is not enough memory: close other programs, or use fewer --threads",
    errno.EBADF: "it is closed: open it, or name a file to write to",
    errno.EINVAL: "check the path",
}
# These say something about the system only where it is known on what path they happened.
_NEED_PATH = (errno.EINVAL,)
# How libraries in Rust say which error of the system it was.
_SYSTEM_ERROR = re.compile(r"(?:code: |os error )(\d+)")
_LINKS = 40
_STREAM_NAME = re.compile(r"/dev/(std(in|out|err)|fd/\d+)|/proc/[^/]+(/task/\d+)?/fd/\d+")


def what_failed(error: OSError, what: str = "") -> str | None:
    """What the system refused, as one message with the path, the cause and what to do.

    Args:
        what: what could not be done, such as "cannot be written".

    Returns:
        None where the error is none that a user can cause.
    """
    number = error.errno
    remedy = _REMEDIES.get(number) if number is not None else None
    if remedy is None or (error.filename is None and number in _NEED_PATH):
        return None
    cause = error.strerror or os.strerror(number or 0)
    if error.filename is None:
        if number == errno.ENOENT and not _has_current_folder():
            return "the current folder does not exist any more; change to another folder, and try again"
        return f"{what + ': ' if what else ''}{cause}; {remedy}"
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else error.filename
    return f"{path}: {what + ': ' if what else ''}{cause}; {remedy}"


def system_error(error: Exception, path: Path) -> OSError | None:
    """What the system refused to a library that says it only in the text of its own error, as safetensors does."""
    if isinstance(error, OSError):
        return error
    found = _SYSTEM_ERROR.search(str(error))
    return OSError(int(found[1]), os.strerror(int(found[1])), str(path)) if found else None


def output_error(path: Path | str, error: OSError) -> OutputError:
    """The error of a file that cannot be written, for users."""
    named = OSError(error.errno, error.strerror or str(error), str(path))
    return OutputError(what_failed(named, "cannot be written") or f"{path}: cannot be written: {error}")


def write_text(path: Path, text: str) -> None:
    r"""Writes text as UTF-8 with "\n" between lines; half characters (lone surrogates) are written as `\udcff`.

    Raises:
        OutputError: it cannot be written; a file that was there is as it was.
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
    """Adds text to a log, which is made where there is none.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with path.open("ab", buffering=0) as stream:
            stream.write(text.encode("utf-8", errors="backslashreplace"))
    except OSError as error:
        raise output_error(path, error) from None


def sync_size(path: Path) -> int:
    """The bytes of a log, once they surely lie on the disk; a log is made where there is none.

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
    """Opens a file of a folder that becomes visible only when all of it is written; errors are the caller's to explain."""
    return io.BufferedWriter(NamedFile(path, "wb", name=str(path)))


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, where they are not there.

    Raises:
        OutputError: it cannot be made.
    """
    check_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from None


def check_folder(path: Path) -> None:
    """Checks, before any work is done, that a folder is there or can be made, and that it can be written.

    Raises:
        OutputError: it cannot.
    """
    for place in (path, *path.parents):
        try:
            found = place.stat()
        except OSError as error:
            if place.is_symlink():
                target = os.readlink(place)
                raise OutputError(
                    f"{path}: cannot be written: {place} is a link to {target}, which is not there ({error.strerror}); mount or "
                    "make its target, or choose another place"
                ) from None
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                continue
            raise output_error(path, error) from None
        if not stat.S_ISDIR(found.st_mode):
            what = "this is a file, not a folder" if place == path else f"{place} is a file, not a folder"
            raise OutputError(f"{path}: cannot be written: {what}; choose another place")
        if not os.access(place, os.W_OK | os.X_OK):
            raise OutputError(
                f"{path}: cannot be written: the folder {place} may not be written to; check its permissions, or choose another "
                "place"
            )
        return


def check_not_read(path: Path | None, option: str, read: Iterable[Path]) -> None:
    """Refuses to write where something is read from, by whatever name: another path, a link, a descriptor.

    Args:
        path: the file to write; None is standard output.
        option: what named it, for the message.
        read: files, and folders with all of their files.

    Raises:
        ConfigError: what is to be written is also read.
    """
    try:
        found = os.fstat(1) if path is None else path.stat()
    except OSError:
        return
    if not stat.S_ISREG(found.st_mode):
        return
    for place in read:
        for file in place.rglob("*") if place.is_dir() else (place,):
            with contextlib.suppress(OSError):
                if os.path.samestat(found, file.stat()):
                    shown = option if path is None else f"{option} {path}"
                    raise ConfigError(
                        f"{shown}: this is the same file as {file}, which is read; it would be lost. Name another file"
                    )


@contextmanager
def writing(path: Path, *, keep: bool = False) -> Iterator[IO[bytes]]:
    """A stream whose content becomes the file in one step at the end; pipes and devices are written directly.

    Args:
        keep: whether what was written before an error or Ctrl-C stays, as PATH.partial.

    Raises:
        OutputError: it cannot be written; a file that was there is as it was.
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
    """A path to write to by whatever means; the file there becomes `path` in one step at the end.

    The mode and owner of a file that is replaced stay, and a symbolic link stays a link: its target is replaced.

    Args:
        keep: as for `writing`.

    Raises:
        OutputError: it cannot be written; a file that was there is as it was.
    """
    try:
        target, before = _target(path)
    except OSError as error:
        raise output_error(path, error) from None
    if before is not None and (not stat.S_ISREG(before.st_mode) or _is_stream_name(target)):
        yield from _explained(path, target)
        return
    temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}.tmp")
    try:
        _touch(temporary)
    except OSError as error:
        if target != path and before is None:
            raise output_error(f"{path} (a link to {target})", error) from None
        in_place = before is not None and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        if not (in_place and os.access(target, os.W_OK)):
            raise output_error(path, error) from None
        # A file that may be written in a folder that may not, such as one that is mounted into a container.
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
                os.replace(temporary, partial_name(path))
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def partial_name(path: Path) -> Path:
    """Where what was written before an error is kept."""
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
    """Yields the path; errors of that file become the user's error, all others pass."""
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
        if before is not None:
            if hasattr(os, "chown") and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                with contextlib.suppress(OSError):
                    os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(stat.S_IMODE(before.st_mode))
        else:
            # Weights are written for their owner alone; a run folder is to be shared like any other files.
            temporary.chmod(0o666 & ~_UMASK)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        try:
            os.replace(temporary, target)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            # A single file that is mounted can be filled, but not be replaced.
            shutil.copyfile(temporary, target)
    except OSError as error:
        raise output_error(path, error) from None


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """The file behind symbolic links, and what is there now; for a stream of this process the path as it is."""
    place = path
    for _ in range(_LINKS):
        if _is_stream_name(place):
            return place, place.stat()
        if not place.is_symlink():
            break
        place = place.parent / os.readlink(place)
    if place == path:
        check_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = place.stat()
    except FileNotFoundError:
        return place, None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return place, found


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


def _has_current_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True
