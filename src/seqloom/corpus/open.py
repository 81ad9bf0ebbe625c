"""open_corpus: a generator, a named data set or files become a Corpus.

This module decides what a name means. `file_plan.py` and `named_plan.py` plan the corpus, `assembly.py` reads it.
"""

import dataclasses
from importlib import import_module
from pathlib import Path

from seqloom.config import nearest
from seqloom.corpus.assembly import assemble
from seqloom.corpus.catalogue import catalogue
from seqloom.corpus.corpus import Corpus
from seqloom.corpus.download import locate
from seqloom.corpus.file_plan import HELD_OUT, plan_aligned, plan_file
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.kinds import READERS
from seqloom.corpus.named_plan import plan_named
from seqloom.corpus.plan import Plan, check_none_ignored
from seqloom.corpus.settings import CorpusSettings, as_corpus_settings
from seqloom.corpus.stream_copies import describe_copy, is_stream, regular_file
from seqloom.corpus.text_plan import plan_documents
from seqloom.errors import ConfigError, CorpusError
from seqloom.progress import Progress, Silent

_SOURCES = ("data", "src", "tgt", *(f"{part}{side}" for part in HELD_OUT for side in ("", "_src", "_tgt")))


def open_corpus(
    settings: CorpusSettings | str | Path, progress: Progress | None = None, *, named_by: Path | None = None
) -> Corpus:
    """Opens a corpus: reads it once to check, count and split it. Its splits are streams.

    Args:
        settings: what to read; a text or path alone is a name or a file.
        progress: receives the progress of reading and of downloads.
        named_by: the file that the settings come from, if another person may have written it. Pipes and devices are then an error,
            because reading a pipe may never end.

    Raises:
        ConfigError: settings contradict each other or do not fit the data.
        CorpusError: the data do not exist or cannot be read.
    """
    settings = as_corpus_settings(settings)
    progress = progress or Silent()
    if named_by is not None:
        _check_no_streams(settings, named_by)
    settings, copy_notes = _copy_streams(settings)
    for note in copy_notes:
        progress.say(note)
    if settings.kind in READERS:
        check_none_ignored(settings, {"data", "kind", "options", "data_dir"}, f"data of the kind {settings.kind!r}")
        module, function = READERS[settings.kind]
        corpus: Corpus = getattr(import_module(module), function)(settings, progress)
        return corpus
    if settings.data is None:
        return _assemble(plan_aligned(settings), settings, progress)
    from seqloom.corpus.generators import GENERATORS

    if settings.data in GENERATORS:
        check_none_ignored(
            settings,
            {"data", "size", "split_seed", "metric", "data_dir", "overlap"},
            f"the generator {settings.data!r}",
        )
        corpus = GENERATORS[settings.data].open(seed=settings.split_seed, size=settings.size)
        return corpus if settings.metric is None else dataclasses.replace(corpus, metric=settings.metric)
    if settings.metric == "items":
        raise ConfigError(
            "metric is 'items', but only generators know what the items of a target are; use exact_match or bleu"
        )
    entry = catalogue().get(settings.data)
    if entry is not None:
        return _assemble(plan_named(settings.data, entry, settings, progress), settings, progress)
    path = Path(settings.data)
    if not _exists(path):
        known = [*GENERATORS, *catalogue()]
        hint = nearest(settings.data, known) or " `seqloom data list` lists the names."
        raise CorpusError(f"{settings.data!r} is neither a named data set nor a file or folder.{hint}")
    if path.is_dir() or settings.document_separator is not None:
        if settings.kind == "pairs":
            raise CorpusError(
                f"{path}: {'is a folder' if path.is_dir() else 'document_separator separates documents'}, which is read as texts "
                "for language models; expected a file of pairs, or two aligned files: --src FILE --tgt FILE"
            )
        return _assemble(plan_documents(path, settings), settings, progress)
    return _assemble(plan_file(InputFile(path), settings), settings, progress)


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


def _check_no_streams(settings: CorpusSettings, named_by: Path) -> None:
    """Checks that no setting names a pipe or a device; raises a CorpusError."""
    for name in _SOURCES:
        value = getattr(settings, name)
        if value is not None and is_stream(value):
            raise CorpusError(
                f"{named_by}: corpus.{name} is {str(value)[:200]!r}, a pipe or a device, which cannot be read again; "
                "put a file with the data there, or name other data"
            )


def _copy_streams(settings: CorpusSettings) -> tuple[CorpusSettings, list[str]]:
    """The settings with pipes replaced by copies that can be read twice, and a note for each copy."""
    copies: dict[str, str] = {}
    notes: list[str] = []
    from_stdin: list[str] = []
    for name in _SOURCES:
        value = getattr(settings, name)
        if value is not None and is_stream(value):
            if value in ("-", "/dev/stdin"):
                from_stdin.append(name)
            copy = regular_file(value)
            copies[name] = str(copy)
            notes.append(describe_copy(value, copy))
    if len(from_stdin) > 1:
        raise ConfigError(f"{' and '.join(from_stdin)} are both standard input, which can be read only once")
    return (settings.model_copy(update=copies), notes) if copies else (settings, notes)


def _exists(path: Path) -> bool:
    """Whether a path exists. A dangling link counts, because opening it gives the clearer error message.

    Raises:
        CorpusError: the path cannot be examined.
    """
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be opened: {getattr(error, 'strerror', None) or error}") from None


def fetch(name: str, *, data_dir: str | None = None, progress: Progress | None = None) -> list[Path]:
    """Downloads all files of a named data set, or finds them in a mirror or the cache. Returns their paths.

    Raises:
        CorpusError: there is no data set of that name, or a file cannot be found or downloaded.
    """
    entry = catalogue().get(name)
    if entry is None:
        raise CorpusError(f"{name!r} is not a data set of the catalogue.{nearest(name, list(catalogue()))}")
    return [locate(path, file, data_dir=data_dir, progress=progress) for path, file in entry.files.items()]
