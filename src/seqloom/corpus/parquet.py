"""Reads Parquet files: the names of the columns and of the fields of structs, and their values row by row.

A field of a struct is a column with the name "COLUMN.FIELD".
"""

from collections.abc import Iterator, Sequence
from typing import Any

from seqloom.corpus.input_file import InputFile
from seqloom.corpus.json_records import RecordError, check_text
from seqloom.corpus.lines import report_zero_byte
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError


def read_names(file: InputFile) -> tuple[str, ...]:
    """The names of the columns.

    Raises:
        CorpusError: the file is damaged, or pyarrow is not installed.
    """
    names: list[str] = []
    with _open(file) as parquet_file:
        for column in parquet_file.schema_arrow:
            children = getattr(column.type, "num_fields", 0) if str(column.type).startswith("struct") else 0
            names += [f"{column.name}.{column.type.field(i).name}" for i in range(children)] or [column.name]
    return tuple(names)


def read_values(file: InputFile, keys: Sequence[str]) -> Iterator[Sequence[Any]]:
    """For each row the unchecked values of some columns, of any type.

    Args:
        keys: names of columns, as `read_names` gives them.

    Raises:
        CorpusError: the file is damaged.
    """
    with _open(file) as parquet_file:
        batches = parquet_file.iter_batches(batch_size=4096)
        while (batch := _next_batch(batches, file)) is not None:
            yield from zip(*(_column(batch, key) for key in keys), strict=True)


def read_rows(file: InputFile, keys: Sequence[str], read_pass: ReadPass) -> Iterator[tuple[int, list[str]]]:
    """For each row its number, from 1, and the texts of some columns.

    Args:
        keys: names of columns, as `read_names` gives them.
        read_pass: decides what happens to a row with a value that is not text.

    Raises:
        CorpusError: the file is damaged, or a value is not text and `read_pass` does not skip.
    """
    number = 0
    with _open(file) as parquet_file:
        names = set(parquet_file.schema_arrow.names)
        stored = sorted({key if key in names else key.partition(".")[0] for key in keys})
        batches = parquet_file.iter_batches(batch_size=4096, columns=stored)
        while (batch := _next_batch(batches, file)) is not None:
            columns = [_column(batch, key) for key in keys]
            for values in zip(*columns, strict=True):
                number += 1
                if _check_row(values, keys, f"{file}: row {number}", read_pass):
                    yield number, list(values)


def _check_row(values: Sequence[Any], keys: Sequence[str], location: str, read_pass: ReadPass) -> bool:
    """Whether all values of a row are text; reports the row if not."""
    for key, value in zip(keys, values, strict=True):
        if not isinstance(value, str):
            read_pass.report_bad(
                "rows whose value is not text",
                location,
                f"column {key!r} holds no text",
                "Expected strings without nulls.",
            )
            return False
        try:
            check_text(value, key)
        except RecordError as error:
            read_pass.report_bad(error.reason, location, str(error), error.remedy)
            return False
        if "\x00" in value:
            report_zero_byte(f"{location} ({key})", value.index("\x00"), read_pass)
            return False
    return True


def _next_batch(batches: Iterator[Any], file: InputFile) -> Any:
    import pyarrow

    try:
        return next(batches, None)
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(f"{file}: is damaged ({error}); fetch it again") from None


def _open(file: InputFile) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise CorpusError(f"{file}: reading Parquet needs an extra: pip install 'seqloom[parquet]'") from None
    if file.path.suffix in (".gz", ".xz", ".zst", ".bz2"):
        raise CorpusError(f"{file}: Parquet cannot be read from a compressed file (it is compressed inside); unpack it")
    try:
        return pyarrow.parquet.ParquetFile(file.path)
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(f"{file}: is damaged or not Parquet ({error}); fetch it again") from None


def _column(batch: Any, key: str) -> list[Any]:
    """The values of a column, or of a field of a struct, in a batch of rows."""
    name, _, field = key.partition(".")
    try:
        if key in batch.schema.names:
            return list(batch.column(key).to_pylist())
        return [None if value is None else value.get(field) for value in batch.column(name).to_pylist()]
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"column {name!r} holds bytes that are not UTF-8 ({error.reason}); write the file again from text"
        ) from None
