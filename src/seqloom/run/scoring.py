"""What a run is scored on: the test splits of its own corpus or of a named data set, or all of a file.

Input: what the user named; output: test data, each with words for what they are, since a number must never speak of less than the
user thinks. Nothing here decodes or scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqloom.corpus import Corpus, CorpusSettings, SentencePair, open_corpus
from seqloom.corpus.catalogue import catalogue
from seqloom.corpus.generators import GENERATORS
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.languages import language_of_suffix, match_languages, name_language
from seqloom.corpus.leading_metric import TargetFacts, bleu_for
from seqloom.corpus.lines import read_lines
from seqloom.corpus.passages import RunningText
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.text_files import TextFiles
from seqloom.errors import ConfigError, CorpusError, SeqloomError
from seqloom.evaluation import Scope, TestData
from seqloom.messages import counted
from seqloom.progress import Progress
from seqloom.run.data import open_run_corpus
from seqloom.run.info import CorpusInfo
from seqloom.tasks import task_of

_OWN = "the test split of the run's own corpus"
# Notes on the splits that are not scored.
_OF_OTHER_PARTS = ("train:", "val:", "In both val and test", "Split:")
_MANY_WORDS = 1_000_000_000


@dataclass
class _Choice:
    """A run's own settings and corpus, by which is found what the user means."""

    own: CorpusSettings | None
    about: CorpusInfo
    folder: Path
    progress: Progress | None
    notes: list[str] = field(default_factory=list)

    def own_corpus(self) -> TestData:
        if self.own is None:
            raise ConfigError(f"{self.folder}: the run does not say which corpus it was trained on; name one")
        try:
            _, corpus = open_run_corpus(self.folder, self.own, self.about, self.progress)
        except CorpusError as error:
            # Found where they were, but changed; or not found at all.
            try:
                corpus = open_corpus(self.own, self.progress, named_by=self.folder / "recipe.yaml")
            except SeqloomError:
                raise error from None
            self.notes.append(
                f"The data of {corpus.name} have changed since the run was trained, so its test split may hold pairs that the run "
                "was trained on."
            )
        return self.splits(corpus, _OWN)

    def named(self, settings: CorpusSettings) -> TestData:
        settings = self._in_my_direction(settings)
        name = settings.data or settings.src
        if settings.data in GENERATORS or settings.data in catalogue():
            return self.splits(open_corpus(settings, self.progress), f"the test split of {settings.data}")
        test_options = {"test", "test_src", "test_size"} & settings.changed()
        if test_options:
            where = settings.test or settings.test_src
            what = f"all of {where}" if where else f"the test split cut from {name}, as test_size asks"
            return self.splits(self._opened(settings, settings), what)
        own = self._as_own(settings)
        if own is not None:
            return self.splits(own, _OWN)
        if self._same_file(settings):
            self.notes.append(
                f"{name} is the file that the run was trained on, read otherwise or changed since: what is scored may hold items "
                "that the run was trained on."
            )
        corpus = self._opened(settings, _whole(settings))
        self.notes += [note for note in corpus.notes if not note.startswith(_OF_OTHER_PARTS)]
        return self.splits(corpus, f"all of {name}")

    def splits(self, corpus: Corpus, what: str) -> TestData:
        task = task_of(corpus.kind)
        pairs = {name: list(split.pairs()) for name, split in corpus.tests.items()} if task.has_sources else {}
        scopes = {}
        for name in corpus.tests:
            described = what if name == "test" else what.replace("test split", f"split {name!r}")
            scopes[name] = Scope(len(pairs.get(name, ())), task.unit, described)
        return TestData(
            corpus,
            pairs,
            scopes,
            tuple(self.notes),
            leading=corpus.metric,
            bleu=corpus.bleu,
            item_separator=corpus.item_separator,
            item_name=corpus.item_name,
            is_own=what == _OWN,
        )

    def _in_my_direction(self, settings: CorpusSettings) -> CorpusSettings:
        """The corpus as this run was trained on it, or in the direction in which this run translates."""
        if self.own is not None and settings.located() == CorpusSettings(data=self.own.data):
            return self.own
        src, tgt = self.about.src_lang, self.about.tgt_lang
        if src and tgt and settings.data in catalogue() and not (settings.from_lang or settings.to_lang):
            return settings.model_copy(update={"from_lang": src, "to_lang": tgt})
        return settings

    def _opened(self, settings: CorpusSettings, reading: CorpusSettings) -> Corpus:
        """A file's pairs; where they run against the run's direction, and the user named none, they are turned round.

        Raises:
            ConfigError: they run against it, and cannot be turned.
        """
        corpus = open_corpus(reading, self.progress)
        langs = self.about.src_lang, self.about.tgt_lang
        if not is_reversed((corpus.src_lang, corpus.tgt_lang), langs):
            return corpus
        named = {"from_lang", "to_lang", "src_column", "tgt_column", "src", "test_src"} & settings.changed()
        if named:
            raise _wrong_direction(settings.data or f"{settings.src}, {settings.tgt}", langs)
        turned = open_corpus(reading.model_copy(update={"from_lang": langs[0], "to_lang": langs[1]}), self.progress)
        if is_reversed((turned.src_lang, turned.tgt_lang), langs):
            raise _wrong_direction(str(settings.data), langs)
        self.notes.append(f"{settings.data} is read from {_direction(langs)}, as the run translates.")
        return turned

    def _as_own(self, settings: CorpusSettings) -> Corpus | None:
        """The corpus as the run read its own, where that gives the data that the run was trained on; else None."""
        if self.own is None or (self.own.data is None) != (settings.data is None):
            return None
        changed = {name: getattr(settings, name) for name in settings.changed()}
        try:
            corpus = open_corpus(
                self.own.model_copy(update=changed), self.progress, named_by=self.folder / "recipe.yaml"
            )
        except (SeqloomError, OSError):
            return None
        return corpus if corpus.fingerprint == self.about.fingerprint else None

    def _same_file(self, settings: CorpusSettings) -> bool:
        if self.own is None:
            return False
        mine, other = self.own.data or self.own.src, settings.data or settings.src
        try:
            return mine is not None and other is not None and Path(mine).samefile(other)
        except OSError:
            return False


