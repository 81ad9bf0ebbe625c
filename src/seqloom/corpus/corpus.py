"""The types of a corpus: SentencePair, Document, Split and Corpus.

A split is a stream of text that can be read again and again. Its fingerprint says which text it is.
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
    """A part of a corpus. Each iteration reads it from the beginning, as a stream, so it may be larger than memory.

    Attributes:
        name: "train", "val", "test", or the name of a further test such as "beyond".
        origin: where the data come from, for messages: file names, or a generator with its seed.
        fingerprint: SHA-256 (hex) over the content and over how it was selected.
        read: makes a fresh iterator over the items.
        size: the number of items, if known.
        unit: what the items are, in the plural: "pairs", "documents", or "passages" of one running text.
        sample: reads a given number of items, the same each time, without reading the others; None if that is not possible
            without reading all items.
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
        """The items of a split that holds pairs."""
        for item in self.read():
            if not isinstance(item, SentencePair):
                raise TypeError(f"split {self.name!r} of {self.origin} holds documents, not pairs")
            yield item

    def documents(self) -> Iterator[Document]:
        """The items of a split that holds documents."""
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
        tests: test splits by name. The first one, "test", decides in reports; others, such as "beyond", are additional.
        src_lang: BCP 47 tag of the source language, if known.
        tgt_lang: BCP 47 tag of the target language, if known.
        metric: the metric that leads reports and selection, by its name in `metrics`.
        bleu: the BLEU whose tokenizer fits the targets, by its name in `metrics`.
        item_separator: what separates the items of a target, such as " ; " between commands; None if targets have no items.
        item_name: what an item is called in the plural ("commands").
        synthetic: True if a generator made it; reports must say so.
        licence: the licence of the data, if known.
        notes: sentences for the user: lines that were skipped and why, the split that was made.
        layout: how the files were read, a line each: which columns, which languages, whether there is a header, how to change it.
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
