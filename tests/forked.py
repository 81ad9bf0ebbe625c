"""Commands in copies of this process, which has imported everything: as in a process of their own, but at once."""

import io
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqloom.cli import main

# What a stream can be besides the path of a file.
CLOSED, FULL, GONE = "closed", "full", "gone"


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote to streams that could be written."""

    status: int
    out: bytes
    err: str


def run_forked(
    argv: Sequence[object],
    folder: Path,
    *,
    stdin: bytes | str = b"",
    stdout: str = "",
    stderr: str = "",
    before: Callable[[], None] = lambda: None,
) -> Done:
    """Runs a command with its own standard streams.

    Args:
        folder: where what it writes is kept meanwhile.
        stdin: its content, or CLOSED.
        stdout: CLOSED, FULL, GONE, or nothing for a file.
        before: what the copy does first.
    """
    for name in ("stdout", "stderr", "traceback"):
        (folder / name).unlink(missing_ok=True)
    (folder / "stdin").write_bytes(b"" if isinstance(stdin, str) else stdin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of copies of a process with threads.
        child = os.fork()
    if child == 0:
        status = 1
        try:
            _redirect(folder, stdin, stdout, stderr)
            try:
                before()
                status = main([str(word) for word in argv])
            except BaseException:
                (folder / "traceback").write_text(traceback.format_exc(), encoding="utf-8")
            status = _finish(status)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    out, err, trace = (
        (folder / name).read_bytes() if (folder / name).exists() else b"" for name in ("stdout", "stderr", "traceback")
    )
    return Done(os.waitstatus_to_exitcode(status), out, (err + trace).decode("utf-8", errors="replace"))


def _redirect(folder: Path, stdin: bytes | str, stdout: str, stderr: str) -> None:
    kinds = (CLOSED if isinstance(stdin, str) else "", stdout, stderr)
    for number, (kind, name) in enumerate(zip(kinds, ("stdin", "stdout", "stderr"), strict=True)):
        if kind == CLOSED:
            os.close(number)
            continue
        if kind == GONE:
            read, opened = os.pipe()
            os.close(read)
        elif kind == FULL:
            opened = os.open("/dev/full", os.O_WRONLY)
        else:
            opened = os.open(folder / name, os.O_RDONLY if number == 0 else os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = sys.__stdin__ = None if kinds[0] == CLOSED else _reading()  # type: ignore
    sys.stdout = sys.__stdout__ = None if stdout == CLOSED else _text(1)  # type: ignore
    sys.stderr = sys.__stderr__ = None if stderr == CLOSED else _text(2)  # type: ignore


def _reading() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")


def _text(number: int) -> io.TextIOWrapper:
    # As narrow as a terminal's may be: what depends on it shows.
    return io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(number, "wb", closefd=False)), encoding="ascii", errors="strict"
    )


def _finish(status: int) -> int:
    """What the interpreter does at its end, with the status that it makes of a failure."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as error:
            os.write(2, f"Exception ignored: {error!r}".encode())
            return 120
    return status
