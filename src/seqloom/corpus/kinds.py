"""Kinds of data besides pairs and plain text, each with its own reader. To add a kind, write a reader and add a line here."""

from collections.abc import Mapping

# The module and the function that opens a corpus of a kind: (CorpusSettings, Progress) -> Corpus.
READERS: Mapping[str, tuple[str, str]] = {
    "series": ("seqloom.corpus.series", "open_series"),
}
