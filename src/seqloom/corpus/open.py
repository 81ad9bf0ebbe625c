"""open_corpus: a generator, a named data set or files become a Corpus.

This module decides what a name means, and which languages and columns are meant. A setting that would be ignored is an error.
"""

import dataclasses
import re
from importlib import import_module
from pathlib import Path

from seqloom.config import nearest
from seqloom.corpus import columns, direction
from seqloom.corpus.assembly import Plan, assemble
from seqloom.corpus.catalogue import Entry, SplitEntry, catalogue
from seqloom.corpus.column_evidence import (
    Evidence,
    gather_evidence,
    looks_like_header,
    values_deny_header,
    values_tell_header,
)
from seqloom.corpus.corpus import Corpus
from seqloom.corpus.download import locate
from seqloom.corpus.formats import Hints, Layout, detect_layout
from seqloom.corpus.input_file import InputFile, read_head
from seqloom.corpus.kinds import READERS
from seqloom.corpus.languages import name_language
from seqloom.corpus.parallel import Joined, ParallelFiles
from seqloom.corpus.passages import RunningText, cut
from seqloom.corpus.settings import CorpusSettings, as_corpus_settings
from seqloom.corpus.sources import PairTable, Passages, Selected, Source, TextTable
from seqloom.corpus.stream_copies import describe_copy, is_stream, regular_file
from seqloom.corpus.tables import Table, open_table
from seqloom.errors import ConfigError, CorpusError
from seqloom.progress import Progress, Silent

_PARTS = ("val", "test")
_SOURCES = ("data", "src", "tgt", *(f"{part}{side}" for part in _PARTS for side in ("", "_src", "_tgt")))


def open_corpus(
    settings: CorpusSettings | str | Path, progress: Progress | None = None, *, named_by: Path | None = None
) -> Corpus:
    """Opens a corpus: reads it once to check, count and split it; its splits then stream.

    Args:
        settings: what to read; a text or path alone is a name or a file.
        progress: hears how far reading and downloads are.
        named_by: the file that the settings come from, where that may be somebody else's. Pipes and devices in it are refused:
            reading one would wait for ever.

    Raises:
        ConfigError: settings contradict each other or do not fit the data.
        CorpusError: there are no such data, or they cannot be read.
    """
    settings = as_corpus_settings(settings)
    progress = progress or Silent()
    if named_by is not None:
        _refuse_streams(settings, named_by)
    settings, kept = _without_streams(settings)
    for note in kept:
        progress.say(note)
    if settings.kind in READERS:
        _refuse(settings, {"data", "kind", "options", "data_dir"}, f"data of the kind {settings.kind!r}")
        module, function = READERS[settings.kind]
        corpus: Corpus = getattr(import_module(module), function)(settings, progress)
        return corpus
    if settings.data is None:
        return _assemble(_plan_aligned(settings), settings, progress)
    from seqloom.corpus.generators import GENERATORS

    if settings.data in GENERATORS:
        _refuse(
            settings,
            {"data", "size", "split_seed", "metric", "data_dir", "overlap"},
            f"the generator {settings.data!r}",
        )
        corpus = GENERATORS[settings.data].open(seed=settings.split_seed, size=settings.size)
        return corpus if settings.metric is None else dataclasses.replace(corpus, metric=settings.metric)
    if settings.metric == "items":
        raise ConfigError(
            "metric is 'items', but only generators know what the items of a target are; take exact_match or bleu"
        )
    entry = catalogue().get(settings.data)
    if entry is not None:
        return _assemble(_plan_named(settings.data, entry, settings, progress), settings, progress)
    path = Path(settings.data)
    if not _exists(path):
        known = [*GENERATORS, *catalogue()]
        hint = nearest(settings.data, known) or " `seqloom data list` lists the names."
        raise CorpusError(f"{settings.data!r} is neither a named data set nor a file.{hint}")
    return _assemble(_plan_file(InputFile(path), settings), settings, progress)


def _assemble(plan: Plan, settings: CorpusSettings, progress: Progress) -> Corpus:
    # A wrong guess is often the cause of the next message, so the layout is reported before anything is read.
    plan = dataclasses.replace(plan, layout=(*_encoding_notes(settings), *plan.layout))
    for line in plan.layout:
        progress.say(line)
    return assemble(plan, settings, progress)


