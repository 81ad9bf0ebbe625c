"""UTF-16 text with a byte order mark, read as UTF-8. "Unicode Text" of Excel and "Unicode" of Windows Notepad are UTF-16."""

import codecs
import io
from typing import IO, Any

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PIECE_BYTES = 1 << 16


class Utf16Stream(io.BufferedReader):
    """A stream of UTF-16 text as bytes of UTF-8, without the byte order mark.

    A lone surrogate becomes three bytes that are not valid UTF-8, so that readers report the line that contains it.
    """

    def __init__(self, source: io.BufferedReader) -> None:
        super().__init__(_Recoder(source))


def decode_utf16(stream: io.BufferedReader) -> io.BufferedReader:
    """The stream as a Utf16Stream if it begins with a byte order mark of UTF-16, else unchanged."""
    start = stream.peek(4)[:4]
    # The byte order mark of UTF-32 begins with that of UTF-16. `file_signatures.py` reports UTF-32, which is not supported.
    if start.startswith(_MARKS) and start != codecs.BOM_UTF32_LE:
        return Utf16Stream(stream)
    return stream


class _Recoder(io.RawIOBase):
    """Decodes UTF-16 and encodes it as UTF-8, piece by piece."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
        self._ready = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            # `read1` makes at most one system call, so that text typed into a terminal is read line by line.
            piece = self._source.read1(_PIECE_BYTES)  # type: ignore[attr-defined]
            self._ended = not piece
            self._ready = memoryview(self._decode(piece).encode("utf-8", "surrogatepass"))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decode(self, piece: bytes) -> str:
        try:
            return self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError:
            raise EOFError("UTF-16 text that ends within a character") from None
