"""Running text for language models, cut into passages.

A passage has about 16,000 characters and ends at an empty line if possible. Nothing is lost: the joined passages are the file's
text, line breaks included ("\\r\\n" becomes "\\n"; a byte order mark is removed). Lines of any length are read in pieces, so
neither lines nor files need to fit into memory.
"""

import codecs
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from seqloom.corpus.cache import FactsCache
from seqloom.corpus.input_file import InputFile, open_bytes
from seqloom.corpus.lines import report_not_utf8, report_zero_byte
from seqloom.corpus.read_pass import ReadPass
from seqloom.progress import Silent

_PIECE_BYTES = 1 << 18
_USUAL_CHARS = 1 << 14
_MAX_CHARS = 1 << 16


@dataclass(frozen=True)
class RunningText:
    """A part of a plain text file.

    Attributes:
        file: the file.
        start: the index of the first character of the part.
        stop: the index after its last character; None: the end of the file.
    """

    file: InputFile
    start: int = 0
    stop: int | None = None

    @property
    def origin(self) -> str:
        """The file name and the range of characters."""
        if self.start == 0 and self.stop is None:
            return str(self.file)
        return f"{self.file} (characters {self.start:,} to {'the end' if self.stop is None else f'{self.stop:,}'})"

    def passages(self, read_pass: ReadPass) -> Iterator[str]:
        """The passages of the part.

        Raises:
            CorpusError: the file cannot be opened (see `open_bytes`), or bytes are not UTF-8 and `read_pass` does not skip.
        """
        passage: list[str] = []
        length = 0
        for piece in self.pieces(read_pass):
            passage.append(piece)
            length += len(piece)
            blank = not piece.strip()
            if (blank and length >= _USUAL_CHARS) or length >= _MAX_CHARS:
                yield "".join(passage)
                passage, length = [], 0
        if passage:
            yield "".join(passage)

    def pieces(self, read_pass: ReadPass) -> Iterator[str]:
        """The lines of the part, divided as `text_pieces` does.

        Raises:
            CorpusError: as `passages`.
        """
        position = 0

        def inside() -> bool:
            return position >= self.start and (self.stop is None or position < self.stop)

        for piece in text_pieces(self.file, _PartPass(read_pass.on_bad, outer=read_pass, inside=inside)):
            first, position = position, position + len(piece)
            if self.stop is not None and first >= self.stop:
                return
            if position > self.start:
                yield piece[max(0, self.start - first) : None if self.stop is None else self.stop - first]


@dataclass
class _PartPass(ReadPass):
    """A pass over a part of a file. The file is read from its beginning, but the outer pass counts only records of the part."""

    outer: ReadPass = field(default_factory=ReadPass)
    inside: Callable[[], bool] = field(default=lambda: True)

    def skip(self, reason: str, location: str) -> None:
        if self.inside():
            self.outer.skip(reason, location)

    def watch(self, raw: io.BufferedReader, size: int) -> None:
        self.outer.watch(raw, size)


def text_pieces(file: InputFile, read_pass: ReadPass) -> Iterator[str]:
    """Lines with their "\\n". A line of more than 256 KiB is divided into several pieces.

    Raises:
        CorpusError: bytes are not UTF-8 and `read_pass` does not skip.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    number = 1
    with open_bytes(file, read_pass) as stream:
        for index, raw in enumerate(iter(lambda: stream.readline(_PIECE_BYTES), b"")):
            if raw.endswith(b"\r"):
                raw += stream.read(1)
            piece = raw.removeprefix(b"\xef\xbb\xbf") if index == 0 else raw
            if piece.endswith(b"\r\n"):
                piece = piece[:-2] + b"\n"
            try:
                text = decoder.decode(piece)
            except UnicodeDecodeError as error:
                report_not_utf8(file, number, error.object, error.start, read_pass)
                decoder.reset()
                text = ""
            if "\x00" in text:
                report_zero_byte(f"{file}:{number}", text.index("\x00"), read_pass)
                text = ""
            number += raw.endswith(b"\n")
            if text:
                yield text
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            report_not_utf8(file, number, error.object, error.start, read_pass)


def cut(
    file: InputFile, shares: tuple[float, ...], on_bad: Literal["skip", "error"], *, at_lines: bool
) -> list[RunningText]:
    """Cuts a file into contiguous parts. The cuts of a large file are cached until the file changes.

    Args:
        shares: the positions of the cuts, as shares of all characters: (0.9, 0.95) gives three parts.
        at_lines: whether to move each cut to the next beginning of a line, if it is at most 65,536 characters away.
    """
    cache = FactsCache(file, f"cuts {shares} {on_bad} {at_lines}")
    known = cache.load()
    if known is not None:
        cuts = [int(position) for position in known["cuts"]]
    else:
        total = sum(len(piece) for piece in text_pieces(file, ReadPass(on_bad)))
        cuts = [int(total * share) for share in shares]
        if at_lines:
            cuts = move_to_lines(file, cuts, ReadPass(on_bad))
        cache.check_unchanged()
        cache.save({"cuts": cuts}, Silent())
    edges = [0, *cuts]
    return [RunningText(file, start, stop) for start, stop in zip(edges, [*cuts, None], strict=True)]


def move_to_lines(file: InputFile, cuts: list[int], read_pass: ReadPass) -> list[int]:
    """Moves cuts (in characters) to the next beginning of a line, if it is at most 65,536 characters away."""
    moved: list[int] = []
    position, at_line_start = 0, True
    for piece in text_pieces(file, read_pass):
        if at_line_start:
            while len(moved) < len(cuts) and position >= cuts[len(moved)]:
                cut_position = cuts[len(moved)]
                moved.append(position if position - cut_position < _MAX_CHARS else cut_position)
        if len(moved) == len(cuts):
            return moved
        position += len(piece)
        at_line_start = piece.endswith("\n")
    return moved + cuts[len(moved) :]
