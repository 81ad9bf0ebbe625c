"""Lines of text of files and of standard input.

Lines end only at "\\n" or "\\r\\n". If a line separator U+2028 or a vertical tab inside a sentence ended a line, two aligned files
would no longer be aligned.
"""

import io
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from seqloom.corpus.encodings import advise
from seqloom.corpus.input_file import InputFile, open_bytes
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.utf16 import Utf16Stream, decode_utf16
from seqloom.errors import CorpusError

_MAX_LINE_BYTES = 1 << 24


def raw_lines(file: InputFile, read_pass: ReadPass) -> Generator[bytes | None, None, None]:
    """Lines as bytes, without line ends and byte order mark; None for a line that is too long, which `read_pass` counts.

    Raises:
        CorpusError: the file cannot be opened (see `open_bytes`), or a line is longer than 16 MiB and `read_pass` does not skip.
    """
    with open_bytes(file, read_pass) as stream:
        first = True
        for number, line in enumerate(iter(lambda: stream.readline(_MAX_LINE_BYTES + 1), b""), start=1):
            if len(line) > _MAX_LINE_BYTES and not line.endswith(b"\n"):
                read_pass.report_bad(
                    "lines of more than 16 MiB",
                    f"{file}:{number}",
                    "a line of more than 16 MiB",
                    "Expected one sentence or record in each line.",
                )
                # The rest of the line is skipped in pieces, so that it is never in memory as a whole.
                while line and not line.endswith(b"\n"):
                    line = stream.readline(_MAX_LINE_BYTES)
                first = False
                yield None
                continue
            if first:
                line = line.removeprefix(b"\xef\xbb\xbf")
                first = False
            yield line.removesuffix(b"\n").removesuffix(b"\r")


def text_lines(file: InputFile, read_pass: ReadPass) -> Generator[str | None, None, None]:
    """Lines as text; None for a line that cannot be read, which `read_pass` counts.

    Raises:
        CorpusError: as `raw_lines`, or a line is not UTF-8 or has a zero byte, and `read_pass` does not skip.
    """
    with closing(raw_lines(file, read_pass)) as lines:
        for number, line in enumerate(lines, start=1):
            if line is None:
                yield None
                continue
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                report_not_utf8(file, number, line, error.start, read_pass)
                yield None
                continue
            if "\x00" in text:
                report_zero_byte(f"{file}:{number}", text.index("\x00"), read_pass)
                yield None
                continue
            yield text


def report_not_utf8(file: InputFile, number: int, line: bytes, start: int, read_pass: ReadPass) -> None:
    """Reports a line with bytes that are not UTF-8.

    Args:
        number: the line, from 1.
        start: index of the first wrong byte in the line, from 0.

    Raises:
        CorpusError: `read_pass` does not skip.
    """
    if _has_lone_surrogates(line):
        read_pass.report_bad(
            "lines with half a character",
            f"{file}:{number}",
            "the line holds a lone surrogate, which is half of a character",
            "Write the whole character, or leave it out.",
        )
        return
    detail = f"byte {start + 1} of the line (0x{line[start]:02x}) is not valid UTF-8"
    read_pass.report_bad("lines that are not valid UTF-8", f"{file}:{number}", detail, advise(line))


def _has_lone_surrogates(line: bytes) -> bool:
    """Whether a line that is not UTF-8 would be valid if UTF-8 could encode lone surrogates."""
    try:
        line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def report_zero_byte(location: str, index: int, read_pass: ReadPass) -> None:
    """Reports a line that holds a zero byte.

    Args:
        location: file and line.
        index: the position of the zero byte in the line, in characters from 0.

    Raises:
        CorpusError: `read_pass` does not skip.
    """
    read_pass.report_bad(
        "lines with a zero byte",
        location,
        f"character {index + 1} of the line is a zero byte (NUL), which text does not contain",
        "Remove it: tr -d '\\000' < FILE > NEW.",
    )


class LenientLines:
    """Lines of a file or of standard input. Bytes that are not UTF-8 are replaced and counted. Standard input can be read once.

    Attributes:
        num_lines: the number of lines read so far.
        num_replaced: the number of lines so far in which bytes that are not UTF-8 became U+FFFD.
        is_utf16: whether the lines are UTF-16, by their byte order mark; set when the first line is read.
    """

    def __init__(self, source: Path | str) -> None:
        self._source = source
        self.num_lines = 0
        self.num_replaced = 0
        self.is_utf16 = False

    def __iter__(self) -> Iterator[str]:
        if str(self._source) == "-":
            stdin = sys.stdin.buffer
            yield from self._decode(decode_utf16(stdin) if isinstance(stdin, io.BufferedReader) else stdin)
        else:
            with open_bytes(InputFile(Path(self._source)), ReadPass()) as stream:
                yield from self._decode(stream)

    def _decode(self, stream: io.BufferedIOBase | IO[bytes]) -> Iterator[str]:
        self.is_utf16 = isinstance(stream, Utf16Stream)
        for line in iter(lambda: stream.readline(_MAX_LINE_BYTES + 1), b""):
            if len(line) > _MAX_LINE_BYTES and not line.endswith(b"\n"):
                # A few kilobytes of compressed data can become a line of gigabytes.
                location = "standard input" if str(self._source) == "-" else self._source
                raise CorpusError(
                    f"{location}:{self.num_lines + 1}: a line of more than 16 MiB; expected one text in each line"
                )
            if self.num_lines == 0:
                line = line.removeprefix(b"\xef\xbb\xbf")
            self.num_lines += 1
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                self.num_replaced += 1
                yield line.decode("utf-8", errors="replace")


def read_lines(source: Path | str) -> LenientLines:
    """Reads lines to be translated. Bytes that are not UTF-8 are replaced and counted, because each line must get a translation.

    Args:
        source: a file, compressed or not, or "-" for standard input.
    """
    return LenientLines(source)
