"""Input files: files and members of archives, compressed or not, opened as bytes."""

import io
import lzma
import os
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from seqloom.corpus.compression import SUFFIXES, decompress
from seqloom.corpus.file_signatures import name_binary, name_markup
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.utf16 import Utf16Stream, decode_utf16
from seqloom.errors import CorpusError

_HEAD_BYTES = 1 << 16


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

    def is_utf16(self) -> bool:
        """Whether the file is UTF-16 text with a byte order mark.

        Raises:
            CorpusError: the file cannot be opened (see `open_bytes`).
        """
        with open_bytes(self, ReadPass()) as stream:
            return isinstance(stream, Utf16Stream)

    @property
    def name(self) -> str:
        """The file name without the suffix of its compression."""
        name = Path(self.member or self.path).name
        return name[: -len(Path(name).suffix)] if Path(name).suffix in SUFFIXES else name


@contextmanager
def open_bytes(file: InputFile, read_pass: ReadPass) -> Iterator[io.BufferedReader]:
    """Opens a file for reading: decompressed, and as UTF-8 if it is UTF-16 with a byte order mark.

    Raises:
        CorpusError: the file does not exist, its content does not fit its name, the library for its compression is not
            installed, or (while it is read) it is damaged.
    """
    path = file.path
    with ExitStack() as stack:
        raw = stack.enter_context(_open_file(path))
        try:
            status = os.fstat(raw.fileno())
            if stat.S_ISREG(status.st_mode):
                read_pass.watch(raw, status.st_size)
            stream: Any = raw if file.member is None else stack.enter_context(_open_member(file, raw))
            yield decode_utf16(decompress(stream, str(file), Path(file.member or file.path).suffix))
        except _damage_errors() as error:
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
        if path.is_dir():  # Windows raises PermissionError for a folder
            raise CorpusError(f"{path}: is a folder; expected a file") from None
        raise CorpusError(f"{path}: may not be read; check its permissions") from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be opened: {getattr(error, 'strerror', None) or error}") from None


def read_start(file: InputFile) -> bytes:
    """The first 16 stored bytes of a file, which show its compression.

    Raises:
        CorpusError: the file cannot be opened.
    """
    with _open_file(file.path) as raw:
        return raw.read(16)


def read_head(file: InputFile) -> bytes:
    """Reads the first 64 KiB, decompressed and without a byte order mark.

    Raises:
        CorpusError: the file is empty, is not UTF-8 text or Parquet, or is a form of text that is not supported.
    """
    with open_bytes(file, ReadPass()) as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise CorpusError(f"{file}: is empty")
    if head.startswith(b"PAR1"):
        return head
    suffix = Path(file.name).suffix.lower()
    head = head.removeprefix(b"\xef\xbb\xbf")
    unsupported = name_binary(head, suffix) or name_markup(head.decode("utf-8", errors="replace"))
    if unsupported is not None:
        raise CorpusError(f"{file}: {unsupported}")
    if b"\n" not in head and head.count(b"\r") > 1:
        raise CorpusError(f"{file}: its lines end in a lone carriage return; convert it: tr '\\r' '\\n' < FILE > NEW")
    return head


@contextmanager
def _open_member(file: InputFile, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    member = file.member or ""
    try:
        if zipfile.is_zipfile(file.path):
            with zipfile.ZipFile(file.path) as zipped, zipped.open(member) as stream:
                yield stream
        else:
            # The mode "r|*" reads forwards only, so the archive is decompressed only once.
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


def _damage_errors() -> tuple[type[Exception], ...]:
    """The exceptions that decompression raises for a damaged file."""
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
