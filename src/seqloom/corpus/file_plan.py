"""Plans a corpus of the user's files: finds their formats, columns, languages and kind of data.

It also plans the user's validation and test files, including those that belong to a named data set.
"""

import re
from pathlib import Path

from seqloom.corpus import columns, direction
from seqloom.corpus.column_evidence import (
    Evidence,
    gather_evidence,
    looks_like_header,
    values_contradict_header,
    values_suggest_header,
)
from seqloom.corpus.formats import FileLayout, Hints, detect_layout
from seqloom.corpus.input_file import InputFile, read_head
from seqloom.corpus.parallel import ParallelFiles
from seqloom.corpus.passages import RunningText, cut
from seqloom.corpus.plan import Plan
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.sources import PairTable, Passages, Source, TextTable
from seqloom.corpus.tables import InputTable, open_table
from seqloom.corpus.text_columns import choose_text, holds_text
from seqloom.errors import ConfigError, CorpusError

HELD_OUT = ("val", "test")
"""The splits that are not training data."""


def plan_aligned(settings: CorpusSettings) -> Plan:
    """Plans a corpus of two line-aligned files.

    Raises:
        ConfigError: a setting does not apply to such files.
        CorpusError: a file cannot be read, or the file names contradict the settings.
    """
    assert settings.src is not None
    assert settings.tgt is not None
    src, tgt = InputFile(Path(settings.src)), InputFile(Path(settings.tgt))
    if settings.metric == "items":
        raise ConfigError(
            "metric is 'items', but only generators know what the items of a target are; use exact_match or bleu"
        )
    src_lang, tgt_lang = direction.languages_of_files(src, tgt, settings)
    held_out, notes = held_out_sources(settings, src_lang, tgt_lang)
    return Plan(
        name=slug(
            f"{_stem(src)}-{_stem(tgt)}"
            if _stem(src) != _stem(tgt)
            else "-".join(filter(None, (_stem(src), src_lang, tgt_lang)))
        ),
        kind="pairs",
        train=_aligned(src, tgt),
        val=held_out.get("val"),
        tests={"test": held_out["test"]} if "test" in held_out else {},
        src_lang=src_lang,
        tgt_lang=tgt_lang,
        layout=(*direction.describe_directions(src, tgt, settings), *notes),
    )


def plan_file(file: InputFile, settings: CorpusSettings) -> Plan:
    """Plans a corpus of one file: pairs, texts for language models, or running text.

    Raises:
        ConfigError: a setting does not apply to the file.
        CorpusError: the file cannot be read, or its format or columns are ambiguous.
    """
    layout = _detect(file, settings)
    if layout.format == "text":
        if settings.kind == "pairs":
            raise CorpusError(
                f"{file}: holds lines without tabs, not pairs; separate both sides by a tab, say what separates them "
                "(--delimiter ',' or any other text), or give two files: --src FILE --tgt FILE"
            )
        return _plan_running(file, settings)
    if (
        settings.kind == "text"
        and layout.format in ("tsv", "csv")
        and settings.tgt_column is None
        and "." not in file.name
    ):
        return _plan_running(file, settings)
    table, evidence = _open_table(layout, settings)
    as_text = settings.kind == "text" or (
        settings.kind == "auto" and settings.src_column is None and holds_text(table, evidence)
    )
    if as_text:
        check_text(settings, file)
        parts = {
            name: _text_source(InputFile(Path(path)), settings)
            for name in HELD_OUT
            if (path := getattr(settings, name)) is not None
        }
        train = _text_source(file, settings)
        note = choose_text(table, settings, evidence).note
        return Plan(
            slug(_stem(file)),
            "text",
            train,
            parts.get("val"),
            _only_test(parts),
            metric="bits_per_byte",
            src_lang=settings.from_lang,
            layout=(note,),
        )
    choice = columns.choose_pair(table, settings, evidence)
    source = PairTable(table, choice.columns)
    held_out, others = held_out_sources(settings, choice.src_lang, choice.tgt_lang, (table, choice))
    return Plan(
        name=slug(_stem(file)),
        kind="pairs",
        train=source,
        val=held_out.get("val"),
        tests=_only_test(held_out),
        src_lang=choice.src_lang,
        tgt_lang=choice.tgt_lang,
        layout=(choice.note, *others),
    )


def _plan_running(file: InputFile, settings: CorpusSettings) -> Plan:
    check_text(settings, file)
    for name in ("val_size", "test_size", "size", "tgt_column", "header"):
        if name in settings.changed():
            raise ConfigError(
                f"{name} does not apply to running text such as {file}, which is cut by share; leave it out"
            )
    val, test = (InputFile(Path(path)) if path is not None else None for path in (settings.val, settings.test))
    shares = (0.9, 0.95) if val is None and test is None else (0.95,) if val is None or test is None else ()
    pieces = cut(file, shares, settings.on_bad, at_lines=True)
    train = Passages(pieces[0])
    val_source = Passages(RunningText(val) if val is not None else pieces[1])
    test_source = Passages(RunningText(test) if test is not None else pieces[-1])
    divisions = {
        2: "the first 90% are train, the next 5% val, the last 5% test",
        1: f"the last 5% are {'val' if val is None else 'test'}, the rest train",
    }
    return Plan(
        name=slug(_stem(file)),
        kind="text",
        train=train,
        val=val_source,
        tests={"test": test_source},
        running=True,
        metric="bits_per_byte",
        src_lang=settings.from_lang,
        notes=(f"Split: of the running text {divisions[len(shares)]}, cut at line ends.",) if shares else (),
    )