def _encoding_notes(settings: CorpusSettings) -> list[str]:
    """A sentence for each file of the settings that is UTF-16."""
    paths = [Path(value) for name in _SOURCES if (value := getattr(settings, name)) is not None]
    # `data` may name a data set of the catalogue instead of a file.
    files = [InputFile(path) for path in paths if path.is_file()]
    return [f"{file.name}: read as UTF-16, as its byte order mark says." for file in files if file.is_utf16()]


def _refuse_streams(settings: CorpusSettings, named_by: Path) -> None:
    for name in _SOURCES:
        value = getattr(settings, name)
        if value is not None and is_stream(value):
            raise CorpusError(
                f"{named_by}: corpus.{name} is {str(value)[:200]!r}, a pipe or a device, which cannot be read again; "
                "put a file with the data there, or name other data"
            )


def _without_streams(settings: CorpusSettings) -> tuple[CorpusSettings, list[str]]:
    """The settings with copies in place of pipes, which cannot be read twice, and a note for each."""
    copies: dict[str, str] = {}
    notes: list[str] = []
    standard: list[str] = []
    for name in _SOURCES:
        value = getattr(settings, name)
        if value is not None and is_stream(value):
            if value in ("-", "/dev/stdin"):
                standard.append(name)
            copy = regular_file(value)
            copies[name] = str(copy)
            notes.append(describe_copy(value, copy))
    if len(standard) > 1:
        raise ConfigError(f"{' and '.join(standard)} are both standard input, which can be read only once")
    return (settings.model_copy(update=copies), notes) if copies else (settings, notes)


def _exists(path: Path) -> bool:
    """Whether something is there, dangling links included, which are named when they are opened.

    Raises:
        CorpusError: it cannot be told.
    """
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be opened: {getattr(error, 'strerror', None) or error}") from None


def fetch(name: str, *, data_dir: str | None = None, progress: Progress | None = None) -> list[Path]:
    """Downloads all files of a named data set, or finds them in a mirror.

    Raises:
        CorpusError: there is no data set of that name, or a file cannot be had.
    """
    entry = catalogue().get(name)
    if entry is None:
        raise CorpusError(f"{name!r} is not a data set of the catalogue.{nearest(name, list(catalogue()))}")
    return [locate(path, file, data_dir=data_dir, progress=progress) for path, file in entry.files.items()]


