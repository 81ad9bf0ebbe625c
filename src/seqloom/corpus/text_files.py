"""Documents of plain text files for language models: a document is a file, or a part of it between separator lines.

Only the separator lines are lost. A document of more than four million characters is divided, so that a file of any size is read
in bounded memory.
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
"""The value of `separator` for one or more empty lines between documents."""

LONGEST_DOCUMENT = 1 << 22
"""A document is divided at the first empty line after this number of characters, at the latest after twice as many."""

_DIVIDED = f"documents of more than {LONGEST_DOCUMENT:,} characters were divided, and each part counts as a document"


@dataclass(frozen=True)
class TextFiles:
    """The documents of text files, as rows with an empty source.

    Attributes:
        name: the file or folder, for messages.
        parts: files or parts of files, in order.
        separator: the line between two documents of a file, without spaces around it; BLANK_LINE for empty lines; None: each file
            is a document.
    """

    name: str
    parts: tuple[RunningText, ...]
    separator: str | None = None

    @property
    def origin(self) -> str:
        """The file or folder."""
        return self.name

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """A row for each document: the file, the number of the document in it, an empty source, and the text.

        Raises:
            CorpusError: a file cannot be read, or bytes are not UTF-8 and `read_pass` does not skip.
        """
        read_pass.expect(part.file.path for part in self.parts)
        for part in self.parts:
            file = str(part.file)
            for number, text in enumerate(_read_documents(part, self.separator, read_pass), start=1):
                if text.strip():
                    yield file, number, "", text
                else:
                    read_pass.skip("empty documents", file)

    def cut(self, shares: tuple[float, ...], on_bad: Literal["skip", "error"]) -> list["TextFiles"]:
        """Cuts the text of all files together into contiguous parts. Each cut is at the beginning of a line, if one is near.

        Args:
            shares: the positions of the cuts, as shares of all characters: (0.9, 0.95) gives three parts. A cut can divide a
                document.
        """
        cache = FactsCache(self, f"cuts {shares} {on_bad}")
        known = cache.load()
        stretches = (
            [tuple(stretch) for stretch in known["stretches"]] if known is not None else self._stretches(shares, on_bad)
        )
        if known is None:
            cache.check_unchanged()
            cache.save({"stretches": stretches}, Silent())
        groups: list[list[RunningText]] = [[] for _ in range(len(shares) + 1)]
        for group, number, start, stop in stretches:
            groups[group].append(RunningText(self.parts[number].file, start, stop))
        return [TextFiles(self.name, tuple(group), self.separator) for group in groups]

    def _stretches(
        self, shares: tuple[float, ...], on_bad: Literal["skip", "error"]
    ) -> list[tuple[int, int, int, int | None]]:
        """The stretches of files in each part: the part, the index of the file, and the begin and end in characters."""
        totals = [sum(len(piece) for piece in text_pieces(part.file, ReadPass(on_bad))) for part in self.parts]
        cuts = [int(sum(totals) * share) for share in shares]
        stretches: list[tuple[int, int, int, int | None]] = []
        num_before = 0
        for number, (part, total) in enumerate(zip(self.parts, totals, strict=True)):
            inside = [position - num_before for position in cuts if num_before < position < num_before + total]
            first_part = sum(position <= num_before for position in cuts)
            edges = [0, *move_to_lines(part.file, inside, ReadPass(on_bad))]
            for offset, (start, stop) in enumerate(zip(edges, [*edges[1:], None], strict=True)):
                stretches.append((first_part + offset, number, start, stop))
            num_before += total
        return stretches

    def has_documents(self, minimum: int, on_bad: Literal["skip", "error"]) -> bool:
        """Whether there are at least `minimum` documents. Reads no more of the files than necessary."""
        return sum(1 for _ in islice(self.rows(ReadPass(on_bad)), minimum)) == minimum


def _read_documents(part: RunningText, separator: str | None, read_pass: ReadPass) -> Iterator[str]:
    """The documents of a file, also empty ones; between empty lines as separators, there are no empty documents."""
    pending: list[str] = []
    length = 0
    is_divided = False
    at_line_start = True
    after_separator = False
    for piece in part.pieces(read_pass):
        is_blank = not piece.strip()
        begins_line, at_line_start = at_line_start, piece.endswith("\n")
        if separator is not None and begins_line and _separates(piece, is_blank, separator):
            if pending or separator != BLANK_LINE:
                yield "".join(pending)
            pending, length, is_divided, after_separator = [], 0, False, True
            continue
        pending.append(piece)
        length += len(piece)
        if (is_blank and length >= LONGEST_DOCUMENT) or length >= 2 * LONGEST_DOCUMENT:
            yield "".join(pending)
            if not is_divided:
                read_pass.num_changed[_DIVIDED] += 1
            pending, length, is_divided = [], 0, True
    # After a separator at the end of a file there is no further, empty document.
    if pending or not (after_separator or is_divided):
        yield "".join(pending)


def _separates(line: str, is_blank: bool, separator: str) -> bool:
    return is_blank if separator == BLANK_LINE else line.strip() == separator
