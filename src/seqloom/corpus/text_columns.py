"""Decides whether a table holds texts for language models or pairs, and chooses the column of the texts."""

from seqloom.corpus.column_evidence import Evidence
from seqloom.corpus.column_messages import describe_text_choice, list_names
from seqloom.corpus.column_names import PAIRS, TEXTS, read_column_name
from seqloom.corpus.columns import ColumnChoice, find_column
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.tables import InputTable
from seqloom.errors import CorpusError


def choose_text(table: InputTable, settings: CorpusSettings, evidence: Evidence) -> ColumnChoice:
    """Chooses the column of the texts for language models: by the settings, by its name, or as the only column that holds text.

    Raises:
        CorpusError: the column is ambiguous.
    """
    names = [(name or "").casefold() for name in table.names]
    by_name = next((names.index(name) for name in TEXTS if name in names), None)
    index: int | None
    if settings.tgt_column is not None:
        index = find_column(table, settings.tgt_column)
    elif by_name is not None:
        index = by_name
    elif len(names) == 1:
        index = 0
    else:
        index = _only_text(evidence)
    if index is not None:
        guessed = settings.tgt_column is None and len(names) > 1
        return ColumnChoice((index,), note=describe_text_choice(table, index, guessed=guessed))
    raise CorpusError(
        f"{table.file}: cannot tell which column holds the text among {list_names(table)}; name it: --text-column NAME"
    )


def holds_text(table: InputTable, evidence: Evidence) -> bool:
    """Whether a table probably holds texts for language models, not pairs.

    It has a single column, or a column with a name such as "text", or (in JSON or Parquet) a single column of text whose name is
    neither a language nor a side of a pair.
    """
    if len(table.names) == 1:
        return True
    names = [read_column_name(name or "") for name in table.names]
    words = {name.word for name in names}
    if len({name.language for name in names if name.language}) > 1:
        return False
    if any((name or "").casefold() in TEXTS for name in table.names):
        return not any({a, b} <= words for a, b in PAIRS)
    only = _only_text(evidence)
    sides = {side for pair in PAIRS for side in pair} - set(TEXTS)
    return (
        only is not None
        and table.format in ("jsonl", "json", "parquet")
        and names[only].language is None
        and names[only].word not in sides
    )


def _only_text(evidence: Evidence) -> int | None:
    """The index of the only column that holds text; None if there are several or none."""
    texts = [index for index, facts in enumerate(evidence.facts) if facts.kind == "text"]
    return texts[0] if len(texts) == 1 else None
