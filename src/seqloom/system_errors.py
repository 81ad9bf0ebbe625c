"""Explains errors of the operating system to users in one message: the path, the cause and what to do."""

import errno
import os
import re
import sys
from pathlib import Path

from seqloom.errors import OutputError

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space, or choose another path",
    errno.EDQUOT: "the quota is used up: free some space, or choose another path",
    errno.EFBIG: "larger than the limit of this system or of `ulimit -f`: raise the limit, or choose another path",
    errno.EACCES: "check its permissions, or choose another path",
    errno.EPERM: "check its permissions, or choose another path",
    errno.EROFS: "choose a path that can be written",
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
    errno.EBUSY: "something else uses it: choose another path",
    errno.ESTALE: "the network folder is gone: mount it again",
    errno.ETXTBSY: "it is a program that runs: choose another path",
    errno.EAGAIN: "the system starts no more processes: raise the limit by `ulimit -u`, or use fewer --threads",
    errno.ENOMEM: "there is not enough memory: close other programs, or use fewer --threads",
    errno.EBADF: "it is closed: open it, or name a file to write to",
    errno.EINVAL: "check the path",
    errno.EILSEQ: "the name contains a character that this system does not accept: choose another name",
}
# With a path, these are errors of the system; without a path, they are bugs of the program.
_NEED_PATH = (errno.EINVAL,)
# How libraries written in Rust name the number of the system's error in their messages.
_SYSTEM_ERROR = re.compile(r"(?:code: |os error )(\d+)")
# Windows has other numbers; these are its errors about files (winerror.h).
_WINDOWS_ERRORS = {
    2: errno.ENOENT,
    3: errno.ENOENT,
    4: errno.EMFILE,
    5: errno.EACCES,
    8: errno.ENOMEM,
    19: errno.EROFS,
    32: errno.EACCES,
    33: errno.EACCES,
    39: errno.ENOSPC,
    112: errno.ENOSPC,
    123: errno.EINVAL,
    206: errno.ENAMETOOLONG,
    1224: errno.EACCES,
}
# Windows refuses to replace or remove a file that another program has open (32, 33) or has mapped into memory (1224).
_OPEN_ELSEWHERE = (32, 33, 1224)
_LONGEST_WINDOWS_PATH = 259


def explain_os_error(error: OSError, what: str = "") -> str | None:
    """Explains an error of the system in one message with the path, the cause and what to do.

    Args:
        what: the action that failed, such as "cannot be written".

    Returns:
        The message, or None for an error that a user cannot cause.
    """
    number = error.errno
    remedy = _windows_remedy(error) or (_REMEDIES.get(number) if number is not None else None)
    if remedy is None or (error.filename is None and number in _NEED_PATH):
        return None
    cause = error.strerror or os.strerror(number or 0)
    if error.filename is None:
        if number == errno.ENOENT and not _has_current_folder():
            return "the current folder does not exist any more; change to another folder, and try again"
        return f"{what + ': ' if what else ''}{cause}; {remedy}"
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else error.filename
    return f"{path}: {what + ': ' if what else ''}{cause}; {remedy}"


def as_os_error(error: Exception, path: Path) -> OSError | None:
    """The system's error behind a library's own error, or None: safetensors names it only in the text of its error."""
    if isinstance(error, OSError):
        return error
    match = _SYSTEM_ERROR.search(str(error))
    if match is None:
        return None
    code = int(match[1])
    if sys.platform != "win32":
        return OSError(code, os.strerror(code), str(path))
    number = _WINDOWS_ERRORS.get(code, errno.EINVAL)
    system_error = OSError(number, os.strerror(number), str(path))
    system_error.winerror = code
    return system_error


def output_error(path: Path | str, error: OSError) -> OutputError:
    """The error of a file that cannot be written, for users."""
    named = OSError(error.errno, error.strerror or str(error), str(path))
    if sys.platform == "win32":
        named.winerror = getattr(error, "winerror", 0) or 0
    return OutputError(explain_os_error(named, "cannot be written") or f"{path}: cannot be written: {error}")


def _windows_remedy(error: OSError) -> str | None:
    """What to do about an error that only Windows has."""
    if sys.platform != "win32":
        return None
    if getattr(error, "winerror", None) in _OPEN_ELSEWHERE:
        return "another program has it open: close it there, or choose another path"
    long = isinstance(error.filename, str) and len(os.path.abspath(error.filename)) > _LONGEST_WINDOWS_PATH
    if long and error.errno in (errno.ENOENT, errno.EINVAL, errno.ENAMETOOLONG):
        return f"its path has more than {_LONGEST_WINDOWS_PATH} characters: choose a shorter one, or let Windows use long paths"
    return None


def _has_current_folder() -> bool:
    """Whether the current folder still exists."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True
