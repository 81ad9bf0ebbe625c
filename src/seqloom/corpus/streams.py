"""Bytes and lines of files, members of archives and standard input, compressed or not.

Lines end at "\\n" or "\\r\\n" only. A line separator U+2028 or a vertical tab inside a sentence must not shift two aligned files
against each other.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from seqloom.corpus.encodings import advise
from seqloom.corpus.file_signatures import COMPRESSIONS, name_binary, name_markup
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError

_MAGIC = {name: magic for name, (magic, _) in COMPRESSIONS.items()}
_SUFFIXES = {suffix: name for name, (_, suffix) in COMPRESSIONS.items()}
_HEAD_BYTES = 1 << 16
_MAX_LINE_BYTES = 1 << 24
# xz -9 takes 65 MiB to unpack; a header may ask for gigabytes.
_MAX_XZ_MEMORY = 512 << 20


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file, or a member of a tar or zip archive.

    Attributes:
        path: the file.
        member: the member's path inside the archive.
    """

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def name(self) -> str:
        """The file name, without what compression added to it."""
        name = Path(self.member or self.path).name
        return name[: -len(Path(name).suffix)] if Path(name).suffix in _SUFFIXES else name


@contextmanager
def open_bytes(file: InputFile, read_pass: ReadPass) -> Iterator[io.BufferedIOBase]:
    """Opens a file for reading, decompressed.

    Raises:
        CorpusError: there is no such file, it is not what its name says, its compression is not installed, or (while it
            is read) it is damaged.
    """
    path = file.path
    with ExitStack() as stack:
        raw = stack.enter_context(_open_file(path))
        try:
            status = os.fstat(raw.fileno())
            if stat.S_ISREG(status.st_mode):
                read_pass.watch(raw, status.st_size)
            stream: Any = raw if file.member is None else stack.enter_context(_open_member(file, raw))
            yield _decompress(stream, file)
        except _damage() as error:
            raise CorpusError(
                f"{file}: is damaged or cut short ({error or type(error).__name__}); fetch it again"
            ) from None


