"""Reads records of a table to find out which values its columns hold, and whether its first record is a header.

`columns.py` chooses source and target from this evidence.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from seqloom.corpus.cache import FactsCache
from seqloom.corpus.column_facts import ColumnFacts, judge_columns, kind_of_value
from seqloom.corpus.column_names import TEXTS, read_column_name
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.tables import InputTable
from seqloom.progress import Silent

MOST_RECORDS = 100_000
"""At most this number of records is read before the columns are chosen."""

_LONGEST_NAME = 40


@dataclass(frozen=True)
class Evidence:
    """Facts about the values in the columns of a table.

    Attributes:
        facts: a ColumnFacts for each column; empty if no record was read.
        first: the fields of the first record of delimited text without a header; `facts` does not include them.
        complete: whether all records were read.
    """

    facts: tuple[ColumnFacts, ...] = ()
    first: tuple[str, ...] = ()
    complete: bool = True

    def kind(self, index: int) -> str:
        """The kind of the values of a column; "text" if no values were read."""
        if not self.facts or not any(facts.num_values for facts in self.facts):
            return "text"
        return self.facts[index].kind


def looks_like_header(fields: Sequence[str], settings: CorpusSettings) -> bool:
    """Whether the fields of the first line look like names of columns. Uses no later records."""
    if settings.header != "auto":
        return settings.header == "yes"
    words = [field.strip().casefold() for field in fields]
    requested = {
        str(column).casefold() for column in (settings.src_column, settings.tgt_column) if not is_number(column)
    }
    if requested & set(words):
        return True
    if len(words) == 1:
        return words[0] in TEXTS
    # Names of columns differ; the same word twice is a pair of equal texts. "src" is not a word of any language.
    if len(set(words)) < len(words) and not {"src", "tgt", "trg"} & set(words):
        return False
    if max(map(len, words)) > _LONGEST_NAME:
        return False
    names = [read_column_name(field) for field in fields]
    if sum(name.known for name in names) >= 2:
        return True
    # "caption_de", "caption_en"
    return all(name.language for name in names) and len({name.word for name in names}) == 1


def values_suggest_header(evidence: Evidence) -> bool:
    """Whether the first record of a table without a header is text where the others have numbers or codes, as a header has."""
    if not evidence.first or len(evidence.first) != len(evidence.facts):
        return False
    if max(map(len, evidence.first)) > _LONGEST_NAME or len(set(evidence.first)) < len(evidence.first):
        return False
    return any(
        facts.num_values > 1
        and facts.kind in ("numbers", "identifiers", "addresses", "language codes")
        and kind_of_value(field) == "text"
        for field, facts in zip(evidence.first, evidence.facts, strict=True)
    )


def values_contradict_header(names: Sequence[str | None], evidence: Evidence) -> bool:
    """Whether a supposed header is a record like the others, such as "de" above a column of language codes."""
    return any(
        facts.num_values > 1
        and facts.kind in ("numbers", "addresses", "language codes")
        and name is not None
        and judge_columns([(name,), (name,)], 1)[0].kind == facts.kind
        for name, facts in zip(names, evidence.facts, strict=True)
    )


def gather_evidence(table: InputTable) -> Evidence:
    """Reads up to 100,000 records to find out which values the columns hold. Bad records are skipped.

    The result for a large file is cached until the file changes.
    """
    cache = FactsCache(table, "kinds of values in the columns")
    known = cache.load()
    if known is not None:
        facts = tuple(ColumnFacts(**{**values, "languages": tuple(values["languages"])}) for values in known["facts"])
        return Evidence(facts, tuple(known["first"]), known["complete"])
    rows = table.values(ReadPass("skip"))
    first: tuple[str, ...] = ()
    if table.format in ("tsv", "csv") and not table.header:
        first = tuple(str(value) for value in next(rows, ()))
    columns = judge_columns(islice(rows, MOST_RECORDS), len(table.names))
    evidence = Evidence(tuple(columns), first, complete=next(rows, None) is None)
    cache.save(asdict(evidence), Silent())
    return evidence


def is_number(column: int | str | None) -> bool:
    """Whether a setting names a column by its number."""
    return isinstance(column, int) or (isinstance(column, str) and column.isascii() and column.isdigit())
