"""Sources: the same interface to the rows of all formats.

A text for language models is a row with an empty source. `assembly.py` screens and splits the rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from seqloom.corpus.catalogue import RowSelection
from seqloom.corpus.parallel import Row
from seqloom.corpus.passages import RunningText
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.split import hash_key, split_key
from seqloom.corpus.tables import InputTable


class Source(Protocol):
    """Rows that can be read repeatedly."""

    @property
    def origin(self) -> str:
        """File names, for messages."""

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """Reads the rows from the beginning.

        Args:
            read_pass: decides what happens to bad records, and counts them.

        Raises:
            CorpusError: a record is bad and `read_pass` does not skip, or a file cannot be read.
        """


@dataclass(frozen=True)
class PairTable:
    """The pairs of a table.

    Attributes:
        table: the file.
        columns: indices of the columns of source and target.
    """

    table: InputTable
    columns: tuple[int, ...]

    @property
    def origin(self) -> str:
        """The file name."""
        return str(self.table.file)

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """A row for each record."""
        name = str(self.table.file)
        for number, (src, tgt) in self.table.records(self.columns, read_pass):
            yield name, number, src, tgt


@dataclass(frozen=True)
class TextTable:
    """The texts for language models in a column of a table."""

    table: InputTable
    column: int

    @property
    def origin(self) -> str:
        """The file name."""
        return str(self.table.file)

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """A row for each record, with an empty source."""
        name = str(self.table.file)
        for number, (text,) in self.table.records((self.column,), read_pass):
            yield name, number, "", text


@dataclass(frozen=True)
class Passages:
    """The passages of a running text, as texts for language models."""

    text: RunningText

    @property
    def origin(self) -> str:
        """The file name and the part of the file."""
        return self.text.origin

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """A row for each passage, with an empty source."""
        name = str(self.text.file)
        for number, passage in enumerate(self.text.passages(read_pass), start=1):
            yield name, number, "", passage


@dataclass(frozen=True)
class SelectedRows:
    """The rows of a source that a rule of the catalogue selects."""

    source: Source
    rule: RowSelection

    @property
    def origin(self) -> str:
        """The file name and the part of the file."""
        if self.rule.rule == "key-half":
            return f"{self.source.origin} (half {self.rule.part + 1} of 2, by source)"
        which = "every" if self.rule.part == 0 else "all but every"
        return f"{self.source.origin} ({which} {self.rule.step}th row)"

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """The selected rows."""
        for number, row in enumerate(self.source.rows(read_pass), start=1):
            halves = self.rule.rule == "key-half"
            part = hash_key(split_key(row[2])) & 1 if halves else int(number % self.rule.step != 0)
            if part == self.rule.part:
                yield row
