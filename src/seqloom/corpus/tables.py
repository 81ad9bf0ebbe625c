"""One file with a record a row: TSV, CSV, JSON lines and Parquet.

A Place and its format enter, rows of the wanted columns leave. What the columns are called is read here; which of them is the
source and which the target is decided in `columns.py`.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seqloom.corpus.reading import Reading
from seqloom.corpus.streams import Place, read_head, text_lines
from seqloom.errors import CorpusError

Format = Literal["tsv", "csv", "jsonl", "parquet", "text"]

_SUFFIXES: Mapping[str, Format] = {
    "tsv": "tsv",
    "tab": "tsv",
    "csv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
    "parquet": "parquet",
    "pq": "parquet",
}


@dataclass(frozen=True)
class Table:
    """A file with a record a row.

    Attributes:
        place: the file.
        format: its format.
        names: the columns' names; for a file without a header, as many Nones as columns.
        header: whether the first row holds the names.
        delimiter: what separates fields in CSV.
    """

    place: Place
    format: Format
    names: tuple[str | None, ...]
    header: bool
    delimiter: str = "\t"

    def records(self, wanted: Sequence[int], reading: Reading) -> Iterator[tuple[int, list[str]]]:
        """Rows of line number (in Parquet: row number) and the fields of the wanted columns.

        Args:
            wanted: indices into `names`.

        Raises:
            CorpusError: a row is wrong and `reading` does not skip, or the file cannot be read.
        """
        if self.format == "tsv":
            return self._read_tsv(wanted, reading)
        if self.format == "csv":
            return self._read_csv(wanted, reading)
        if self.format == "jsonl":
            return self._read_jsonl([str(self.names[index]) for index in wanted], reading)
        return self._read_parquet([str(self.names[index]) for index in wanted], reading)

    def _read_tsv(self, wanted: Sequence[int], reading: Reading) -> Iterator[tuple[int, list[str]]]:
        for number, line in enumerate(text_lines(self.place, reading), start=1):
            if line is None or (number == 1 and self.header):
                continue
            fields = line.split("\t")
            if len(fields) == len(self.names):
                yield number, [fields[index] for index in wanted]
            else:
                self._report_width(number, len(fields), bool(line.strip()), reading)

    def _read_csv(self, wanted: Sequence[int], reading: Reading) -> Iterator[tuple[int, list[str]]]:
        # A line that is not UTF-8 stays as an empty one, so that the parser's line numbers remain right.
        unreadable: set[int] = set()
        rows = csv.reader(self._csv_lines(unreadable, reading), delimiter=self.delimiter, strict=True)
        first = self.header
        while True:
            try:
                fields = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                where = f"{self.place}:{rows.line_num}"
                raise CorpusError(
                    f"{where}: not valid CSV: {error}. Fields with quotes, commas or line breaks "
                    'stand in quotes, and a quote inside them is doubled: "he said ""hi"""'
                ) from None
            if first:
                first = False
            elif len(fields) == len(self.names):
                yield rows.line_num, [fields[index] for index in wanted]
            elif fields or rows.line_num not in unreadable:
                self._report_width(rows.line_num, len(fields), bool(fields), reading)

    def _csv_lines(self, unreadable: set[int], reading: Reading) -> Iterator[str]:
        for number, line in enumerate(text_lines(self.place, reading), start=1):
            if line is None:
                unreadable.add(number)
            yield f"{line or ''}\n"

    def _report_width(self, number: int, width: int, filled: bool, reading: Reading) -> None:
        where = f"{self.place}:{number}"
        if not filled:
            reading.skip("blank lines", where)
            return
        detail = f"{width} column{'s' * (width != 1)}, expected {len(self.names)} as in the first line"
        reading.bad(
            "lines with a wrong number of columns",
            where,
            detail,
            f"Columns are separated by {_describe(self.delimiter)}.",
        )

    def _read_jsonl(self, keys: Sequence[str], reading: Reading) -> Iterator[tuple[int, list[str]]]:
        for number, line in enumerate(text_lines(self.place, reading), start=1):
            where = f"{self.place}:{number}"
            if line is None:
                continue
            if not line.strip():
                reading.skip("blank lines", where)
                continue
            try:
                record = _parse_object(line)
            except _DuplicateKeyError as error:
                reading.bad(
                    "lines with a duplicate key", where, f"the key {error.args[0]!r} stands twice", "Keep one of them."
                )
                continue
            except ValueError as error:
                reading.bad(
                    "lines that are not a JSON object",
                    where,
                    f"not a JSON object: {error}",
                    'Expected one object a line: {"src": "…", "tgt": "…"}.',
                )
                continue
            missing = [key for key in keys if key not in record]
            if missing:
                reading.bad(
                    "lines without a wanted key",
                    where,
                    f"no key {missing[0]!r}; it has {', '.join(record)}",
                    "Every line needs the same keys.",
                )
                continue
            values = [record[key] for key in keys]
            if all(isinstance(value, str) for value in values):
                yield number, values
            else:
                key, value = next(
                    (key, value) for key, value in zip(keys, values, strict=True) if not isinstance(value, str)
                )
                reading.bad(
                    "lines whose value is not text",
                    where,
                    f"the value of {key!r} is {json.dumps(value)[:60]}",
                    "Expected a string.",
                )

    def _read_parquet(self, keys: Sequence[str], reading: Reading) -> Iterator[tuple[int, list[str]]]:
        number = 0
        with _open_parquet(self.place) as file:
            for batch in file.iter_batches(batch_size=4096, columns=sorted({key.partition(".")[0] for key in keys})):
                columns = [_parquet_column(batch, key) for key in keys]
                for values in zip(*columns, strict=True):
                    number += 1
                    if all(isinstance(value, str) for value in values):
                        yield number, list(values)
                    else:
                        wrong = next(key for key, value in zip(keys, values, strict=True) if not isinstance(value, str))
                        where = f"{self.place}: row {number}"
                        reading.bad(
                            "rows whose value is not text",
                            where,
                            f"column {wrong!r} holds no text",
                            "Expected strings without nulls.",
                        )


