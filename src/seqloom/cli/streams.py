"""The standard streams of the command: their encoding, and what happens if they are closed or cannot be written.

- Standard output into a file or a pipe is UTF-8 with "\\n" at the ends of lines. A terminal gets its own encoding; what it cannot
  show, and control characters, are written as escapes such as `\\u6570` and `\\x1b`. If results cannot be written, it is an error.
- Standard error holds progress and notes. They are escaped in the same way; if they cannot be written, the command continues.
- Closed standard input is empty. Results on closed standard output are an error; messages about written files are left out.
"""

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

STDOUT = "standard output"

# Control characters except tabs and line ends, and characters that reverse the direction of text or end lines invisibly.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""The text with control characters as escapes (`\x1b`), since they would control the terminal."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Sets up the standard streams as described above while a command runs; streams that were replaced before do not change."""
    closed = _open_closed()
    before = sys.stdin, sys.stdout, sys.stderr
    made: list[io.TextIOWrapper] = []
    if sys.stdin is None or 0 in closed:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(os.devnull)), encoding="utf-8")
    elif sys.stdin is sys.__stdin__ and isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if sys.stdout is None or 1 in closed:
        sys.stdout = ClosedResults()
    elif sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = ResultStream(sys.stdout)
        made.append(sys.stdout)
    if sys.stderr is None or 2 in closed:
        sys.stderr = io.TextIOWrapper(io.BufferedWriter(io.FileIO(os.devnull, "w")), encoding="utf-8")
    elif sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = Notes(sys.stderr)
        made.append(sys.stderr)
    try:
        yield
    finally:
        for stream in made:
            _give_back(stream)
        for opened, first in zip((sys.stdin, sys.stdout, sys.stderr), before, strict=True):
            if opened is not first and opened not in made:
                opened.close()
        sys.stdin, sys.stdout, sys.stderr = before


def results_are_wanted() -> bool:
    """Whether standard output is open."""
    return not isinstance(sys.stdout, ClosedResults)


def styled(stream: TextIO) -> Any:
    """The stream for a library that writes colours and escapes control characters itself."""
    return _Styled(stream) if isinstance(stream, _Escaping) else stream


class _Escaping(io.TextIOWrapper):
    """A text stream over the bytes of another stream; it escapes control characters."""

    def __init__(self, stream: io.TextIOWrapper, *, everywhere: bool) -> None:
        terminal = stream.isatty()
        super().__init__(
            stream.buffer,
            encoding=stream.encoding if terminal else "utf-8",
            errors="backslashreplace",
            newline=None if terminal else "\n",
            line_buffering=terminal or everywhere,
        )
        self._escapes = terminal or everywhere

    def write(self, text: str) -> int:
        """Writes text; control characters are escaped on a terminal, and always on standard error."""
        return self.write_styled(printable(text) if self._escapes else text)

    def write_styled(self, text: str) -> int:
        """Writes text as it is."""
        return super().write(text)


class ResultStream(_Escaping):
    """Standard output; its errors name it, so that they can be told from errors of files."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(stream, everywhere=False)

    def write_styled(self, text: str) -> int:
        """Writes text as it is."""
        return _named(lambda: super(ResultStream, self).write_styled(text))

    def flush(self) -> None:
        """Writes what waits."""
        _named(super().flush)


class Notes(_Escaping):
    """Standard error; the command continues if a note cannot be written."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(stream, everywhere=True)

    def write_styled(self, text: str) -> int:
        """Writes text as it is, if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            super().write_styled(text)
        return len(text)

    def flush(self) -> None:
        """Writes what waits, if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            super().flush()


class ClosedResults(io.StringIO):
    """Standard output that was closed before the command began."""

    def write(self, text: str) -> int:
        """Fails, since the results would be lost."""
        raise OSError(errno.EBADF, "is closed", STDOUT)


class _Styled:
    def __init__(self, stream: _Escaping) -> None:
        self._stream = stream
        self.write = stream.write_styled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _named(write: Callable[[], Any]) -> Any:
    try:
        return write()
    except OSError as error:
        if sys.platform == "win32" and error.errno == errno.EINVAL:
            # On Windows this error means that the program that reads the pipe has ended.
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
        error.filename = error.filename or STDOUT
        raise


def _open_closed() -> set[int]:
    """Opens closed descriptors on nothing: the next file that is opened would otherwise get, say, what others print to."""
    closed = set()
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            closed.add(number)
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    return closed


def _give_back(stream: io.TextIOWrapper) -> None:
    """Returns the bytes to the original stream; text that could not be written is not tried again when the interpreter ends."""
    try:
        stream.detach().flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1 if isinstance(stream, ResultStream) else 2)
            os.close(nothing)
        with contextlib.suppress(ValueError):  # It may have been returned before.
            stream.detach()
