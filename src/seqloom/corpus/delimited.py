"""Delimited text: records of fields with a separator between them, with or without quotes.

This module reads records, and judges which separator fits a file. Python's csv module is not used: its separators have only one
character, its fields are limited to 128 KiB, and it can neither say where a quote opened nor continue after a broken quote.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

# A quoted field can contain line breaks. If it has more characters than this, its quote was never closed.
_LONGEST_RECORD = 1 << 24
# Parsing quotes is slow, so separators that fail on the first records are not tried on the others.
_FIRST_RECORDS = 2_000
_EXCEL_LINE = re.compile(r'"?sep=(.|\\t)"?')
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", "|||": "' ||| '", " ": "space"}
SEPARATORS = ("\t", ",", ";", "|", "|||")

OnBroken = Callable[[int, str], None]
"""Receives the line of a broken quote, from 1, and what is wrong with it."""


@dataclass(frozen=True)
class DelimiterFit:
    """How well one separator fits a file.

    Attributes:
        delimiter: the separator.
        quoted: whether fields can have quotes around them.
        width: the number of fields that most records have, at least 2; 1 if no record has more than one field.
        share: the share of records with this number of fields.
        num_records: the number of records that were read, without blank lines.
        first: the first record.
        prose: whether the separator is always followed by a space, as commas in sentences are.
    """

    delimiter: str
    quoted: bool
    width: int
    share: float
    num_records: int
    first: tuple[str, ...]
    prose: bool = False

    @property
    def rank(self) -> tuple[float, bool, bool]:
        """A sort key, smallest for the best fit: by `share`, then not `prose`, then two fields in each record."""
        return -self.share, self.prose, self.width != 2


def name_delimiter(delimiter: str) -> str:
    """The usual name of a separator, for messages."""
    return _NAMES.get(delimiter, repr(delimiter))


def excel_delimiter(line: str) -> str | None:
    """The separator that the first line of an Excel export names (`sep=;`), or None."""
    match = _EXCEL_LINE.fullmatch(line.strip("\r\ufeff "))
    return match[1].replace("\\t", "\t") if match else None


def read_records(
    lines: Iterable[str | None], delimiter: str, *, quoted: bool, on_broken: OnBroken
) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line on which they begin, from 1. A blank line is a record of one empty field.

    Args:
        lines: lines without their ends; None for a line that could not be read, which is skipped.
        delimiter: what separates fields.
        quoted: whether fields can have quotes around them, with separators, line breaks and doubled quotes inside.
        on_broken: called for a quote that is broken, with the line on which it opens. The record up to that line is skipped,
            and reading continues at the next line.
    """
    numbered = enumerate(lines, start=1)
    pending: deque[tuple[int, str | None]] = deque()
    while True:
        number, line = pending.popleft() if pending else next(numbered, (0, None))
        if number == 0:
            return
        if line is None:
            continue
        if not quoted or '"' not in line:
            yield number, line.split(delimiter)
            continue
        scanner = _Scanner(delimiter)
        scanner.feed(number, line)
        following_lines: list[tuple[int, str | None]] = []
        length, readable = len(line), True
        while scanner.open and length <= _LONGEST_RECORD:
            following = pending.popleft() if pending else next(numbered, None)
            if following is None:
                break
            following_lines.append(following)
            readable = readable and following[1] is not None
            length += len(following[1] or "")
            scanner.feed(following[0], following[1] or "")
        if scanner.open:
            scanner.error = "the quote that opens here is not closed"
        if scanner.error:
            on_broken(scanner.opened_at, scanner.error)
            # The lines after the broken quote are read again, as records of their own.
            pending.extendleft(entry for entry in reversed(following_lines) if entry[0] > scanner.opened_at)
        elif readable:
            yield number, scanner.fields


