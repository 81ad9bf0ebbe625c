"""Plans the corpus of a named data set: its direction, its files, and the user's own validation and test data."""

from dataclasses import dataclass

from seqloom.corpus import direction
from seqloom.corpus.catalogue import Entry, SplitEntry
from seqloom.corpus.download import locate
from seqloom.corpus.file_plan import HELD_OUT, held_out_sources
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.languages import name_language
from seqloom.corpus.parallel import ConcatenatedFiles, ParallelFiles
from seqloom.corpus.passages import RunningText, cut
from seqloom.corpus.plan import Plan, check_none_ignored
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.sources import PairTable, Passages, SelectedRows, Source
from seqloom.corpus.tables import InputTable
from seqloom.errors import ConfigError, CorpusError
from seqloom.progress import Progress


def plan_named(name: str, entry: Entry, settings: CorpusSettings, progress: Progress) -> Plan:
    """Plans a corpus of a data set of the catalogue. Its files are downloaded if necessary.

    Raises:
        ConfigError: a setting does not apply to the data set.
        CorpusError: a file cannot be found or downloaded.
    """
    what = f"the data set {name!r}"
    allowed = {"data", "kind", "metric", "max_words", "on_bad", "overlap", "size", "data_dir", "split_seed"}
    if entry.reversible:
        allowed |= {"from_lang", "to_lang"}
    for part in HELD_OUT:
        if part in entry.splits:
            if getattr(settings, f"{part}_size") is not None:
                raise ConfigError(f"{what} has {part} data of its own, so {part}_size would be ignored; leave it out")
        else:
            allowed |= {f"{part}_size", part, f"{part}_src", f"{part}_tgt"}
    if {"from_lang", "to_lang"} & settings.changed() and not entry.reversible:
        raise ConfigError(
            f"{what} has one direction only, which is not between languages; leave out --from-lang and --to-lang"
        )
    check_none_ignored(settings, allowed, what)
    if settings.kind not in ("auto", entry.kind):
        raise ConfigError(f"{what} is of kind {entry.kind!r}, not {settings.kind!r}")
    if entry.kind == "text" and settings.metric not in (None, "bits_per_byte"):
        raise ConfigError(f"{what} is a text for language models, measured in bits_per_byte, not {settings.metric}")
    src, tgt = _direction(what, entry, settings)
    open_part = _SplitOpener(entry, src, tgt, settings, progress, _advice(entry))
    notes: tuple[str, ...] = ()
    sources = {part: open_part(split) for part, split in entry.splits.items()}
    languages = entry.languages or {side: side for side in entry.sides}
    if entry.kind == "pairs":
        held_out, notes = held_out_sources(settings, languages.get(src), languages.get(tgt))
        sources |= held_out
    is_default = (src, tgt) == entry.direction and len(entry.sides) == 2
    return Plan(
        name=name if is_default or entry.kind == "text" else f"{name}-{src}-{tgt}",
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


@dataclass(frozen=True)
class _SplitOpener:
    """Opens the splits of a named data set in one direction."""

    entry: Entry
    src: str
    tgt: str
    settings: CorpusSettings
    progress: Progress
    advice: str

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
            table = InputTable(file, "tsv", (None,) * (self.entry.columns or len(self.entry.sides)), header=False)
            source = PairTable(table, (self.entry.sides.index(self.src), self.entry.sides.index(self.tgt)))
        else:
            assert split.sides is not None
            both = zip(split.sides[self.src], split.sides[self.tgt], strict=True)
            parts = tuple(ParallelFiles(self._locate(src), self._locate(tgt), split.markup) for src, tgt in both)
            source = parts[0] if len(parts) == 1 else ConcatenatedFiles(parts)
        return source if split.select is None else SelectedRows(source, split.select)

    def _locate(self, text: str) -> InputFile:
        name, _, member = text.partition("!")
        try:
            path = locate(name, self.entry.files[name], data_dir=self.settings.data_dir, progress=self.progress)
        except CorpusError as error:
            raise CorpusError(f"{error}{self.advice}") from None
        return InputFile(path, member or None)


def _direction(what: str, entry: Entry, settings: CorpusSettings) -> tuple[str, str]:
    """The sides that are source and target; both "" for a text."""
    if entry.direction is None:
        return "", ""
    sides_of_settings: list[str | None] = []
    for flag, code in (("from", settings.from_lang), ("to", settings.to_lang)):
        sides = direction.matching_tags(code, entry.sides) if code is not None else []
        if code is not None and len(sides) != 1:
            names = ", ".join(f"{side} ({name_language(side)})" for side in entry.sides)
            raise ConfigError(f"--{flag}-lang {code}: {what} has the languages {names}")
        sides_of_settings.append(sides[0] if sides else None)
    src, tgt = sides_of_settings
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


def _advice(entry: Entry) -> str:
    """The end of a message about a missing file: a data set to use instead, if there is one."""
    return f". A similar public data set: --data {entry.instead}" if entry.instead else ""
