"""Messages about the choice of columns: what was chosen and how to change it, or why no choice was possible.

`columns.py` makes the choice.
"""

from collections.abc import Sequence

from seqloom.corpus.column_evidence import MOST_RECORDS, Evidence
from seqloom.corpus.column_names import ColumnName
from seqloom.corpus.languages import language_base, languages_in_name, name_language
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.tables import InputTable


def describe_pair_choice(
    table: InputTable,
    columns: tuple[int, int],
    languages: tuple[str | None, str | None],
    settings: CorpusSettings,
    evidence: Evidence,
) -> str:
    """One line about the chosen columns: how the table is read, what may be wrong, and how to change it."""
    src, tgt = columns
    sides = [
        f"{side} = column {show(table, index)}{f' ({name_language(code)})' if code else ''}"
        for side, index, code in (("source", src, languages[0]), ("target", tgt, languages[1]))
    ]
    others = [show_kind(table, index, evidence) for index in range(len(table.names)) if index not in columns]
    text = f"{table.file.name}: read as {table.describe()}; {', '.join(sides)}"
    if others:
        text += f"; not used: {', '.join(others)}"
    odd = [index for index in columns if evidence.kind(index) != "text"]
    text += "".join(f"; {show(table, index)} holds {evidence.kind(index)}" for index in odd) + "."
    change = []
    if table.format in ("tsv", "csv"):
        if table.header:
            text += " Line 1 is the header."
            change.append("--header no")
        else:
            first = " | ".join(field[:30] for field in evidence.first)
            text += f" No header: line 1 ({first}) is a record." if first else " No header."
            change.append("--header yes")
    in_name = languages_in_name(table.file.path)
    known = {language_base(code) for code in languages if code}
    if in_name is not None and len(known) == 2 and known != set(map(language_base, in_name)):
        text += f" (Its name says {in_name[0]} and {in_name[1]}.)"
    if evidence.facts and not evidence.complete:
        text += f" Judged by the first {MOST_RECORDS:,} records."
    if settings.src_column is None:
        a, b = (show(table, index, quotes=False) for index in (tgt, src))
        change.insert(0, f"--src-column {a} --tgt-column {b}" if not others else "--src-column NAME --tgt-column NAME")
    return f"{text} To change: {', '.join(change)}." if change else text


def describe_text_choice(table: InputTable, column: int, *, guessed: bool) -> str:
    """One line that says how a table of texts for language models is read.

    Args:
        table: the table.
        column: the index of the column of texts.
        guessed: whether the column was chosen by its name from several columns.
    """
    text = f"{table.file.name}: read as {table.describe()}; texts for language models = column {show(table, column)}."
    if table.format in ("tsv", "csv"):
        text += " Line 1 is the header." if table.header else " No header."
    if guessed:
        text += " To change: --kind text --tgt-column NAME, or --kind pairs --src-column NAME --tgt-column NAME."
    return text


def explain_unclear(table: InputTable, names: Sequence[ColumnName], evidence: Evidence) -> str:
    """Says why no columns could be chosen, and which options to add."""
    texts = [index for index in range(len(names)) if evidence.kind(index) == "text"]
    others = [index for index in range(len(names)) if index not in texts]
    kinds = f" ({', '.join(show_kind(table, index, evidence) for index in others)})" if others else ""
    if len(texts) == 1:
        only = show(table, texts[0])
        return (
            f"{table.file}: only the column {only} holds text{kinds}, so there are no pairs; for language models: "
            f"--kind text --tgt-column {show(table, texts[0], quotes=False)}; if others are sides: "
            "--src-column NAME --tgt-column NAME"
        )
    listed = ", ".join(show(table, index) for index in texts)
    return (
        f"{table.file}: cannot tell which columns are source and target among {listed}{kinds}; "
        "name them: --src-column NAME --tgt-column NAME"
    )


def explain_many(table: InputTable, language_of: dict[int, str]) -> str:
    """Says that there are more than two languages, and which options to add."""
    languages = list(dict.fromkeys(language_of.values()))
    return f"{table.file}: holds {len(languages)} languages ({', '.join(languages)}); choose two: --from-lang CODE --to-lang CODE"


def show(table: InputTable, index: int, *, quotes: bool = True) -> str:
    """A column as messages name it: by its name, or by its number from 1 if it has none."""
    name = table.names[index]
    if name is None:
        return str(index + 1)
    return repr(name) if quotes or " " in name else name


def show_pair(table: InputTable, columns: Sequence[int]) -> str:
    """Columns as messages name them, joined by "and"."""
    return " and ".join(show(table, index) for index in columns)


def show_kind(table: InputTable, index: int, evidence: Evidence) -> str:
    """A column and the kind of its values, for messages."""
    kind = evidence.facts[index].kind if evidence.facts else ""
    return (
        f"{show(table, index)} ({'row numbers' if evidence.facts[index].numbering else kind})"
        if kind
        else show(table, index)
    )


def list_kinds(table: InputTable, evidence: Evidence) -> str:
    """All columns and the kinds of their values, for messages."""
    return ", ".join(show_kind(table, index, evidence) for index in range(len(table.names)))


def list_names(table: InputTable) -> str:
    """The names of all columns, or how many there are if they have no names."""
    return (
        ", ".join(repr(name) for name in table.names if name is not None) or f"{len(table.names)} columns without names"
    )