def _plan_aligned(settings: CorpusSettings) -> Plan:
    assert settings.src is not None
    assert settings.tgt is not None
    src, tgt = InputFile(Path(settings.src)), InputFile(Path(settings.tgt))
    if settings.metric == "items":
        raise ConfigError(
            "metric is 'items', but only generators know what the items of a target are; take exact_match or bleu"
        )
    src_lang, tgt_lang = direction.languages_of_files(src, tgt, settings)
    held_out, notes = _held_out_sources(settings, src_lang, tgt_lang)
    return Plan(
        name=_slug(
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
        layout=(*direction.tell_files(src, tgt, settings), *notes),
    )


def _plan_file(file: InputFile, settings: CorpusSettings) -> Plan:
    if file.path.is_dir():
        raise CorpusError(
            f"{file}: is a folder; expected a file of pairs or of text, or two aligned files: --src FILE --tgt FILE"
        )
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
        settings.kind == "auto" and settings.src_column is None and columns.holds_text(table)
    )
    if as_text:
        _check_text(settings, file)
        parts = {
            name: _text_source(InputFile(Path(path)), settings)
            for name in _PARTS
            if (path := getattr(settings, name)) is not None
        }
        train = _text_source(file, settings)
        note = columns.choose_text(table, settings).note
        return Plan(
            _slug(_stem(file)),
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
    held_out, others = _held_out_sources(settings, choice.src_lang, choice.tgt_lang, (table, choice))
    return Plan(
        name=_slug(_stem(file)),
        kind="pairs",
        train=source,
        val=held_out.get("val"),
        tests=_only_test(held_out),
        src_lang=choice.src_lang,
        tgt_lang=choice.tgt_lang,
        layout=(choice.note, *others),
    )


def _plan_running(file: InputFile, settings: CorpusSettings) -> Plan:
    _check_text(settings, file)
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
    note = {
        2: "the first 90% are train, the next 5% val, the last 5% test",
        1: f"the last 5% are {'val' if val is None else 'test'}, the rest train",
    }
    return Plan(
        name=_slug(_stem(file)),
        kind="text",
        train=train,
        val=val_source,
        tests={"test": test_source},
        running=True,
        metric="bits_per_byte",
        src_lang=settings.from_lang,
        notes=(f"Split: of the running text {note[len(shares)]}, cut at line ends.",) if shares else (),
    )


def _plan_named(name: str, entry: Entry, settings: CorpusSettings, progress: Progress) -> Plan:
    what = f"the data set {name!r}"
    allowed = {"data", "kind", "metric", "max_words", "on_bad", "overlap", "size", "data_dir", "split_seed"}
    if entry.reversible:
        allowed |= {"from_lang", "to_lang"}
    for part in _PARTS:
        if part in entry.splits:
            if getattr(settings, f"{part}_size") is not None:
                raise ConfigError(f"{what} has {part} data of its own, so {part}_size would be ignored; leave it out")
        else:
            allowed |= {f"{part}_size", part, f"{part}_src", f"{part}_tgt"}
    if {"from_lang", "to_lang"} & settings.changed() and not entry.reversible:
        raise ConfigError(
            f"{what} has one direction only, which is not between languages; leave out --from-lang and --to-lang"
        )
    _refuse(settings, allowed, what)
    if settings.kind not in ("auto", entry.kind):
        raise ConfigError(f"{what} is of kind {entry.kind!r}, not {settings.kind!r}")
    if entry.kind == "text" and settings.metric not in (None, "bits_per_byte"):
        raise ConfigError(f"{what} is a text for language models, measured in bits_per_byte, not {settings.metric}")
    src, tgt = _direction(what, entry, settings)
    open_part = _NamedParts(entry, src, tgt, settings, progress, _instead(entry))
    notes: tuple[str, ...] = ()
    sources = {part: open_part(split) for part, split in entry.splits.items()}
    languages = entry.languages or {side: side for side in entry.sides}
    if entry.kind == "pairs":
        held_out, notes = _held_out_sources(settings, languages.get(src), languages.get(tgt))
        sources |= held_out
    natural = (src, tgt) == entry.direction and len(entry.sides) == 2
    return Plan(
        name=name if natural or entry.kind == "text" else f"{name}-{src}-{tgt}",
        kind=entry.kind,
        train=sources["train"],
        val=sources.get("val"),
        tests={part: source for part, source in sources.items() if part not in ("train", "val")},
        running=any(split.text is not None for split in entry.splits.values()),
        src_lang=languages.get(src),
        tgt_lang=languages.get(tgt),
        metric=entry.metric,
        licence=entry.licence,
        notes=entry.notes,
        layout=notes,
    )


@dataclasses.dataclass(frozen=True)
class _NamedParts:
    """Opens the splits of a named data set in one direction."""

    entry: Entry
    src: str
    tgt: str
    settings: CorpusSettings
    progress: Progress
    instead: str

    def __call__(self, split: SplitEntry) -> Source:
        source: Source
        if split.text is not None:
            file = self._locate(split.text)
            if split.select is None:
                return Passages(RunningText(file))
            first, middle, _ = cut(file, (split.select.start, split.select.stop), self.settings.on_bad, at_lines=False)
            return Passages(middle if split.select.stop < 1 else RunningText(file, first.stop or 0))
        if split.table is not None:
            file = self._locate(split.table)
            table = Table(file, "tsv", (None,) * (self.entry.columns or len(self.entry.sides)), header=False)
            source = PairTable(table, (self.entry.sides.index(self.src), self.entry.sides.index(self.tgt)))
        else:
            assert split.sides is not None
            both = zip(split.sides[self.src], split.sides[self.tgt], strict=True)
            parts = tuple(ParallelFiles(self._locate(src), self._locate(tgt), split.markup) for src, tgt in both)
            source = parts[0] if len(parts) == 1 else Joined(parts)
        return source if split.select is None else Selected(source, split.select)

    def _locate(self, text: str) -> InputFile:
        name, _, member = text.partition("!")
        try:
            path = locate(name, self.entry.files[name], data_dir=self.settings.data_dir, progress=self.progress)
        except CorpusError as error:
            raise CorpusError(f"{error}{self.instead}") from None
        return InputFile(path, member or None)


def _direction(what: str, entry: Entry, settings: CorpusSettings) -> tuple[str, str]:
    if entry.direction is None:
        return "", ""
    wanted: list[str | None] = []
    for flag, code in (("from", settings.from_lang), ("to", settings.to_lang)):
        sides = direction.match(code, entry.sides) if code is not None else []
        if code is not None and len(sides) != 1:
            names = ", ".join(f"{side} ({name_language(side)})" for side in entry.sides)
            raise ConfigError(f"--{flag}-lang {code}: {what} has the languages {names}")
        wanted.append(sides[0] if sides else None)
    src, tgt = wanted
    if src is not None and src == tgt:
        raise ConfigError(
            f"--from-lang {settings.from_lang} --to-lang {settings.to_lang}: both are {name_language(src)} in {what}"
        )
    first, second = entry.direction
    if src is None:
        src = first if tgt != first else second
    if tgt is None:
        tgt = second if src != second else first
    return src, tgt


def _held_out_sources(
    settings: CorpusSettings,
    src_lang: str | None,
    tgt_lang: str | None,
    train: tuple[Table, columns.Choice] | None = None,
) -> tuple[dict[str, Source], tuple[str, ...]]:
    """Validation and test data that the user gave as files, in the direction of the training data; and how they are read."""
    # A file pairs.en-fr.tsv and a val.en-fr.tsv beside it must be turned the same way round.
    known = {"from_lang": src_lang, "to_lang": tgt_lang} if src_lang and tgt_lang else {}
    directed = settings.model_copy(update=known)
    sources: dict[str, Source] = {}
    notes: list[str] = []
    for part in _PARTS:
        path, src, tgt = (getattr(settings, name) for name in (part, f"{part}_src", f"{part}_tgt"))
        if path is not None:
            sources[part], line = _pair_source(InputFile(Path(path)), directed, train)
            notes.append(line)
        elif src is not None:
            direction.languages_of_files(InputFile(Path(src)), InputFile(Path(tgt)), directed)
            sources[part] = _aligned(InputFile(Path(src)), InputFile(Path(tgt)))
    return sources, tuple(notes)


def _pair_source(
    file: InputFile, settings: CorpusSettings, train: tuple[Table, columns.Choice] | None
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
    table, _ = _open_table(layout, settings)
    return TextTable(table, columns.choose_text(table, settings).columns[0])


def _detect(file: InputFile, settings: CorpusSettings) -> Layout:
    hints = Hints(settings.delimiter, settings.kind, lambda fields: looks_like_header(fields, settings))
    return detect_layout(file, hints)


def _open_table(layout: Layout, settings: CorpusSettings) -> tuple[Table, Evidence]:
    delimited = layout.format in ("tsv", "csv")
    if settings.header != "auto" and not delimited:
        raise ConfigError(
            f"{layout.file}: header is for TSV and CSV; this file names its columns itself, so leave it out"
        )
    table = open_table(layout, is_header=lambda fields: looks_like_header(fields, settings))
    evidence = gather_evidence(table)
    if settings.header == "auto" and delimited:
        if not table.header and values_tell_header(evidence):
            table = open_table(layout, is_header=lambda fields: True)
        elif table.header and values_deny_header(table.names, evidence):
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


def _check_text(settings: CorpusSettings, file: InputFile) -> None:
    if settings.kind != "text":
        # Said again by the same rules as if the user had said kind: text, which is what the file turned out to be.
        try:
            CorpusSettings.parse({**settings.model_dump(), "kind": "text"}, source=str(file))
        except ConfigError as error:
            raise ConfigError(f"{error} (It holds no pairs, so it was taken as text for language models.)") from None


def _refuse(settings: CorpusSettings, allowed: set[str], what: str) -> None:
    wrong = sorted(settings.changed() - allowed)
    if wrong:
        raise ConfigError(
            f"{what} takes no {', '.join(wrong)}, which would be ignored; leave out "
            f"{', '.join('--' + name.replace('_', '-') for name in wrong)}"
        )


def _instead(entry: Entry) -> str:
    return f". Much like it and public: --data {entry.instead}" if entry.instead else ""


def _only_test(parts: "dict[str, Source] | dict[str, TextTable]") -> dict[str, Source]:
    return {"test": parts["test"]} if "test" in parts else {}


def _stem(file: InputFile) -> str:
    # A folder often says more than a file that everybody calls the same.
    stem = Path(file.name).stem
    folder = file.path.resolve().parent.name
    return folder if stem in ("train", "data", "input", "pairs", "corpus") and folder else stem


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "corpus"
