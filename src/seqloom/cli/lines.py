"""Where a verb's lines go: each result is one field of one line, in a file or on standard output.

Texts enter, UTF-8 bytes leave. How lines are read is the corpus room's matter.
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from seqloom.errors import SeqloomError


def one_line(text: str) -> str:
    """The text with line ends and tabs as spaces, so that it is one field of one line."""
    return " ".join(text.splitlines()).replace("\t", " ")


def output(path: Path | None) -> AbstractContextManager[IO[bytes]]:
    """Where results go: a file, or standard output.

    Raises:
        SeqloomError: the file cannot be written.
    """
    if path is None:
        return nullcontext(sys.stdout.buffer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise SeqloomError(f"{path}: cannot be written: {error.strerror}") from None
