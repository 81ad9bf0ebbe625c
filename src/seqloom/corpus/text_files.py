"""Documents of plain text files, for language models: a file is a document, or each part of it between separator lines.

Nothing is lost but the separator lines. A document of more than four million characters is divided, so that a file of any size is
read in bounded memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from seqloom.corpus.cache import FactsCache
from seqloom.corpus.parallel import Row
from seqloom.corpus.passages import RunningText, move_to_lines, text_pieces
from seqloom.corpus.read_pass import ReadPass
from seqloom.progress import Silent

BLANK_LINE = "blank-line"
"""The separator that stands for one or more empty lines."""

LONGEST_DOCUMENT = 1 << 22
"""Characters after which a document is divided: at the next empty line, at the latest after twice as many characters."""

_DIVIDED = f"documents of more than {LONGEST_DOCUMENT:,} characters were divided, and each part counts as a document"


@dataclass(frozen=True)
class TextFiles:
    """The documents of text files, as rows with an empty source.

    Attributes:
        name: the file or folder, for messages.
        parts: files or parts of files, in order.
        separator: the line between two documents of a file, without spaces around it; BLANK_LINE for empty lines; None: a file is
            one document.
    """

    name: str
    parts: tuple[RunningText, ...]
    separator: str | None = None

    @property
    def origin(self) -> str:
        """The file or folder."""
        return self.name

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """A row for each document: the file, the document's number in it, an empty source, and the text.

        Raises:
            CorpusError: a file cannot be read, or bytes are not UTF-8 and `read_pass` does not skip.
        """
        read_pass.expect(part.file.path for part in self.parts)
        for part in self.parts:
            file = str(part.file)
            for number, text in enumerate(_divided(part, self.separator, read_pass), start=1):
                if text.strip():
                    yield file, number, "", text
                else:
                    read_pass.skip("empty documents", file)

    def cut(self, shares: tuple[float, ...], on_bad: Literal["skip", "error"]) -> list["TextFiles"]:
        """Cuts the text of all files, in their order, at shares of its characters, moved to the beginning of a line.

        Args:
            shares: the inner cuts: (0.9, 0.95) gives three parts. A document at a cut is divided.
        """
        cache = FactsCache(self, f"cuts {shares} {on_bad}")
        known = cache.load()
        stretches = (
            [tuple(stretch) for stretch in known["stretches"]] if known is not None else self._stretches(shares, on_bad)
        )
        if known is None:
            cache.check_unchanged()
            cache.save({"stretches": stretches}, Silent())
        pieces: list[list[RunningText]] = [[] for _ in range(len(shares) + 1)]
        for piece, number, start, stop in stretches:
            pieces[piece].append(RunningText(self.parts[number].file, start, stop))
        return [TextFiles(self.name, tuple(group), self.separator) for group in pieces]

    def _stretches(
        self, shares: tuple[float, ...], on_bad: Literal["skip", "error"]
    ) -> list[tuple[int, int, int, int | None]]:
        """The parts of files that belong to each piece: the piece, the number of the file, and where its part begins and ends."""
        totals = [sum(len(piece) for piece in text_pieces(part.file, ReadPass(on_bad))) for part in self.parts]
        wanted = [int(sum(totals) * share) for share in shares]
        stretches: list[tuple[int, int, int, int | None]] = []
        before = 0
        for number, (part, total) in enumerate(zip(self.parts, totals, strict=True)):
            inside = [position - before for position in wanted if before < position < before + total]
            first = sum(position <= before for position in wanted)
            edges = [0, *move_to_lines(part.file, inside, ReadPass(on_bad))]
            for offset, (start, stop) in enumerate(zip(edges, [*edges[1:], None], strict=True)):
                stretches.append((first + offset, number, start, stop))
            before += total
        return stretches

    def has_documents(self, least: int, on_bad: Literal["skip", "error"]) -> bool:
        """Whether there are at least so many documents. No more of the files is read than that takes."""
        return sum(1 for _ in islice(self.rows(ReadPass(on_bad)), least)) == least


def _divided(part: RunningText, separator: str | None, read_pass: ReadPass) -> Iterator[str]:
    """The documents of a file, the empty ones too, except where empty lines separate them."""
    held: list[str] = []
    length = 0
    is_divided = False
    fresh = True
    separated = False
    for piece in part.pieces(read_pass):
        is_blank = not piece.strip()
        begins_line, fresh = fresh, piece.endswith("\n")
        if separator is not None and begins_line and _separates(piece, is_blank, separator):
            if held or separator != BLANK_LINE:
                yield "".join(held)
            held, length, is_divided, separated = [], 0, False, True
            continue
        held.append(piece)
        length += len(piece)
        if (is_blank and length >= LONGEST_DOCUMENT) or length >= 2 * LONGEST_DOCUMENT:
            yield "".join(held)
            if not is_divided:
                read_pass.changed[_DIVIDED] += 1
            held, length, is_divided = [], 0, True
    # Nothing stands after a separator at the end of a file.
    if held or not (separated or is_divided):
        yield "".join(held)


def _separates(line: str, is_blank: bool, separator: str) -> bool:
    return is_blank if separator == BLANK_LINE else line.strip() == separator