def fit_delimiter(
    lines: Sequence[str | None], delimiter: str, *, quoted: bool, limit: int | None = None
) -> DelimiterFit:
    """Judges how well a separator fits a file.

    Args:
        lines: the first lines of a file, or all of them.
        limit: the largest number of records to judge.
    """
    widths: Counter[int] = Counter()
    first: tuple[str, ...] = ()
    num_broken = 0

    def count_broken(number: int, error: str) -> None:
        nonlocal num_broken
        del number, error
        num_broken += 1

    for _, fields in read_records(lines, delimiter, quoted=quoted, on_broken=count_broken):
        if not any(map(str.strip, fields)) and len(fields) == 1:
            continue
        if not widths:
            first = tuple(fields)
        widths[len(fields)] += 1
        if limit is not None and widths.total() >= limit:
            break
    total = widths.total() + num_broken
    # Of equally frequent widths the smallest is chosen.
    width = max((width for width in widths if width > 1), key=lambda width: (widths[width], -width), default=1)
    return DelimiterFit(delimiter, quoted, width, widths[width] / total if total else 0.0, total, first)


def fit_separators(lines: Sequence[str | None], separators: Sequence[str], *, quoted: bool) -> list[DelimiterFit]:
    """Judges several separators. Returns the fits of those that fit at least half of the records, the best first.

    Args:
        quoted: whether fields can have quotes around them.
    """
    quoted = quoted and any(line is not None and '"' in line for line in lines)
    tried = [fit_delimiter(lines, separator, quoted=quoted, limit=_FIRST_RECORDS) for separator in separators]
    fits = [fit for fit in tried if fit.width > 1 and fit.share >= 0.3]
    if any(fit.num_records >= _FIRST_RECORDS for fit in fits):
        fits = [fit_delimiter(lines, fit.delimiter, quoted=quoted) for fit in fits]
    fits = [
        replace(fit, prose=_always_before_space(lines, fit.delimiter))
        for fit in fits
        if fit.width > 1 and fit.share >= 0.5
    ]
    return sorted(fits, key=lambda fit: fit.rank)


def all_quoted(lines: Sequence[str | None], delimiter: str) -> bool:
    """Whether every field of every line has quotes around it."""
    nonblank = [line for line in lines if line is not None and line.strip()]
    return bool(nonblank) and all(
        len(field) > 1 and field.startswith('"') and field.endswith('"')
        for line in nonblank
        for field in line.split(delimiter)
    )


def _always_before_space(lines: Sequence[str | None], delimiter: str) -> bool:
    if delimiter in ("\t", "|||"):
        return False
    matching = [line for line in lines[:_FIRST_RECORDS] if line is not None and delimiter in line]
    return bool(matching) and all(line.count(delimiter) == line.count(f"{delimiter} ") for line in matching)


class _Scanner:
    """Splits the lines of one record into fields. Separators inside quotes do not count."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._part: list[str] = []
        self.fields: list[str] = []
        self.open = False
        self.opened_at = 0
        self.error = ""

    def feed(self, number: int, line: str) -> None:
        position = 0
        if self.open:
            self._part.append("\n")
        while True:
            if self.open:
                end = line.find('"', position)
                if end < 0:
                    self._part.append(line[position:])
                    return
                self._part.append(line[position:end])
                if line.startswith('"', end + 1):
                    self._part.append('"')
                    position = end + 2
                    continue
                self.open = False
                self.fields.append("".join(self._part))
                self._part = []
                position = end + 1
                if position == len(line):
                    return
                if not line.startswith(self._delimiter, position):
                    where = "" if number == self.opened_at else f" in line {number}"
                    self.error = (
                        f"the quote that opens here closes{where} before {line[position : position + 10]!r}, "
                        f"where a {name_delimiter(self._delimiter)} was expected"
                    )
                    return
                position += len(self._delimiter)
            if line.startswith('"', position):
                self.open = True
                self.opened_at = number
                position += 1
                continue
            end = line.find(self._delimiter, position)
            self.fields.append(line[position:] if end < 0 else line[position:end])
            if end < 0:
                return
            position = end + len(self._delimiter)
