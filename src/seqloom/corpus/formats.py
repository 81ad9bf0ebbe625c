"""Detects the format and the separator of a file from its content and its name.

The first 16 MiB of the file are examined. If the content is ambiguous, the error names the option to add.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from seqloom.corpus import delimited, json_records
from seqloom.corpus.delimited import DelimiterFit, name_delimiter
from seqloom.corpus.input_file import InputFile, open_bytes, read_head
from seqloom.corpus.lines import text_lines
from seqloom.corpus.parquet import read_names
from seqloom.corpus.po import is_po
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.tmx import is_tmx, read_units
from seqloom.errors import ConfigError, CorpusError

Format = Literal["tsv", "csv", "jsonl", "json", "parquet", "tmx", "po", "text"]
IsHeader = Callable[[Sequence[str]], bool]
"""Tells from the fields of a record whether they are names of columns."""

_SUFFIXES: Mapping[str, Format] = {
    "tsv": "tsv",
    "tab": "tsv",
    "csv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
    "parquet": "parquet",
    "pq": "parquet",
    "tmx": "tmx",
    "po": "po",
    "pot": "po",
}
_SAMPLE_BYTES = 1 << 24
_SAMPLE_RECORDS = 2_000
# A file without a suffix such as ".tsv" is a table if at least this share of its lines look like records.
_MIN_SHARE_WITHOUT_SUFFIX = 0.9
_MIN_RECORDS_WITHOUT_SUFFIX = 10


@dataclass(frozen=True)
class FileLayout:
    """How to read a file.

    Attributes:
        file: the file.
        format: its format; of delimited text with any separator, "csv" if fields can have quotes around them, else "tsv".
        delimiter: the separator of the fields of delimited text.
        width: the number of fields that most records have.
        first: the fields of the first record.
        first_line: the line of the first record, from 1.
        names: the names in formats that have names: keys of JSON, languages of TMX, columns of Parquet.
    """

    file: InputFile
    format: Format
    delimiter: str = "\t"
    width: int = 0
    first: tuple[str, ...] = ()
    first_line: int = 1
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hints:
    """What the user's settings say about a file.

    Attributes:
        delimiter: the separator; None if it is not set.
        kind: "pairs", "text" or "auto".
        is_header: tells from the fields of the first record whether they are names of columns.
    """

    delimiter: str | None = None
    kind: str = "auto"
    is_header: IsHeader = lambda fields: False


def is_table_name(name: str) -> bool:
    """Whether a file name has the suffix of a format with records, as pairs.tsv and texts.jsonl do."""
    return "." in name and name.rpartition(".")[2].lower() in _SUFFIXES


def detect_layout(file: InputFile, hints: Hints | None = None) -> FileLayout:
    """Detects how to read a file, from its content and its name.

    Raises:
        CorpusError: the content does not fit the file name, is in a format that cannot be read, or is ambiguous.
        ConfigError: the settings name a separator, but the file is not delimited text.
    """
    hints = hints or Hints()
    head = read_head(file)
    by_suffix = _SUFFIXES[file.name.rpartition(".")[2].lower()] if is_table_name(file.name) else None
    layout = _detect_signature(file, head, by_suffix) or _detect_text(file, by_suffix, hints)
    if hints.delimiter is not None and layout.format not in ("tsv", "csv"):
        descriptions = {"text": "running text", "po": "a message catalogue", "tmx": "a translation memory"}
        raise ConfigError(
            f"delimiter does not apply to {file}, which is {descriptions.get(layout.format, layout.format.upper())}; leave it out"
        )
    return layout


def _detect_signature(file: InputFile, head: bytes, by_suffix: Format | None) -> FileLayout | None:
    """Detects formats that begin with a signature: Parquet and TMX."""
    is_parquet = head.startswith(b"PAR1")
    if is_parquet != (by_suffix == "parquet") and not (is_parquet and by_suffix is None):
        raise CorpusError(
            f"{file}: "
            + (
                "is Parquet, which its name does not say; rename it to end in .parquet"
                if is_parquet
                else "its name says Parquet, but it does not begin with Parquet's mark PAR1; fetch it again or rename it"
            )
        )
    if is_parquet:
        return FileLayout(file, "parquet", names=read_names(file))
    if is_tmx(head.decode("utf-8", errors="replace")):
        names: dict[str, None] = {}
        for _, unit in islice(read_units(file, ReadPass("skip")), _SAMPLE_RECORDS):
            names.update(dict.fromkeys(unit))
        if len(names) < 2:
            raise CorpusError(
                f"{file}: its units are in {'no language' if not names else 'the one language ' + ', '.join(names)}; "
                "expected two, named by xml:lang"
            )
        return FileLayout(file, "tmx", names=tuple(names))
    if by_suffix == "tmx":
        raise CorpusError(f"{file}:1: its name says TMX, but no <tmx> begins in it; fetch it again or rename it")
    return None


def _detect_text(file: InputFile, by_suffix: Format | None, hints: Hints) -> FileLayout:
    lines = sample_lines(file)
    nonblank = [line for line in lines if line is not None and line.strip()]
    if not nonblank and None in lines:
        # No line is UTF-8, so the error about the first line is the best message: it guesses the encoding.
        with closing(text_lines(file, ReadPass())) as bad_lines:
            next((line for line in bad_lines if line), None)
    if hints.delimiter is None:
        if by_suffix == "po" or (by_suffix is None and is_po(nonblank[:200])):
            if not is_po(nonblank[:2000]):
                raise CorpusError(
                    f"{file}: its name says a message catalogue of gettext, but it holds no msgid and msgstr"
                )
            return FileLayout(file, "po", names=("source", "target"))
        if by_suffix in ("jsonl", None):
            layout = _detect_json(file, lines, nonblank, by_suffix)
            if layout is not None:
                return layout
    elif by_suffix in ("jsonl", "po"):
        return FileLayout(file, by_suffix)
    return _detect_delimited(file, lines, nonblank, by_suffix, hints)


def sample_lines(file: InputFile) -> list[str | None]:
    """The lines in the first 16 MiB; None for a line that is not UTF-8 or has zero bytes."""
    with open_bytes(file, ReadPass()) as stream:
        data = stream.read(_SAMPLE_BYTES)
        complete = len(data) < _SAMPLE_BYTES or not stream.read(1)
    raw = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if (not complete or not raw[-1]) and len(raw) > 1:
        raw.pop()
    return [_decode(line) for line in raw]


def _decode(line: bytes) -> str | None:
    try:
        text = line.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _detect_json(
    file: InputFile, lines: Sequence[str | None], nonblank: Sequence[str], by_suffix: Format | None
) -> FileLayout | None:
    if json_records.is_lines_of_objects(lines):
        records = _parsed(line for line in nonblank[:_SAMPLE_RECORDS])
        return _with_names(FileLayout(file, "jsonl", names=json_records.common_names(records, _SAMPLE_RECORDS)))
    start = nonblank[0].lstrip()[:1] if nonblank else ""
    if start in ("[", "{") and start:
        try:
            names = json_records.common_names(json_records.read_document(file, ReadPass("skip")), _SAMPLE_RECORDS)
        except CorpusError:
            if by_suffix is None:
                return None
            raise
        if names or by_suffix is not None:
            return _with_names(FileLayout(file, "json", names=names))
    if by_suffix is None:
        return None
    raise CorpusError(
        f"{file}:1: its name says JSON lines, but its first line is not an object like "
        '{"src": "…", "tgt": "…"}, nor are most others'
    )


def _with_names(layout: FileLayout) -> FileLayout:
    if not layout.names:
        # The error about the first bad record is the best message.
        reader = json_records.read_document if layout.format == "json" else json_records.read_lines_of_objects
        next(iter(reader(layout.file, ReadPass())), None)
        raise CorpusError(f'{layout.file}: holds no records; expected objects like {{"src": "…", "tgt": "…"}}')
    if {"role", "content"} <= set(layout.names) or {"from", "value"} == set(layout.names):
        raise CorpusError(
            f"{layout.file}: its records are single messages ({', '.join(layout.names)}), so the file is one conversation; "
            'expected a conversation a record: {"messages": [{"role": "user", "content": "…"}, '
            '{"role": "assistant", "content": "…"}]}'
        )
    return layout


def _parsed(lines: Iterator[str]) -> Iterator[tuple[int, json_records.Record]]:
    for number, line in enumerate(lines, start=1):
        try:
            yield number, json_records.parse_record(line)[0]
        except json_records.RecordError:
            continue


def _detect_delimited(
    file: InputFile, lines: Sequence[str | None], nonblank: Sequence[str], by_suffix: Format | None, hints: Hints
) -> FileLayout:
    if not nonblank:
        if by_suffix is None and hints.delimiter is None:
            return FileLayout(file, "text")
        raise CorpusError(f"{file}: holds blank lines only, or none that is text in UTF-8")
    excel = delimited.excel_delimiter(nonblank[0])
    if excel is not None:
        lines = [*lines]
        lines[lines.index(nonblank[0])] = ""
    delimiter = hints.delimiter or excel
    if delimiter is not None:
        fit = _plain_or_quoted(lines, delimiter, prefers_quotes=by_suffix != "tsv" and delimiter != "|||")
        if fit.width < 2 and not hints.is_header(fit.first):
            origin = "was given by --delimiter" if hints.delimiter else "its first line names"
            raise CorpusError(
                f"{file}: the separator {name_delimiter(delimiter)} that {origin} occurs in none of its lines"
            )
        return _layout(file, fit, lines)
    if by_suffix == "tsv":
        if not any("\t" in line for line in nonblank):
            if hints.is_header([nonblank[0].strip()]):
                return _layout(file, _plain_or_quoted(lines, "\t", prefers_quotes=False), lines)
            raise CorpusError(
                f"{file}:1: its name says tab-separated, but its first {len(nonblank):,} lines hold no tab; {_suggest(nonblank)}"
            )
        return _layout(file, _plain_or_quoted(lines, "\t", prefers_quotes=False), lines)
    if by_suffix == "csv":
        return _layout(file, _choose_csv(file, lines, nonblank, hints), lines)
    return _detect_without_suffix(file, lines, hints)


def _choose_csv(file: InputFile, lines: Sequence[str | None], nonblank: Sequence[str], hints: Hints) -> DelimiterFit:
    fits = delimited.fit_separators(lines, delimited.SEPARATORS, quoted=True)
    if hints.is_header([nonblank[0].strip(' "')]) and (not fits or fits[0].prose or len(fits[0].first) == 1):
        # A file of one column with a name such as "text". Its commas belong to sentences.
        return delimited.fit_delimiter(lines, "\t", quoted=True)
    if not fits:
        has_separator = any(mark in line for line in nonblank for mark in ",;|\t")
        raise CorpusError(
            f"{file}:1: its name says CSV, but "
            + (
                "no separator gives most of its records the same number of fields, at least two; say which one it is: "
                "--delimiter ',' (or ';', '|', tab, or any other text)"
                if has_separator
                else f"its first {len(nonblank):,} lines hold no comma, semicolon, bar or tab; {_suggest(nonblank)}"
            )
        )
    best = fits[0]
    equal = [fit for fit in fits if fit.rank == best.rank]
    if len(equal) > 1:
        with_header = [fit for fit in equal if hints.is_header(fit.first)]
        if len(with_header) != 1:
            which = " and ".join(name_delimiter(fit.delimiter) for fit in equal)
            raise CorpusError(
                f"{file}: each of {which} gives its records {best.width} fields; say which one separates them: "
                + " or ".join(f"--delimiter {_shown(fit.delimiter)}" for fit in equal)
            )
        best = with_header[0]
    return _plain_or_quoted(lines, best.delimiter, prefers_quotes=True) if best.delimiter in ("\t", "|||") else best


def _detect_without_suffix(file: InputFile, lines: Sequence[str | None], hints: Hints) -> FileLayout:
    for delimiter in ("\t", "|||"):
        fit = _plain_or_quoted(lines, delimiter, prefers_quotes=False)
        if fit.width > 1 and fit.share >= (0.5 if hints.kind == "pairs" else _MIN_SHARE_WITHOUT_SUFFIX):
            return _layout(file, fit, lines)
    if hints.kind != "text":
        certain = [
            candidate
            for candidate in delimited.fit_separators(lines, (";", "|", ","), quoted=True)
            if candidate.share == 1
            and not candidate.prose
            and candidate.width == 2
            and candidate.num_records >= _MIN_RECORDS_WITHOUT_SUFFIX
        ]
        if len(certain) == 1:
            return _layout(file, certain[0], lines)
    return FileLayout(file, "text")


def _plain_or_quoted(lines: Sequence[str | None], delimiter: str, *, prefers_quotes: bool) -> DelimiterFit:
    """Decides whether fields have quotes around them: by the number of records that fit, then by `prefers_quotes`."""
    plain = delimited.fit_delimiter(lines, delimiter, quoted=False)
    if not any(line is not None and '"' in line for line in lines):
        return plain
    quoted = delimited.fit_delimiter(lines, delimiter, quoted=True)
    if quoted.width < 2:
        return plain
    if prefers_quotes:
        return quoted if quoted.share >= plain.share or delimiter in (",", ";", "|") else plain
    better = quoted.share > plain.share and quoted.share > 0.99
    return quoted if better or delimited.all_quoted(lines, delimiter) else plain


def _layout(file: InputFile, fit: DelimiterFit, lines: Sequence[str | None]) -> FileLayout:
    line = next((number for number, line in enumerate(lines, start=1) if line is not None and line.strip()), 1)
    return FileLayout(file, "csv" if fit.quoted else "tsv", fit.delimiter, fit.width, fit.first, line)


def _shown(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else f"'{delimiter}'"


def _suggest(lines: Sequence[str]) -> str:
    """Advice for a file without separators."""
    first = lines[0]
    if json_records.looks_like_object(first):
        return "it looks like JSON lines: rename it to end in .jsonl"
    if "," in first or ";" in first:
        return "separate the two sides by a tab, or say what separates them: --delimiter ',' (then quotes count, as in .csv)"
    return "separate the two sides by a tab, or give two files with --src and --tgt"
