"""Decompression of gzip, xz, bzip2 and Zstandard, with limits on memory. A stream that is cut short is an error."""

import bz2
import gzip
import io
import lzma
from typing import Any

from seqloom.corpus.file_signatures import COMPRESSIONS
from seqloom.errors import CorpusError

SUFFIXES = {suffix: name for name, (_, suffix) in COMPRESSIONS.items()}
"""The name of the compression of each suffix of a file name: ".gz" is "gzip"."""

_MAGIC = {name: magic for name, (magic, _) in COMPRESSIONS.items()}
# Decompressing `xz -9` takes 65 MiB, but the header of a file can demand gigabytes.
_MAX_XZ_MEMORY = 512 << 20


def decompress(stream: Any, name: str, suffix: str) -> io.BufferedReader:
    """Decompresses a stream of bytes, if it is compressed.

    Args:
        stream: the stored bytes.
        name: the file name, for messages.
        suffix: the end of the file name, such as ".gz".

    Raises:
        CorpusError: the content is not compressed as the suffix says, or the library for the compression is not installed.
    """
    # Members of archives and pipes cannot always seek, so the first bytes are peeked at.
    buffered: io.BufferedReader = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)
    start = buffered.peek(8)[:8]
    compression = next((kind for kind, magic in _MAGIC.items() if start.startswith(magic)), None)
    by_suffix = SUFFIXES.get(suffix)
    if compression != by_suffix:
        if by_suffix is None:
            expected = next(end for end, kind in SUFFIXES.items() if kind == compression)
            raise CorpusError(
                f"{name}: is {compression}-compressed, but its name does not say so; rename it to end in {expected}"
            )
        actual = f"{compression}-compressed" if compression else "not compressed"
        raise CorpusError(f"{name}: its name says {by_suffix}, but it is {actual}; rename it, or fetch it again")
    if compression == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered))
    if compression == "xz":
        return io.BufferedReader(_XzReader(buffered))
    if compression == "bzip2":
        return io.BufferedReader(bz2.BZ2File(buffered))
    if compression == "zstd":
        return io.BufferedReader(_ZstdReader(buffered, name))
    return buffered


class _XzReader(io.RawIOBase):
    """Decompresses a sequence of xz streams, as `lzma.LZMAFile` does, but with a limit on memory."""

    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        self._stream: lzma.LZMADecompressor | None = self._new_decompressor()

    @staticmethod
    def _new_decompressor() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=_MAX_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = b""
        while True:
            if self._stream is None or self._stream.eof:
                rest = rest or (self._stream.unused_data if self._stream is not None else b"")
                self._stream = None
                # There can be padding of zero bytes between streams.
                rest = (rest or self._source.read(1 << 16)).lstrip(b"\x00")
                if not rest:
                    if self._source.peek(1):
                        continue
                    return 0
                self._stream = self._new_decompressor()
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
    """Decompresses a sequence of Zstandard frames. Unlike the reader of the library, it detects a file that is cut short."""

    def __init__(self, source: io.BufferedReader, name: str) -> None:
        try:
            import zstandard
        except ImportError:
            raise CorpusError(f"{name}: reading Zstandard needs an extra: pip install 'seqloom[zstd]'") from None
        self._new_decompressor = zstandard.ZstdDecompressor().decompressobj
        self._source = source
        self._frame = self._new_decompressor()
        self._started = False
        self._rest = b""
        # A memoryview, so that removing the first bytes does not copy the others.
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            # The pieces are small, because a piece is decompressed at once, and four bytes can expand to 128 KiB.
            data = self._rest or self._source.read(1 << 10)
            self._rest = b""
            if not data:
                if self._started and not self._frame.eof:
                    raise EOFError("the last Zstandard frame has no end")
                return 0
            if self._frame.eof:
                self._frame = self._new_decompressor()
            self._started = True
            self._ready = memoryview(self._frame.decompress(data))
            if self._frame.eof:
                self._rest = self._frame.unused_data
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
