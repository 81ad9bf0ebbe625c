"""CorpusSettings: which data to read, in which direction, and what to do about bad lines.

This module checks that settings do not contradict each other. It opens no files: `open.py` decides whether `data` is a generator, a
data set of the catalogue or a file.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from seqloom.arguments import MAX_SEED, check_type
from seqloom.config import Settings
from seqloom.corpus.kinds import READERS
from seqloom.corpus.languages import parse_language

Metric = Literal[
    "bleu",
    "bleu_13a",
    "bleu_zh",
    "bleu_ja_mecab",
    "bleu_ko_mecab",
    "bleu_char",
    "bleu_tokenised",
    "chrf",
    "exact_match",
    "items",
    "bits_per_byte",
]

_FILES = ("data", "src", "tgt", "val", "test", "val_src", "val_tgt", "test_src", "test_tgt")
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|", "space": " "}


def _to_text(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _to_language(value: object) -> object:
    # YAML 1.1 reads an unquoted `no` (Norwegian) as False.
    if value is False:
        return "no"
    return parse_language(value) if isinstance(value, str) else value


def _to_delimiter(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = _DELIMITERS.get(value.strip().casefold(), value.replace("\\t", "\t"))
    # Spaces around "|||" are missing at the ends of lines, so they are not part of the separator.
    text = text.strip(" ") or text
    if any(mark in text for mark in '"\n\r'):
        raise ValueError("a separator holds neither quotes nor line ends")
    return text


def _check_separator(value: str) -> str:
    if value != value.strip() or "\n" in value or "\r" in value:
        raise ValueError("the line between two documents has no spaces around it and no line ends")
    return value


def _to_header(value: object) -> object:
    # YAML 1.1 reads unquoted yes and no as True and False.
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


File = Annotated[str, BeforeValidator(_to_text), Field(min_length=1)]
Language = Annotated[str, BeforeValidator(_to_language)]
Column = Annotated[int, Field(ge=1)] | Annotated[str, Field(min_length=1)]


Separator = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_check_separator)]
Delimiter = Annotated[str, BeforeValidator(_to_delimiter), Field(min_length=1, max_length=20)]


def _check_kind(kind: str) -> str:
    if kind not in (known := ("auto", "pairs", "text", *READERS)):
        raise ValueError(f"expected one of {', '.join(known)}")
    return kind


Kind = Annotated[str, AfterValidator(_check_kind)]


def _is_name(value: str) -> bool:
    """Whether a value of `data` names a generator or a data set. A folder of the same name is then ignored."""
    from seqloom.corpus.catalogue import catalogue
    from seqloom.corpus.generators import GENERATORS

    return value in GENERATORS or value in catalogue()


def _exists(path: Path, *, folder: bool) -> bool:
    """Whether the path is a file or, if `folder` is set, a folder."""
    try:
        return path.is_file() or (folder and path.is_dir())
    except OSError:  # no permission, or the name is too long; opening the path gives the error message
        return False


class CorpusSettings(Settings):
    """Which data to read, and how.

    Attributes:
        data: a generator ("player-commands"), a data set of the catalogue ("multi30k"), one file of pairs or of text, or a folder
            of texts for language models, searched with all folders in it.
        src: a text file with a source in each line, aligned with `tgt`; instead of `data`.
        tgt: a text file with a target in each line.
        val: validation data in the format of `data`; without it, a part of the training data is held out.
        test: test data in the format of `data`; without it, a part of the training data is held out.
        val_src: sources of the validation data, aligned with `val_tgt`.
        val_tgt: targets of the validation data.
        test_src: sources of the test data, aligned with `test_tgt`.
        test_tgt: targets of the test data.
        from_lang: the source language, as a BCP 47 tag ("de", "pt-BR", "zh-Hans"), a code of three letters or an English name; it
            chooses the source among the languages of the data.
        to_lang: the target language.
        kind: "pairs", "text" for language models, a kind of `corpus.kinds`, or "auto": found from the data.
        src_column: the column of the source, a name or a number from 1; None: chosen by the names and values of the columns.
        tgt_column: the column of the target; of a text for language models, its only column.
        document_separator: the line that stands between two documents of a text file, such as "<|endoftext|>" or "---", without
            spaces around it; "blank-line" for empty lines; None: a file is one document.
        delimiter: what separates the columns of a file: a text such as "," or " ||| ", or "tab", "comma", "semicolon", "bar"; None:
            the separator that gives the most records the same number of fields.
        header: whether the first line of delimited text holds the names of the columns; "auto": found from the first lines.
        metric: the metric that leads reports and selects checkpoints; None: chosen by the data. "bleu" uses the tokenizer for the
            target language.
        max_words: the largest number of words of a side of a training or validation pair (at least one for every 10
            characters; in scripts without spaces each character is a word). Longer pairs are skipped, counted and reported. All
            test pairs are kept.
        on_bad: "error" stops at a line that cannot be read (invalid UTF-8, wrong number of columns, broken JSON);
            "skip" skips the line, counts it and reports the count.
        split_seed: the seed of the choice of held-out data if val or test is missing, and the seed of generators.
        val_size: the number of pairs that are held out for validation; None: 5%, at most 1,000.
        test_size: the number of pairs that are held out for the test; None: 5%, at most 1,000.
        size: the number of training pairs: a generator makes so many; of other data the first ones are used. None: the default of
            the generator, or all pairs.
        overlap: "drop" removes training pairs that are also in validation or test data, "keep" keeps them, "error" stops.
        data_dir: a mirror folder that holds the catalogue's files, used instead of the network; None: the environment
            variable SEQLOOM_DATA_DIR, or the network.
        options: settings of the reader of `kind`; the recipe's task sets both.
    """

    data: File | None = None
    src: File | None = None
    tgt: File | None = None
    val: File | None = None
    test: File | None = None
    val_src: File | None = None
    val_tgt: File | None = None
    test_src: File | None = None
    test_tgt: File | None = None
    from_lang: Language | None = None
    to_lang: Language | None = None
    kind: Kind = "auto"
    src_column: Column | None = None
    tgt_column: Column | None = None
    document_separator: Separator | None = None
    delimiter: Delimiter | None = None
    header: Annotated[Literal["auto", "yes", "no"], BeforeValidator(_to_header)] = "auto"
    metric: Metric | None = None
    max_words: int = Field(default=400, ge=1)
    on_bad: Literal["skip", "error"] = "error"
    split_seed: int = Field(default=0, ge=0, le=MAX_SEED)
    val_size: int | None = Field(default=None, ge=1)
    test_size: int | None = Field(default=None, ge=1)
    size: int | None = Field(default=None, ge=1)
    overlap: Literal["drop", "keep", "error"] = "drop"
    data_dir: File | None = None
    options: dict[str, int | float | str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.data is None and self.src is None and self.tgt is None:
            raise ValueError(
                "no data: give --data NAME-or-file (`seqloom data list` names some), or --src FILE --tgt FILE"
            )
        if self.data is not None and (self.src is not None or self.tgt is not None):
            raise ValueError("--data and --src/--tgt are two ways to say the same thing: keep one of them")
        for prefix in ("", "val_", "test_"):
            src, tgt = getattr(self, f"{prefix}src"), getattr(self, f"{prefix}tgt")
            if (src is None) != (tgt is None):
                present, missing = ("src", "tgt") if tgt is None else ("tgt", "src")
                flag = prefix.replace("_", "-")
                raise ValueError(
                    f"--{flag}{present} needs --{flag}{missing}: the two files are read line by line together"
                )
            if src is not None and src == tgt:
                raise ValueError(
                    f"{prefix}src and {prefix}tgt are the same file, {src}: a model would only learn to copy"
                )
        for part in ("val", "test"):
            both = getattr(self, part) is not None and getattr(self, f"{part}_src") is not None
            if both:
                raise ValueError(
                    f"--{part} and --{part}-src/--{part}-tgt are two ways to say the same thing: keep one of them"
                )
            has_files = getattr(self, part) is not None or getattr(self, f"{part}_src") is not None
            if has_files and getattr(self, f"{part}_size") is not None:
                raise ValueError(
                    f"{part}_size says how much to cut from the training data, but {part} data are given as files"
                )
        if self.from_lang is not None and self.from_lang == self.to_lang:
            raise ValueError(f"from_lang and to_lang are both {self.from_lang!r}")
        if self.document_separator is not None and (self.data is None or self.kind not in ("auto", "text")):
            raise ValueError(
                "document_separator separates the documents of a text file: give --data FILE, and no --kind pairs"
            )
        if self.kind == "text":
            self._check_text()
        elif self.src_column is not None and self.tgt_column is None:
            raise ValueError("src_column needs tgt_column: name the columns of both sides")
        elif self.kind == "pairs" and self.tgt_column is not None and self.src_column is None:
            raise ValueError("tgt_column needs src_column: name the columns of both sides")
        if self.src_column is not None and self.src_column == self.tgt_column:
            raise ValueError(
                f"src_column and tgt_column are both {self.src_column!r}: a model would only learn to copy"
            )
        if self.src is not None and self.delimiter is not None:
            raise ValueError(
                "delimiter separates the columns of one file; --src and --tgt are two files without columns"
            )
        if self.src is not None and self.header != "auto":
            raise ValueError("header is for one file with columns; --src and --tgt are two files without columns")
        if self.src is not None and (self.src_column is not None or self.tgt_column is not None):
            raise ValueError(
                "src_column and tgt_column choose columns of one file; --src and --tgt are two files without columns"
            )
        return self

    def _check_text(self) -> None:
        pairs_only = ("src", "tgt", "val_src", "val_tgt", "test_src", "test_tgt", "to_lang", "src_column")
        wrong = [name for name in pairs_only if getattr(self, name) is not None]
        if wrong:
            raise ValueError(
                f"kind is 'text', which has no source and target: leave out {', '.join(wrong)}, or set kind to 'pairs'"
            )
        if self.metric not in (None, "bits_per_byte"):
            raise ValueError(
                f"metric is {self.metric!r}, but a text for language models is measured in 'bits_per_byte'"
            )

    def changed(self) -> set[str]:
        """Names of the settings that differ from their defaults."""
        return {
            name
            for name, field in type(self).model_fields.items()
            if getattr(self, name) != field.get_default(call_default_factory=True)
        }

    def command_options(self) -> dict[str, Any]:
        """The settings to repeat on a command line; the recipe's task sets the others, and `data_dir` depends on the machine."""
        left_out = {"data_dir", "options"} | ({"kind"} if self.options else set())
        return self.model_dump(mode="json", exclude_defaults=True, exclude_none=True, exclude=left_out)

    def paths(self) -> list[Path]:
        """The values that may be paths of files; `data` may be a name instead."""
        return [Path(value) for name in _FILES if (value := getattr(self, name)) is not None]

    def located(self) -> "CorpusSettings":
        """The same settings with existing files as absolute paths, so that a run can be resumed from another folder.

        A pipe is copied into the cache; the setting then names the copy.

        Raises:
            CorpusError: a pipe cannot be copied.
        """
        names = (*_FILES, "data_dir")
        from seqloom.corpus.stream_copies import regular_file

        existing = {
            name: path
            for name in names
            if (value := getattr(self, name)) is not None
            and (path := Path(value) if name == "data_dir" else regular_file(value)) is not None
            and _exists(path, folder=name in ("data_dir", "val", "test") or (name == "data" and not _is_name(value)))
        }
        return self.model_copy(update={name: str(path.resolve()) for name, path in existing.items()})


def as_corpus_settings(corpus: object, name: str = "corpus") -> CorpusSettings:
    """Converts an argument of a Python caller to settings: settings, a name or a file.

    Raises:
        ConfigError: `corpus` has another type.
    """
    if isinstance(corpus, CorpusSettings):
        return corpus
    check_type(corpus, (str, Path), name, "the name of a data set, a file, or CorpusSettings")
    return CorpusSettings(data=str(corpus))
