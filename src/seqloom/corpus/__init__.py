"""Corpora: files, named data sets and generators become streams of sentence pairs or documents."""

from typing import TYPE_CHECKING

from seqloom.lazy import lazy_attributes

if TYPE_CHECKING:
    from seqloom.corpus.corpus import Corpus, Document, SentencePair, Split
    from seqloom.corpus.lines import read_lines
    from seqloom.corpus.open import open_corpus
    from seqloom.corpus.parallel import read_parallel, read_translations
    from seqloom.corpus.read_pass import ReadPass
    from seqloom.corpus.settings import CorpusSettings

__all__ = [
    "Corpus",
    "CorpusSettings",
    "Document",
    "ReadPass",
    "SentencePair",
    "Split",
    "open_corpus",
    "read_lines",
    "read_parallel",
    "read_translations",
]

# Reading lines does not need the imports that opening a corpus needs.
__getattr__ = lazy_attributes(
    __name__,
    {
        "seqloom.corpus.corpus": ("Corpus", "Document", "SentencePair", "Split"),
        "seqloom.corpus.open": ("open_corpus",),
        "seqloom.corpus.parallel": ("read_parallel", "read_translations"),
        "seqloom.corpus.read_pass": ("ReadPass",),
        "seqloom.corpus.settings": ("CorpusSettings",),
        "seqloom.corpus.lines": ("read_lines",),
    },
)