def held_out_sources(
    settings: CorpusSettings,
    src_lang: str | None,
    tgt_lang: str | None,
    train: tuple[InputTable, columns.ColumnChoice] | None = None,
) -> tuple[dict[str, Source], tuple[str, ...]]:
    """Sources of the user's validation and test files, by split, and a note on how each file is read.

    Args:
        src_lang: the language of the training sources: the files are read in the same direction.
        tgt_lang: the language of the training targets.
        train: the table of the training data and its columns, if it is a table.
    """
    # The files pairs.en-fr.tsv and val.en-fr.tsv must be read in the same direction.
    known = {"from_lang": src_lang, "to_lang": tgt_lang} if src_lang and tgt_lang else {}
    with_languages = settings.model_copy(update=known)
    sources: dict[str, Source] = {}
    notes: list[str] = []
    for part in HELD_OUT:
        path, src, tgt = (getattr(settings, name) for name in (part, f"{part}_src", f"{part}_tgt"))
        if path is not None:
            sources[part], line = _pair_source(InputFile(Path(path)), with_languages, train)
            notes.append(line)
        elif src is not None:
            direction.languages_of_files(InputFile(Path(src)), InputFile(Path(tgt)), with_languages)
            sources[part] = _aligned(InputFile(Path(src)), InputFile(Path(tgt)))
    return sources, tuple(notes)


def _pair_source(
    file: InputFile, settings: CorpusSettings, train: tuple[InputTable, columns.ColumnChoice] | None
) -> tuple[PairTable, str]:
    if file.path.is_dir():
        raise CorpusError(f"{file}: is a folder; expected a file of pairs")
    layout = _detect(file, settings.model_copy(update={"kind": "pairs"}))
    if layout.format == "text":
        raise CorpusError(
            f"{file}: holds lines without a separator that gives most of them two fields, not pairs; say what separates both "
            "sides (--delimiter ',' or any other text); for two aligned files give "
            "--src FILE --tgt FILE (--val-src, --test-src …)"
        )
    table, evidence = _open_table(layout, settings)
    choice = columns.choose_pair(table, settings, evidence, train)
    return PairTable(table, choice.columns), choice.note


def _text_source(file: InputFile, settings: CorpusSettings) -> TextTable:
    layout = _detect(file, settings)
    if layout.format == "text":
        raise CorpusError(f"{file}: is running text, but the training data are a table; give both in one form")
    table, evidence = _open_table(layout, settings)
    return TextTable(table, choose_text(table, settings, evidence).columns[0])


def _detect(file: InputFile, settings: CorpusSettings) -> FileLayout:
    hints = Hints(settings.delimiter, settings.kind, lambda fields: looks_like_header(fields, settings))
    return detect_layout(file, hints)


def _open_table(layout: FileLayout, settings: CorpusSettings) -> tuple[InputTable, Evidence]:
    delimited = layout.format in ("tsv", "csv")
    if settings.header != "auto" and not delimited:
        raise ConfigError(
            f"{layout.file}: header is for TSV and CSV; the format of this file has names of columns, so leave it out"
        )
    table = open_table(layout, is_header=lambda fields: looks_like_header(fields, settings))
    evidence = gather_evidence(table)
    if settings.header == "auto" and delimited:
        if not table.header and values_suggest_header(evidence):
            table = open_table(layout, is_header=lambda fields: True)
        elif table.header and values_contradict_header(table.names, evidence):
            table = open_table(layout, is_header=lambda fields: False)
            evidence = gather_evidence(table)
    return table, evidence


def _aligned(src: InputFile, tgt: InputFile) -> ParallelFiles:
    for file in (src, tgt):
        if read_head(file).startswith(b"PAR1"):
            raise CorpusError(
                f"{file}: is Parquet; --src and --tgt take text with a sentence a line, --data takes Parquet"
            )
    return ParallelFiles(src, tgt)


def open_file_table(file: InputFile, settings: CorpusSettings) -> tuple[InputTable, Evidence]:
    """Opens a file of records, and finds out which values its columns hold.

    Raises:
        ConfigError: a setting does not apply to the file.
        CorpusError: the file holds no records.
    """
    layout = _detect(file, settings)
    if layout.format == "text":
        raise CorpusError(
            f"{file}: its name says that it holds records, but it is plain text; rename it to end in .txt"
        )
    return _open_table(layout, settings)


def check_text(settings: CorpusSettings, file: InputFile) -> None:
    """Checks that the settings apply to texts for language models.

    Args:
        file: the file of texts, for the message.

    Raises:
        ConfigError: a setting does not apply.
    """
    if settings.kind != "text":
        # The file is a text for language models, so the rules for kind: text apply to the settings.
        try:
            CorpusSettings.parse({**settings.model_dump(), "kind": "text"}, source=str(file))
        except ConfigError as error:
            raise ConfigError(f"{error} (It holds no pairs, so it was taken as text for language models.)") from None


def _only_test(parts: "dict[str, Source] | dict[str, TextTable]") -> dict[str, Source]:
    return {"test": parts["test"]} if "test" in parts else {}


def _stem(file: InputFile) -> str:
    # A name such as "train" does not describe the data, so the name of the folder is used.
    stem = Path(file.name).stem
    folder = file.path.resolve().parent.name
    return folder if stem in ("train", "data", "input", "pairs", "corpus") and folder else stem


def slug(text: str) -> str:
    """A text as a folder name: other characters than letters, digits, ".", "_" and "-" become "-"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "corpus"
