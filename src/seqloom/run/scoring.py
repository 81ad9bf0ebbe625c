"""Chooses the test data of a run: the test splits of its own corpus or of a named data set, or a whole file.

Input: the data that the user names; output: test data, each with a description, so that the user knows which items a score is
over. This module neither decodes nor scores.
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

_OWN_TEST = "the test split of the run's own corpus"
# The beginnings of notes about splits that are not scored.
_OTHER_NOTES = ("train:", "val:", "In both val and test", "Split:")
# A value of `max_words` that no pair exceeds.
_UNLIMITED_WORDS = 1_000_000_000


@dataclass
class _Choice:
    """Chooses test data for a run.

    Attributes:
        own: the settings by which the run read its corpus; None if it does not record them.
        info: the facts that the run stores about its corpus.
        folder: the run folder, for messages.
        progress: receives the progress of reading.
        notes: sentences for the user about the choice.
    """

    own: CorpusSettings | None
    info: CorpusInfo
    folder: Path
    progress: Progress | None
    notes: list[str] = field(default_factory=list)

    def own_corpus(self) -> TestData:
        """The test splits of the corpus that the run was trained on."""
        if self.own is None:
            raise ConfigError(f"{self.folder}: the run does not say which corpus it was trained on; name one")
        try:
            _, corpus = open_run_corpus(self.folder, self.own, self.info, self.progress)
        except CorpusError as error:
            # Data that can be read but have changed are used, with a note. If they cannot be read, the first error is raised.
            try:
                corpus = open_corpus(self.own, self.progress, named_by=self.folder / "recipe.yaml")
            except SeqloomError:
                raise error from None
            self.notes.append(
                f"The data of {corpus.name} have changed since the run was trained, so its test split may hold pairs that the run "
                "was trained on."
            )
        return self.splits(corpus, _OWN_TEST)

    def from_settings(self, settings: CorpusSettings) -> TestData:
        """The test data that settings of the user mean."""
        settings = self._in_direction_of_run(settings)
        name = settings.data or settings.src
        if settings.data in GENERATORS or settings.data in catalogue():
            return self.splits(open_corpus(settings, self.progress), f"the test split of {settings.data}")
        test_options = {"test", "test_src", "test_size"} & settings.changed()
        if test_options:
            file = settings.test or settings.test_src
            description = f"all of {file}" if file else f"the test split cut from {name}, because of test_size"
            return self.splits(self._open_in_direction(settings, settings), description)
        corpus_of_run = self._open_as_own(settings)
        if corpus_of_run is not None:
            return self.splits(corpus_of_run, _OWN_TEST)
        if self._same_file(settings):
            self.notes.append(
                f"{name} is the file that the run was trained on, but it was changed or is read with other settings, so it "
                "may hold items that the run was trained on."
            )
        corpus = self._open_in_direction(settings, _whole(settings))
        self.notes += [note for note in corpus.notes if not note.startswith(_OTHER_NOTES)]
        return self.splits(corpus, f"all of {name}")

    def splits(self, corpus: Corpus, description: str) -> TestData:
        """The test splits of a corpus.

        Args:
            description: what the split "test" is.
        """
        task = task_of(corpus.kind)
        pairs = {name: list(split.pairs()) for name, split in corpus.tests.items()} if task.has_sources else {}
        scopes = {}
        for name in corpus.tests:
            of_split = description if name == "test" else description.replace("test split", f"split {name!r}")
            scopes[name] = Scope(len(pairs.get(name, ())), task.unit, of_split)
        return TestData(
            corpus,
            pairs,
            scopes,
            tuple(self.notes),
            leading=corpus.metric,
            bleu=corpus.bleu,
            item_separator=corpus.item_separator,
            item_name=corpus.item_name,
            is_own=description == _OWN_TEST,
        )

    def _in_direction_of_run(self, settings: CorpusSettings) -> CorpusSettings:
        """Settings of the user in the direction of the run; the settings of the run if they name its corpus and nothing else."""
        if self.own is not None and settings.located() == CorpusSettings(data=self.own.data):
            return self.own
        src, tgt = self.info.src_lang, self.info.tgt_lang
        if src and tgt and settings.data in catalogue() and not (settings.from_lang or settings.to_lang):
            return settings.model_copy(update={"from_lang": src, "to_lang": tgt})
        return settings

    def _open_in_direction(self, settings: CorpusSettings, to_open: CorpusSettings) -> Corpus:
        """Opens a corpus. If its direction is opposite to that of the run, source and target are exchanged.

        Args:
            settings: the settings of the user; if they name a direction or columns, nothing is exchanged.
            to_open: the settings by which the corpus is opened.

        Raises:
            ConfigError: the direction is opposite to that of the run, and cannot be exchanged.
        """
        corpus = open_corpus(to_open, self.progress)
        langs = self.info.src_lang, self.info.tgt_lang
        if not is_reversed((corpus.src_lang, corpus.tgt_lang), langs):
            return corpus
        direction_settings = {
            "from_lang",
            "to_lang",
            "src_column",
            "tgt_column",
            "src",
            "test_src",
        } & settings.changed()
        if direction_settings:
            raise _wrong_direction(settings.data or f"{settings.src}, {settings.tgt}", langs)
        exchanged = open_corpus(to_open.model_copy(update={"from_lang": langs[0], "to_lang": langs[1]}), self.progress)
        if is_reversed((exchanged.src_lang, exchanged.tgt_lang), langs):
            raise _wrong_direction(str(settings.data), langs)
        self.notes.append(f"{settings.data} is read from {_direction(langs)}, as the run translates.")
        return exchanged

    def _open_as_own(self, settings: CorpusSettings) -> Corpus | None:
        """Opens data with the settings of the run; None if they are not the data that the run was trained on."""
        if self.own is None or (self.own.data is None) != (settings.data is None):
            return None
        changed = {name: getattr(settings, name) for name in settings.changed()}
        try:
            corpus = open_corpus(
                self.own.model_copy(update=changed), self.progress, named_by=self.folder / "recipe.yaml"
            )
        except (SeqloomError, OSError):
            return None
        return corpus if corpus.fingerprint == self.info.fingerprint else None

    def _same_file(self, settings: CorpusSettings) -> bool:
        """Whether the settings name the file that the run was trained on."""
        if self.own is None:
            return False
        own, other = self.own.data or self.own.src, settings.data or settings.src
        try:
            return own is not None and other is not None and Path(own).samefile(other)
        except OSError:
            return False


def read_texts(path: Path, *, are_documents: bool, separator: str | None) -> tuple[list[str], list[str]]:
    """The lines (without line ends) or the documents of a text file, and notes for the user.

    Args:
        are_documents: whether to return documents instead of lines.
        separator: the line between two documents; None: the file is a single document.

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
    """Whether data have the target language of a run as their source, and its source language as their target.

    Args:
        data_langs: the source and target language of the data.
        langs: those of the run.
    """

    def fit(pair: tuple[str | None, str | None]) -> bool:
        return all(
            a is not None and b is not None and match_languages(a, [b]) for a, b in zip(pair, langs, strict=True)
        )

    return fit(data_langs[::-1]) and not fit(data_langs)