def detect_format(place: Place) -> Format:
    """What a file is, by its name and its content.

    Raises:
        CorpusError: its content is not what its name says.
    """
    head = read_head(place)
    claimed = _SUFFIXES.get(place.name.rpartition(".")[2].lower()) if "." in place.name else None
    is_parquet = head.startswith(b"PAR1")
    if is_parquet != (claimed == "parquet"):
        if is_parquet and claimed is None:
            return "parquet"
        raise CorpusError(
            f"{place}: "
            + (
                "is Parquet, which its name does not say; rename it to end in .parquet"
                if is_parquet
                else "its name says Parquet, but it does not begin with Parquet's mark PAR1; fetch it again or rename it"
            )
        )
    if is_parquet:
        return "parquet"
    lines = _head_lines(head)
    if claimed == "tsv" and not any("\t" in line for line in lines):
        raise CorpusError(
            f"{place}:1: its name says tab-separated, but its first {len(lines)} lines hold no tab; {_suggest(lines)}"
        )
    if claimed == "csv" and not any(mark in line for line in lines for mark in ",;|\t"):
        raise CorpusError(
            f"{place}:1: its name says CSV, but its first {len(lines)} lines hold no comma, "
            f"semicolon, bar or tab; {_suggest(lines)}"
        )
    if claimed == "jsonl" and lines[:1] and not lines[0].lstrip().startswith("{"):
        if lines[0].lstrip().startswith("["):
            raise CorpusError(f"{place}:1: is one JSON array; expected one object a line: jq -c '.[]' FILE > NEW.jsonl")
        raise CorpusError(
            f'{place}:1: its name says JSON lines, but its first line is not an object like {{"src": "…", "tgt": "…"}}'
        )
    if claimed is not None:
        return claimed
    if lines and all(_is_object(line) for line in lines[:3]):
        return "jsonl"
    widths = {line.count("\t") for line in lines if line.strip()}
    return "tsv" if len(widths) == 1 and widths != {0} else "text"