def read_texts(path: Path, *, are_documents: bool, separator: str | None) -> tuple[list[str], list[str]]:
    """The lines, without line ends, or the documents of a text file; and notes for the user.

    Args:
        separator: the line between two documents; None: the file is one document.

    Raises:
        CorpusError: the file cannot be read, or holds no text.
    """
    read_pass = ReadPass()
    if are_documents:
        files = TextFiles(str(path), (RunningText(InputFile(path)),), separator)
        texts, notes = [text for _, _, _, text in files.rows(read_pass)], read_pass.notes(str(path))
    else:
        lines = read_lines(path)
        texts, notes = list(lines), []
        if lines.num_replaced:
            notes = [
                f"{path}: in {counted(lines.num_replaced, 'line')} bytes that are not UTF-8 were replaced by U+FFFD."
            ]
    if not texts:
        raise CorpusError(f"{path}: there is nothing to score: the file holds no text")
    return texts, notes


def is_reversed(data_langs: tuple[str | None, str | None], langs: tuple[str | None, str | None]) -> bool:
    """Whether data run from a run's target language to its source language."""

    def fit(pair: tuple[str | None, str | None]) -> bool:
        return all(
            a is not None and b is not None and match_languages(a, [b]) for a, b in zip(pair, langs, strict=True)
        )

    return fit(data_langs[::-1]) and not fit(data_langs)


def check_files_direction(src: Path, ref: Path, langs: tuple[str | None, str | None]) -> None:
    """Checks that the names of two aligned files do not say the opposite of the run's direction.

    Raises:
        ConfigError: they do.
    """
    if is_reversed((language_of_suffix(src), language_of_suffix(ref)), langs):
        raise _wrong_direction(f"{src}, {ref}", langs)


def _wrong_direction(name: str, langs: tuple[str | None, str | None]) -> ConfigError:
    return ConfigError(
        f"{name}: source and target run against the run, which translates {_direction(langs)}; exchange source and target (--src "
        "and --ref, --src-column and --tgt-column, or --from-lang and --to-lang), or choose the run of the other direction"
    )


def _direction(langs: tuple[str | None, str | None]) -> str:
    return " to ".join(name_language(code) if code else "an unknown language" for code in langs)


def _whole(settings: CorpusSettings) -> CorpusSettings:
    """Settings that read all of a file as the test split: nothing is cut from it, nothing is too long."""
    files: dict[str, str | None]
    if settings.data is not None:
        files = {"val": settings.data, "test": settings.data}
    else:
        files = {
            "val_src": settings.src,
            "val_tgt": settings.tgt,
            "test_src": settings.src,
            "test_tgt": settings.tgt,
        }
    changes = {**files, "overlap": "keep", "max_words": _MANY_WORDS, "size": None, "val_size": None}
    return settings.model_copy(update=changes)


def choose_test_data(
    corpus: Corpus | CorpusSettings | str | Path | Sequence[SentencePair] | None,
    *,
    own: CorpusSettings | None,
    about: CorpusInfo,
    folder: Path,
    progress: Progress | None,
) -> TestData:
    """The test data that the user means.

    A file that is not what the run was trained on is scored whole. Of the run's own corpus, recognised by what it holds and not by
    where it lies, the test split is scored; of a named data set likewise.

    Args:
        corpus: what the user named; None: the run's own corpus.
        own: the settings by which the run read its corpus.
        about: what the run says of its corpus.
        folder: the run, for messages.

    Raises:
        SeqloomError: the data cannot be read.
    """
    choice = _Choice(own, about, folder, progress)
    if corpus is None:
        return choice.own_corpus()
    if isinstance(corpus, str | Path):
        corpus = CorpusSettings.parse({"data": str(corpus)}, source="data")
    if isinstance(corpus, CorpusSettings):
        return choice.named(corpus)
    if isinstance(corpus, Corpus):
        what = _OWN if corpus.fingerprint == about.fingerprint else f"the test split of {corpus.name}"
        return choice.splits(corpus, what)
    pairs = list(corpus)
    return TestData(
        None,
        {"test": pairs},
        {"test": Scope(len(pairs), "pairs", "all of the given pairs")},
        leading=about.metric,
        bleu=bleu_for(about.tgt_lang, TargetFacts.of(pair.tgt for pair in pairs)),
        item_separator=about.item_separator,
        item_name=about.item_name,
    )