def check_files_direction(src: Path, ref: Path, langs: tuple[str | None, str | None]) -> None:
    """Checks that the names of two aligned files do not contradict the direction of a run.

    Raises:
        ConfigError: by the names, source and target are exchanged.
    """
    if is_reversed((language_of_suffix(src), language_of_suffix(ref)), langs):
        raise _wrong_direction(f"{src}, {ref}", langs)


def _wrong_direction(name: str, langs: tuple[str | None, str | None]) -> ConfigError:
    return ConfigError(
        f"{name}: source and target are in the wrong order, the run translates {_direction(langs)}; exchange source and target "
        "(--src and --ref, --src-column and --tgt-column, or --from-lang and --to-lang), or use a run for the other direction"
    )


def _direction(langs: tuple[str | None, str | None]) -> str:
    return " to ".join(name_language(code) if code else "an unknown language" for code in langs)


def _whole(settings: CorpusSettings) -> CorpusSettings:
    """Settings that read a whole file as the test split, without limits on the length of a pair."""
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
    changes = {**files, "overlap": "keep", "max_words": _UNLIMITED_WORDS, "size": None, "val_size": None}
    return settings.model_copy(update=changes)


def choose_test_data(
    corpus: Corpus | CorpusSettings | str | Path | Sequence[SentencePair] | None,
    *,
    own: CorpusSettings | None,
    info: CorpusInfo,
    folder: Path,
    progress: Progress | None,
) -> TestData:
    """The test data for a run.

    They are the test splits of the run's own corpus (recognised by its content, not by its path) or of a named data set. Any other
    file is used as a whole.

    Args:
        corpus: the data that the user names; None: the run's own corpus.
        own: the settings by which the run read its corpus.
        info: the facts that the run stores about its corpus.
        folder: the run folder, for messages.

    Raises:
        SeqloomError: the data cannot be read.
    """
    choice = _Choice(own, info, folder, progress)
    if corpus is None:
        return choice.own_corpus()
    if isinstance(corpus, str | Path):
        corpus = CorpusSettings.parse({"data": str(corpus)}, source="data")
    if isinstance(corpus, CorpusSettings):
        return choice.from_settings(corpus)
    if isinstance(corpus, Corpus):
        is_own = corpus.fingerprint == info.fingerprint
        return choice.splits(corpus, _OWN_TEST if is_own else f"the test split of {corpus.name}")
    pairs = list(corpus)
    return TestData(
        None,
        {"test": pairs},
        {"test": Scope(len(pairs), "pairs", "all of the given pairs")},
        leading=info.metric,
        bleu=bleu_for(info.tgt_lang, TargetFacts.of(pair.tgt for pair in pairs)),
        item_separator=info.item_separator,
        item_name=info.item_name,
    )
