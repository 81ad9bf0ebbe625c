"""Finds the data of a run: where they were when it was trained, or where they are after folders were moved.

A run's recipe and RunInfo become its corpus; equal fingerprints show that it is the same. Nothing here trains.
"""

from collections.abc import Iterator
from pathlib import Path

from seqloom.corpus import Corpus, CorpusSettings, open_corpus
from seqloom.errors import ConfigError, CorpusError, SeqloomError
from seqloom.messages import counted
from seqloom.progress import Progress, Silent
from seqloom.run.info import CorpusInfo
from seqloom.tasks import task_of

_TRAIN = ("data", "src", "tgt")
_HELD_OUT = (("val", "val_src", "val_tgt"), ("test", "test_src", "test_tgt"))
_FILES = (*_TRAIN, *(name for names in _HELD_OUT for name in names))
# Paths do not count when data are compared.
_LOCATIONS = (*_FILES, "data_dir")


def open_run_corpus(
    folder: Path,
    saved: CorpusSettings | None,
    about: CorpusInfo,
    progress: Progress | None = None,
    *,
    named: CorpusSettings | None = None,
) -> tuple[CorpusSettings, Corpus]:
    """Opens the corpus that a run was trained on.

    Missing files are searched for at the same path relative to the run: they are there if a folder that contains both data and
    run was renamed or copied.

    Args:
        folder: the run folder.
        saved: the corpus of the run's recipe.
        about: what run.json says of the corpus.
        named: the new paths of the data, as the user gave them; all other settings must be those of the run.

    Returns:
        Where the data are now, and the corpus.

    Raises:
        ConfigError: the run does not say which corpus it was trained on, or `named` differs in more than paths.
        CorpusError: the data cannot be found, or are not the ones that the run was trained on.
    """
    progress = progress or Silent()
    if saved is None:
        raise ConfigError(f"{folder}: the run does not say which corpus it was trained on; name one")
    wanted = saved if named is None else _named_again(folder, saved, named)
    differs: SeqloomError | None = None
    for settings in _locations(folder, wanted):
        try:
            # A path that the user gives may be a pipe; a path in a recipe may not.
            opened = open_corpus(settings, progress, named_by=folder / "recipe.yaml" if named is None else None)
        except SeqloomError as error:
            # The file at the same relative path may be another file of that name.
            differs = differs or error
            continue
        problem = _difference(opened, about)
        if problem is None:
            if settings != wanted:
                progress.say(f"The data were moved; found: {', '.join(_moved(wanted, settings))}")
            return settings, opened
        differs = differs or CorpusError(
            f"{_shown(settings)}: not the data that {folder} was trained on: {problem}. Restore them, name their new path "
            f"({_options(saved)}), or begin a new run from its weights (--from)"
        )
    if differs is not None:
        raise differs
    missing = [value for name in _FILES if (value := getattr(wanted, name)) is not None and _is_lost(value)]
    raise CorpusError(
        f"{', '.join(missing)}: not found, neither there nor beside {folder}; name the path of the data that the run was trained "
        f"on: {_options(saved)}"
    )


def _named_again(folder: Path, saved: CorpusSettings, named: CorpusSettings) -> CorpusSettings:
    """The saved settings with the paths that the user gave; all others do not change."""
    named_fields = named.model_fields_set
    changed = [name for name in sorted(named_fields - {*_LOCATIONS}) if getattr(named, name) != getattr(saved, name)]
    if changed:
        listed = "; ".join(
            f"--{name.replace('_', '-')} (the run: {getattr(saved, name)}, now: {getattr(named, name)})"
            for name in changed
        )
        raise ConfigError(
            f"--resume: {folder} was begun with other data options, which cannot be changed: {listed}. Leave them out, or begin a "
            "new run from its weights (--from)"
        )
    located = named.located()
    values = {name: getattr(saved, name) for name in saved.model_fields_set}
    for group in (_TRAIN, *_HELD_OUT):
        if named_fields & {*group}:
            values = {name: value for name, value in values.items() if name not in group}
    values |= {
        name: value for name in _LOCATIONS if name in named_fields and (value := getattr(located, name)) is not None
    }
    return CorpusSettings.parse(values, source="the data options")


def _locations(folder: Path, settings: CorpusSettings) -> Iterator[CorpusSettings]:
    """The unchanged settings, if their files exist; then settings with all files moved together, those nearest to the run first."""
    files = {name: Path(value) for name in _FILES if (value := getattr(settings, name)) is not None}
    files = {name: path for name, path in files.items() if path.is_absolute()}
    # A path that exists and is not a file, such as a pipe, is an error when it is opened.
    if all(path.exists() for path in files.values()):
        yield settings
    if not files:
        return
    here, first = folder.resolve(), next(iter(files.values()))
    for ancestor in (here, *here.parents):
        for old in first.parents[::-1]:
            if any(old not in path.parents for path in files.values()):
                continue
            moved = {name: ancestor / path.relative_to(old) for name, path in files.items()}
            if moved != files and all(path.is_file() or path.is_dir() for path in moved.values()):
                yield settings.model_copy(update={name: str(path) for name, path in moved.items()})


def _difference(corpus: Corpus, about: CorpusInfo) -> str | None:
    """How a corpus differs from the one that run.json describes; None if it does not."""
    if corpus.fingerprint == about.fingerprint:
        return None
    task = task_of(corpus.kind)
    if corpus.kind != about.kind:
        return f"they are {task.description} now"
    before = about.fingerprints
    parts = []
    for split in (corpus.train, corpus.val, *corpus.tests.values()):
        if before.get(split.name, "") == split.fingerprint:
            continue
        was = about.sizes.get(split.name)
        if task.has_sources and was is not None and split.size is not None and was != split.size:
            parts.append(f"{split.name} has {counted(split.size, task.noun)}, and had {was:,}")
        elif before:
            parts.append(f"{split.name} has other content")
    return "; ".join(parts) or "their content is another (the fingerprint differs)"


def _moved(before: CorpusSettings, now: CorpusSettings) -> list[str]:
    return [str(getattr(now, name)) for name in _FILES if getattr(now, name) != getattr(before, name)]


def _shown(settings: CorpusSettings) -> str:
    return ", ".join(str(value) for name in _FILES if (value := getattr(settings, name)) is not None)


def _options(settings: CorpusSettings) -> str:
    """The options with which the user can name the data."""
    return " ".join(f"--{name.replace('_', '-')} FILE" for name in _FILES if getattr(settings, name) is not None)


def _is_lost(value: str) -> bool:
    return Path(value).is_absolute() and not Path(value).exists()
