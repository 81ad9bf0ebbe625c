"""The types of a corpus: SentencePair, Document, Split and Corpus.

A split is a stream of text that can be read repeatedly. Its fingerprint identifies the text.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SentencePair:
    """A source text and its target text."""

    src: str
    tgt: str


@dataclass(frozen=True, slots=True)
class Document:
    """A text for language models."""

    text: str


@dataclass(frozen=True)
class Split:
    """A part of a corpus. Each iteration reads it from the beginning as a stream, so it may be larger than memory.

    Attributes:
        name: "train", "val", "test", or the name of a further test such as "beyond".
        origin: where the data come from, for messages: file names, or the name of a generator and its seed.
        fingerprint: SHA-256 (hex) over the content and over how it was selected.
        read: makes a new iterator over the items.
        size: the number of items, if known.
        sample: reads a given number of items, the same each time, without reading the others; None if that is impossible.
        unit: what an item is, in the plural: "pairs", "documents", or "passages" of one running text.
    """

    name: str
    origin: str
    fingerprint: str
    read: Callable[[], Iterator[SentencePair | Document]] = field(repr=False, compare=False)
    size: int | None = None
    sample: Callable[[int], Iterator[SentencePair | Document]] | None = field(default=None, repr=False, compare=False)
    unit: str = "items"

    def __iter__(self) -> Iterator[SentencePair | Document]:
        return self.read()

    def pairs(self) -> Iterator[SentencePair]:
        """The pairs of the split.

        Raises:
            TypeError: the split holds documents.
        """
        for item in self.read():
            if not isinstance(item, SentencePair):
                raise TypeError(f"split {self.name!r} of {self.origin} holds documents, not pairs")
            yield item

    def documents(self) -> Iterator[Document]:
        """The documents of the split.

        Raises:
            TypeError: the split holds pairs.
        """
        for item in self.read():
            if not isinstance(item, Document):
                raise TypeError(f"split {self.name!r} of {self.origin} holds pairs, not documents")
            yield item


@dataclass(frozen=True)
class Corpus:
    """Splits that belong together: `train` for training, `val` for selection, `tests` for reports.

    Attributes:
        name: a short name, fit for a folder and a heading.
        kind: "pairs" of source and target, "text" for language models, or a kind of `corpus.kinds`.
        tests: test splits by name. Reports compare systems on the first one, "test"; others, such as "beyond", are additional.
        src_lang: BCP 47 tag of the source language, if known.
        tgt_lang: BCP 47 tag of the target language, if known.
        metric: the name in `metrics` of the metric that leads reports and selects checkpoints.
        bleu: the name in `metrics` of the BLEU whose tokenizer fits the targets.
        item_separator: the text between the items of a target, such as " ; " between commands; None if targets have no items.
        item_name: the name of the items, in the plural ("commands").
        synthetic: whether a generator made the corpus; reports must say so.
        licence: the licence of the data, if known.
        notes: sentences for the user about skipped lines and about the split.
        layout: sentences for the user about how the files were read (columns, languages, header) and how to change it.
    """

    name: str
    kind: str
    train: Split
    val: Split
    tests: Mapping[str, Split]
    src_lang: str | None = None
    tgt_lang: str | None = None
    metric: str = "bleu"
    bleu: str = "bleu"
    item_separator: str | None = None
    item_name: str = "items"
    synthetic: bool = False
    licence: str | None = None
    notes: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the fingerprints of all splits."""
        parts = [self.kind, self.train.fingerprint, self.val.fingerprint]
        parts += [f"{name}:{split.fingerprint}" for name, split in self.tests.items()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