def _open_file(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        if path.is_symlink():
            target = path.readlink()
            raise CorpusError(f"{path}: is a link to {target}, where there is no file") from None
        raise CorpusError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise CorpusError(f"{path}: is a folder; expected a file") from None
    except PermissionError:
        if path.is_dir():  # how Windows says it
            raise CorpusError(f"{path}: is a folder; expected a file") from None
        raise CorpusError(f"{path}: may not be read; check its permissions") from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be opened: {getattr(error, 'strerror', None) or error}") from None


def raw_lines(file: InputFile, read_pass: ReadPass) -> Generator[bytes | None, None, None]:
    """Lines as bytes, without their ends and without a byte order mark; None for one too long, which `read_pass` has counted.

    Raises:
        CorpusError: as `open_bytes`, or a line is longer than 16 MiB and `read_pass` does not skip.
    """
    with open_bytes(file, read_pass) as stream:
        first = True
        for number, line in enumerate(iter(lambda: stream.readline(_MAX_LINE_BYTES + 1), b""), start=1):
            if len(line) > _MAX_LINE_BYTES and not line.endswith(b"\n"):
                read_pass.report_bad(
                    "lines of more than 16 MiB",
                    f"{file}:{number}",
                    "a line of more than 16 MiB",
                    "Expected one sentence or record a line.",
                )
                # The rest of the line is passed over in pieces, so that it is never held as a whole.
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
    """Lines as text; None for a line that cannot be read, which `read_pass` has counted.

    Raises:
        CorpusError: as `raw_lines`, or a line is not UTF-8 or holds zero bytes and `read_pass` does not skip.
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
    detail = f"byte {start + 1} of the line (0x{line[start]:02x}) is not valid UTF-8"
    read_pass.report_bad("lines that are not valid UTF-8", f"{file}:{number}", detail, advise(line))


def report_zero_byte(location: str, index: int, read_pass: ReadPass) -> None:
    """Reports a line that holds a zero byte.

    Args:
        location: file and line.
        index: where in the line, in characters from 0.

    Raises:
        CorpusError: `read_pass` does not skip.
    """
    read_pass.report_bad(
        "lines with a zero byte",
        location,
        f"character {index + 1} of the line is a zero byte (NUL), which no text holds",
        "Take it out: tr -d '\\000' < FILE > NEW.",
    )


class LenientLines:
    """Lines of a file or of standard input that never fail on their content; iterating reads them, once for standard input.

    Attributes:
        num_lines: lines read so far.
        num_replaced: lines so far with bytes that are not UTF-8, which became U+FFFD.
    """

    def __init__(self, source: Path | str) -> None:
        self._source = source
        self.num_lines = 0
        self.num_replaced = 0

    def __iter__(self) -> Iterator[str]:
        if str(self._source) == "-":
            yield from self._decode(sys.stdin.buffer)
        else:
            with open_bytes(InputFile(Path(self._source)), ReadPass()) as stream:
                yield from self._decode(stream)

    def _decode(self, stream: io.BufferedIOBase | IO[bytes]) -> Iterator[str]:
        for line in iter(lambda: stream.readline(_MAX_LINE_BYTES + 1), b""):
            if len(line) > _MAX_LINE_BYTES and not line.endswith(b"\n"):
                # A few kilobytes of compressed data can be gigabytes of one line.
                location = "standard input" if str(self._source) == "-" else self._source
                raise CorpusError(
                    f"{location}:{self.num_lines + 1}: a line of more than 16 MiB; expected one text a line"
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
    """Lines to be translated, one answer each: bytes that are not UTF-8 are replaced and counted, never fatal.

    Args:
        source: a file, compressed or not, or "-" for standard input.
    """
    return LenientLines(source)


def read_head(file: InputFile) -> bytes:
    """The first 64 KiB, decompressed and without a byte order mark: enough to see what a file is.

    Raises:
        CorpusError: the file is empty, is not text, is text in another encoding, or in a form that is not read.
    """
    with open_bytes(file, ReadPass()) as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise CorpusError(f"{file}: is empty")
    if head.startswith(b"PAR1"):
        return head
    suffix = Path(file.name).suffix.lower()
    head = head.removeprefix(b"\xef\xbb\xbf")
    unread = name_binary(head, suffix) or name_markup(head.decode("utf-8", errors="replace"))
    if unread is not None:
        raise CorpusError(f"{file}: {unread}")
    if b"\n" not in head and head.count(b"\r") > 1:
        raise CorpusError(f"{file}: its lines end in a lone carriage return; convert it: tr '\\r' '\\n' < FILE > NEW")
    return head


def _decompress(stream: Any, file: InputFile) -> io.BufferedIOBase:
    # Peeking rather than seeking: members of archives and pipes cannot always go back.
    buffered: io.BufferedReader = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)
    start = buffered.peek(8)[:8]
    compression = next((name for name, magic in _MAGIC.items() if start.startswith(magic)), None)
    claimed = _SUFFIXES.get(Path(file.member or file.path).suffix)
    if compression != claimed:
        if claimed is None:
            suffix = next(suffix for suffix, name in _SUFFIXES.items() if name == compression)
            raise CorpusError(
                f"{file}: is {compression}-compressed, but its name does not say so; rename it to end in {suffix}"
            )
        actual = f"{compression}-compressed" if compression else "not compressed"
        raise CorpusError(f"{file}: its name says {claimed}, but it is {actual}; rename it, or fetch it again")
    if compression == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered))
    if compression == "xz":
        return io.BufferedReader(_XzReader(buffered))
    if compression == "bzip2":
        return io.BufferedReader(bz2.BZ2File(buffered))
    if compression == "zstd":
        return io.BufferedReader(_ZstdReader(buffered, file))
    return buffered


class _XzReader(io.RawIOBase):
    """xz streams one after the other, as `lzma.LZMAFile` reads them, with a limit on the memory that unpacking may take."""

    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        self._stream: lzma.LZMADecompressor | None = self._make()

    @staticmethod
    def _make() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=_MAX_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = b""
        while True:
            if self._stream is None or self._stream.eof:
                rest = rest or (self._stream.unused_data if self._stream is not None else b"")
                self._stream = None
                # Between streams there may be zeros.
                rest = (rest or self._source.read(1 << 16)).lstrip(b"\x00")
                if not rest:
                    if self._source.peek(1):
                        continue
                    return 0
                self._stream = self._make()
            if self._stream.needs_input and not rest:
                rest = self._source.read(1 << 16)
                if not rest:
                    raise EOFError("the last xz stream has no end")
            ready = self._stream.decompress(rest, max_length=len(buffer))
            rest = b""
            if ready:
                buffer[: len(ready)] = ready
                return len(ready)


class _ZstdReader(io.RawIOBase):
    """Zstandard frames one after the other; unlike the library's own reader it notices a file that is cut short."""

    def __init__(self, source: io.BufferedReader, file: InputFile) -> None:
        try:
            import zstandard
        except ImportError:
            raise CorpusError(f"{file}: reading Zstandard needs an extra: pip install 'seqloom[zstd]'") from None
        self._make = zstandard.ZstdDecompressor().decompressobj
        self._source = source
        self._frame = self._make()
        self._started = False
        self._rest = b""
        # A view, of which parts can be handed out without copying the rest each time.
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            # In small pieces: four bytes can stand for 128 KiB, and a piece is unpacked as a whole.
            data = self._rest or self._source.read(1 << 10)
            self._rest = b""
            if not data:
                if self._started and not self._frame.eof:
                    raise EOFError("the last Zstandard frame has no end")
                return 0
            if self._frame.eof:
                self._frame = self._make()
            self._started = True
            self._ready = memoryview(self._frame.decompress(data))
            if self._frame.eof:
                self._rest = self._frame.unused_data
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


@contextmanager
def _open_member(file: InputFile, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    member = file.member or ""
    try:
        if zipfile.is_zipfile(file.path):
            with zipfile.ZipFile(file.path) as zipped, zipped.open(member) as stream:
                yield stream
        else:
            # The stream mode reads forwards only, so that an archive of gigabytes is unpacked once, not sought through.
            with tarfile.open(fileobj=raw, mode="r|*") as archive:
                for info in archive:
                    if info.name.removeprefix("./") == member:
                        extracted = archive.extractfile(info)
                        if extracted is not None:
                            yield extracted
                            return
                raise KeyError(member)
    except KeyError:
        raise CorpusError(f"{file.path}: holds no member {member!r}") from None


def _damage() -> tuple[type[Exception], ...]:
    errors: tuple[type[Exception], ...] = (
        EOFError,
        OSError,
        zlib.error,
        lzma.LZMAError,
        tarfile.TarError,
        zipfile.BadZipFile,
    )
    zstandard = sys.modules.get("zstandard")
    return (*errors, zstandard.ZstdError) if zstandard else errors
