"""Tables: files of records with columns, as delimited text, JSON, Parquet, translation memory or message catalogue.

This module reads the names of the columns and the rows. `columns.py` decides which column is the source and which the target.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from seqloom.corpus import delimited, json_records, parquet, po, tmx
from seqloom.corpus.delimited import name_delimiter
from seqloom.corpus.formats import FileLayout, Format, IsHeader
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.lines import text_lines
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError
from seqloom.messages import counted


@dataclass(frozen=True)
class InputTable:
    """A file of records with columns.

    Attributes:
        file: the file.
        format: its format; of delimited text, "csv" if fields can have quotes around them, else "tsv".
        names: the name of each column; None for each column of a file without a header.
        header: whether the first row holds the names.
        delimiter: the separator of the fields of delimited text.
    """

    file: InputFile
    format: Format
    names: tuple[str | None, ...]
    header: bool
    delimiter: str = "\t"

    def records(self, columns: Sequence[int], read_pass: ReadPass) -> Iterator[tuple[int, list[str]]]:
        """For each record its line (in Parquet: its row), from 1, and the fields of some columns.

        Args:
            columns: indices into `names`.

        Raises:
            CorpusError: a record is bad and `read_pass` does not skip, or the file cannot be read.
        """
        if self.format in ("tsv", "csv"):
            return self._read_delimited(columns, read_pass)
        names = [str(self.names[index]) for index in columns]
        if self.format in ("jsonl", "json"):
            return self._read_json(names, read_pass)
        if self.format == "tmx":
            return self._read_tmx(names, read_pass)
        if self.format == "po":
            return self._read_po(columns, read_pass)
        return parquet.read_rows(self.file, names, read_pass)

    def values(self, read_pass: ReadPass) -> Iterator[Sequence[object]]:
        """For each record the unchecked values of all columns, None for a missing value. They show what the columns hold.

        Raises:
            CorpusError: as `records`.
        """
        names = [str(name) for name in self.names]
        if self.format in ("tsv", "csv"):
            yield from (fields for _, fields in self._read_delimited(range(len(names)), read_pass))
        elif self.format in ("jsonl", "json"):
            reader = json_records.read_document if self.format == "json" else json_records.read_lines_of_objects
            yield from ([record.get(name) for name in names] for _, record in reader(self.file, read_pass))
        elif self.format == "tmx":
            yield from ([unit.get(name) for name in names] for _, unit in tmx.read_units(self.file, read_pass))
        elif self.format == "po":
            yield from (texts for _, *texts in po.read_messages(self.file, read_pass))
        else:
            yield from parquet.read_values(self.file, names)

    def describe(self) -> str:
        """The format in words, such as "2 columns separated by one tab"."""
        if self.format in ("tsv", "csv"):
            separated = f" separated by {_name_separators(self.delimiter)}" if len(self.names) > 1 else ""
            return f"{counted(len(self.names), 'column')}{separated}{' with quotes' if self.format == 'csv' else ''}"
        return {
            "jsonl": "JSON with one object in each line",
            "json": "JSON with a list of objects",
            "parquet": "Parquet",
            "tmx": "a translation memory (TMX)",
            "po": "a message catalogue (gettext)",
        }[self.format]

    def _read_delimited(self, columns: Sequence[int], read_pass: ReadPass) -> Iterator[tuple[int, list[str]]]:
        def report_broken(number: int, error: str) -> None:
            read_pass.report_bad(
                "lines with a broken quote",
                f"{self.file}:{number}",
                f"not valid CSV: {error}",
                "Fields with quotes, separators or line breaks need quotes around them, and a quote inside is doubled: "
                '"he said ""hi""".',
            )

        with closing(text_lines(self.file, read_pass)) as lines:
            records = delimited.read_records(
                lines, self.delimiter, quoted=self.format == "csv", on_broken=report_broken
            )
            is_first = True
            for number, fields in records:
                blank = len(fields) == 1 and not fields[0].strip()
                if is_first and not blank:
                    if delimited.excel_delimiter(self.delimiter.join(fields)):
                        continue
                    is_first = False
                    if self.header:
                        continue
                if len(fields) == len(self.names) and not blank:
                    yield number, [fields[index] for index in columns]
                elif blank:
                    read_pass.skip("blank lines", f"{self.file}:{number}")
                else:
                    detail = (
                        f"{len(fields)} column{'s' * (len(fields) != 1)}, expected {len(self.names)} as in "
                        f"{'the header' if self.header else 'most lines'}"
                    )
                    read_pass.report_bad(
                        "lines with a wrong number of columns",
                        f"{self.file}:{number}",
                        detail,
                        f"Columns are separated by {_name_separators(self.delimiter)}.",
                    )

    def _read_json(self, names: Sequence[str], read_pass: ReadPass) -> Iterator[tuple[int, list[str]]]:
        document = self.format == "json"
        reader = json_records.read_document if document else json_records.read_lines_of_objects
        unit = "Every record" if document else "Every line"
        for number, record in reader(self.file, read_pass):
            values = json_records.checked_values(record, names, f"{self.file}:{number}", read_pass, unit)
            if values is not None:
                yield number, values

    def _read_tmx(self, names: Sequence[str], read_pass: ReadPass) -> Iterator[tuple[int, list[str]]]:
        for number, unit in tmx.read_units(self.file, read_pass):
            if all(name in unit for name in names):
                yield number, [unit[name] for name in names]
            else:
                read_pass.skip(f"units that are not in both {' and '.join(names)}", f"{self.file}:{number}")

    def _read_po(self, columns: Sequence[int], read_pass: ReadPass) -> Iterator[tuple[int, list[str]]]:
        for number, *texts in po.read_messages(self.file, read_pass):
            yield number, [texts[index] for index in columns]


def open_table(layout: FileLayout, *, is_header: IsHeader) -> InputTable:
    """Opens a table: decides whether the first record is a header, and reads the names of the columns.

    Args:
        is_header: tells from the fields of the first record whether they are names of columns.

    Raises:
        CorpusError: the header has another number of fields than the records, or names a column twice.
    """
    file, width = layout.file, layout.width
    if layout.format not in ("tsv", "csv"):
        return InputTable(file, layout.format, layout.names, header=layout.format == "parquet")
    header = is_header(layout.first)
    if not header:
        return InputTable(file, layout.format, (None,) * max(width, 1), False, layout.delimiter)
    names = tuple(field.strip() for field in layout.first)
    location = f"{file}:{layout.first_line}"
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise CorpusError(f"{location}: the header names {repeated!r} twice; rename one of the columns")
    if width > 1 and len(names) != width:
        raise CorpusError(
            f"{location}: the header names {len(names)} column{'s' * (len(names) != 1)} ({', '.join(names)}), but most records "
            f"have {width}, separated by {_name_separators(layout.delimiter)}; correct the header, or name the separator: "
            "--delimiter"
        )
    return InputTable(file, layout.format, names, True, layout.delimiter)


def _name_separators(delimiter: str) -> str:
    """The separators of a line in words, in the plural if there can be several: "commas"."""
    names = {"\t": "one tab", ",": "commas", ";": "semicolons", "|": "bars", "|||": "' ||| '"}
    return names.get(delimiter, name_delimiter(delimiter))
