"""Plans a corpus of documents for language models: a folder of texts, or a text file whose documents are separated by a line.

At least ten documents are divided between train, val and test. Fewer are cut by position, as a single text is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqloom.corpus.file_plan import HELD_OUT, check_text, open_file_table, slug
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.parallel import Row
from seqloom.corpus.passages import RunningText
from seqloom.corpus.plan import Plan
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.sources import Source, TextTable
from seqloom.corpus.text_columns import choose_text, holds_text
from seqloom.corpus.text_files import BLANK_LINE, TextFiles
from seqloom.corpus.text_folder import TextFolder, read_folder
from seqloom.errors import ConfigError, CorpusError
from seqloom.messages import counted

FEWEST_DOCUMENTS = 10
"""With fewer documents, the text is cut by position."""

_SHARES = {2: (0.9, 0.95), 1: (0.95,)}


@dataclass(frozen=True)
class SeveralSources:
    """The rows of several sources, one source after another."""

    name: str
    sources: tuple[Source, ...]

    @property
    def origin(self) -> str:
        """The name of the folder."""
        return self.name

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """The rows of all sources."""
        for source in self.sources:
            yield from source.rows(read_pass)


def plan_documents(path: Path, settings: CorpusSettings) -> Plan:
    """Plans a corpus of a folder of texts, or of a text file with separated documents.

    Raises:
        ConfigError: a setting does not apply to texts.
        CorpusError: the files cannot be read, hold no text, or hold pairs.
    """
    check_text(settings, InputFile(path))
    train, layout = _open_source(path, settings)
    held_out: dict[str, Source] = {}
    for part in HELD_OUT:
        if (value := getattr(settings, part)) is not None:
            held_out[part], lines = _open_source(Path(value), settings)
            layout += lines
    missing = [part for part in HELD_OUT if part not in held_out]
    has_sizes = settings.val_size is not None or settings.test_size is not None
    notes: tuple[str, ...] = ()
    by_position = (
        bool(missing)
        and not has_sizes
        and isinstance(train, TextFiles)
        and not train.has_documents(FEWEST_DOCUMENTS, settings.on_bad)
    )
    if by_position:
        assert isinstance(train, TextFiles)
        train, *rest = train.cut(_SHARES[len(missing)], settings.on_bad)
        held_out |= dict(zip(missing, rest, strict=True))
        shares = {
            2: "the first 90% of the text are train, the next 5% val, the last 5% test",
            1: f"the last 5% of the text are {missing[0]}, the rest train",
        }
        notes = (
            f"Split: fewer than {FEWEST_DOCUMENTS} documents, so they are cut by position: {shares[len(missing)]}, cut at line "
            "ends. To hold out whole documents: --val-size 1 --test-size 1.",
        )
    return Plan(
        name=slug(path.resolve().name if path.is_dir() else path.stem),
        kind="text",
        train=train,
        val=held_out.get("val"),
        tests={"test": held_out["test"]} if "test" in held_out else {},
        running=by_position,
        metric="bits_per_byte",
        src_lang=settings.from_lang,
        notes=notes,
        layout=layout,
        small_divisor=10,
    )


def _open_source(path: Path, settings: CorpusSettings) -> tuple[Source, tuple[str, ...]]:
    """The documents of a file or folder, and lines that say how they are read."""
    separator = settings.document_separator
    if not path.is_dir():
        texts = TextFiles(str(path), (RunningText(InputFile(path)),), separator)
        return texts, (f"{path.name}: read as text; {_describe_separator(separator)}.",)
    folder = read_folder(path)
    texts = TextFiles(str(path), tuple(RunningText(file) for file in folder.texts), separator)
    if not folder.tables:
        _check_no_column(settings)
        division = "each is a document" if separator is None else _describe_separator(separator)
        return texts, (f"{path}: read as {counted(len(folder.texts), 'file')} of text; {division}.", *folder.notes())
    tables = _open_tables(folder, settings)
    line = f"{path}: read as {counted(len(tables), 'table')} of texts, each record a document"
    if folder.texts:
        line += f", and {counted(len(folder.texts), 'file')} of text, each a document"
    sources: Sequence[Source] = [texts, *tables] if folder.texts else tables
    return SeveralSources(str(path), tuple(sources)), (f"{line}.", *folder.notes())


def _describe_separator(separator: str | None) -> str:
    """Says how the documents of a file are separated."""
    if separator is None:
        return "it is one document"
    lines = "empty lines" if separator == BLANK_LINE else f"lines that are {separator!r}"
    return f"{lines} separate its documents"


def _open_tables(folder: TextFolder, settings: CorpusSettings) -> list[TextTable]:
    tables: list[TextTable] = []
    pairs: list[InputFile] = []
    for file in folder.tables:
        table, evidence = open_file_table(file, settings)
        if settings.kind == "text" or settings.tgt_column is not None or holds_text(table, evidence):
            tables.append(TextTable(table, choose_text(table, settings, evidence).columns[0]))
        else:
            pairs.append(file)
    if not pairs:
        return tables
    shown = _names(pairs)
    texts = [*folder.texts, *(table.table.file for table in tables)]
    if texts:
        raise CorpusError(
            f"{folder.path}: holds records that look like pairs ({shown}) and texts ({_names(texts)}); keep one kind in the "
            "folder, or name the column of the texts: --kind text --text-column NAME"
        )
    raise CorpusError(
        f"{folder.path}: its files hold records that look like pairs ({shown}), but a folder is read as texts for language "
        "models; name one file of pairs (--data FILE), or the column of the texts: --kind text --text-column NAME"
    )


def _names(files: Sequence[InputFile]) -> str:
    return ", ".join(file.name for file in files[:3]) + (" and others" if len(files) > 3 else "")


def _check_no_column(settings: CorpusSettings) -> None:
    if settings.tgt_column is not None:
        raise ConfigError("tgt_column names the column of a table, but these files are plain text; leave it out")
