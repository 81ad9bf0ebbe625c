"""Lines of text in and out of a verb, whatever they hold: one line in is one line out.

Files (compressed or not) or standard input enter as text without line ends, text leaves as UTF-8 lines. Bytes that are not
UTF-8 are replaced and counted, never fatal: a stream of a million lines must not end because of one.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedIOBase
from pathlib import Path
from typing import IO

from seqloom.errors import CorpusError


class Lines:
    """The lines of a file or of standard input; reading counts them.

    Attributes:
        count: lines read so far.
        undecodable: lines so far that held bytes which are not UTF-8, in which they were replaced by U+FFFD.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.count = 0
        self.undecodable = 0

    def __iter__(self) -> Iterator[str]:
        with self._open() as stream:
            for raw in stream:
                # Only \n ends a line: str.splitlines would also cut at U+2028 and break the alignment with other files.
                line = raw.removesuffix(b"\n").removesuffix(b"\r")
                self.count += 1
                try:
                    text = line.decode("utf-8")
                except UnicodeDecodeError:
                    self.undecodable += 1
                    text = line.decode("utf-8", errors="replace")
                yield text.removeprefix("\ufeff") if self.count == 1 else text

    def _open(self) -> "AbstractContextManager[IO[bytes] | BufferedIOBase]":
        if self._path is None:
            return nullcontext(sys.stdin.buffer)
        from seqloom.corpus.reading import Reading
        from seqloom.corpus.streams import Place, open_bytes

        return open_bytes(Place(self._path), Reading())


def one_line(text: str) -> str:
    """The text with line ends and tabs as spaces, so that it is one field of one line."""
    return " ".join(text.splitlines()).replace("\t", " ")


def output(path: Path | None) -> AbstractContextManager[IO[bytes]]:
    """Where results go: a file, or standard output."""
    if path is None:
        return nullcontext(sys.stdout.buffer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be written: {error.strerror}") from None