def open_table(place: Place, format: Format, *, is_header: Callable[[Sequence[str]], bool]) -> Table:
    """Reads what the columns are.

    Args:
        is_header: says whether the fields of the first line look like names of columns.
    """
    if format == "parquet":
        with _open_parquet(place) as file:
            return Table(place, format, tuple(_parquet_names(file.schema_arrow)), header=True)
    first = next((line for line in _head_lines(read_head(place)) if line.strip()), "")
    if format == "jsonl":
        try:
            return Table(place, format, tuple(_parse_object(first)), header=False)
        except _DuplicateKeyError as error:
            raise CorpusError(f"{place}:1: the key {error.args[0]!r} stands twice; keep one of them") from None
        except ValueError as error:
            raise CorpusError(f"{place}:1: not a JSON object: {error}") from None
    delimiter = "\t" if format == "tsv" else max(",;\t|", key=first.count)
    fields = first.split("\t") if format == "tsv" else next(csv.reader([first], delimiter=delimiter), [])
    header = is_header(fields)
    names: tuple[str | None, ...] = tuple(field.strip() for field in fields) if header else (None,) * len(fields)
    if header and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CorpusError(f"{place}:1: the header names {twice!r} twice; rename one of the columns")
    return Table(place, format, names, header, delimiter)


class _DuplicateKeyError(ValueError):
    pass


def _parse_object(line: str) -> dict[str, Any]:
    record = json.loads(line, object_pairs_hook=_refuse_duplicates)
    if not isinstance(record, dict):
        raise ValueError(f"it is {type(record).__name__}")
    return _flatten(record)


def _refuse_duplicates(items: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(items)
    if len(record) < len(items):
        keys = [key for key, _ in items]
        raise _DuplicateKeyError(next(key for key in keys if keys.count(key) > 1))
    return record


def _flatten(record: dict[str, Any]) -> dict[str, Any]:
    # {"translation": {"de": …, "en": …}} is how Hugging Face data sets hold pairs.
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": text for inner, text in value.items()})
        else:
            flat[key] = value
    return flat


def _open_parquet(place: Place) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CorpusError(f"{place}: reading Parquet needs an extra: pip install 'seqloom[parquet]'") from None
    if place.path.suffix in (".gz", ".xz", ".zst", ".bz2"):
        raise CorpusError(
            f"{place}: Parquet is compressed inside already and cannot be read from a compressed file; unpack it"
        )
    try:
        return pyarrow.parquet.ParquetFile(place.path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise CorpusError(f"{place}: is damaged or not Parquet ({error}); fetch it again") from None


def _parquet_names(schema: Any) -> list[str]:
    names: list[str] = []
    for column in schema:
        children = getattr(column.type, "num_fields", 0) if str(column.type).startswith("struct") else 0
        names += [f"{column.name}.{column.type.field(i).name}" for i in range(children)] or [column.name]
    return names


def _parquet_column(batch: Any, key: str) -> list[Any]:
    name, _, inner = key.partition(".")
    if key in batch.schema.names:
        return list(batch.column(key).to_pylist())
    return [None if value is None else value.get(inner) for value in batch.column(name).to_pylist()]


def _head_lines(head: bytes) -> list[str]:
    # The head may end inside a line, and inside a character of it.
    lines = head.decode("utf-8", errors="replace").split("\n")
    complete = lines[:-1] if len(lines) > 1 else lines
    return [line.removesuffix("\r") for line in complete[:100]]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _suggest(lines: Sequence[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    if _is_object(first):
        return "it looks like JSON lines: rename it to end in .jsonl"
    if "," in first:
        return "separate the two sides by a tab, or rename the file to end in .csv if commas separate them"
    return "separate the two sides by a tab, or give two files with --src and --tgt"


def _describe(delimiter: str) -> str:
    return {"\t": "one tab", ",": "commas", ";": "semicolons", "|": "bars"}[delimiter]
