"""The corpus room: files, named data sets and generators become streams of sentence pairs or documents."""

from seqloom.corpus.corpus import Corpus, Document, SentencePair, Split
from seqloom.corpus.open import open_corpus
from seqloom.corpus.parallel import read_parallel
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.streams import read_lines

__all__ = [
    "Corpus",
    "CorpusSettings",
    "Document",
    "SentencePair",
    "Split",
    "open_corpus",
    "read_lines",
    "read_parallel",
]
