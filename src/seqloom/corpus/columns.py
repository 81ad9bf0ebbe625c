"""Which column of a table is the source and which the target, and in which languages they are.

A Table and the user's wishes enter; a Choice leaves. An ambiguous table is an error that says what to add. This module does not
read records.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from seqloom.config import nearest
from seqloom.corpus.languages import find_language, language_of_suffix, languages_in_name, name_language
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.streams import Place
from seqloom.corpus.tables import Table
from seqloom.errors import CorpusError

_PAIRS = (
    ("src", "tgt"),
    ("src", "trg"),
    ("source", "target"),
    ("src_text", "tgt_text"),
    ("source_text", "target_text"),
    ("input", "output"),
    ("input", "target"),
    ("question", "answer"),
    ("prompt", "response"),
    ("prompt", "completion"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("query", "response"),
    ("text", "label"),
    ("x", "y"),
)
_TEXTS = ("text", "content", "document", "body")
_NAMES = {name for pair in _PAIRS for name in pair} | set(_TEXTS)


@dataclass(frozen=True)
class Choice:
    """Columns, as indices into a table's names, and the languages they are in, where known."""

    columns: tuple[int, ...]
    src_lang: str | None = None
    tgt_lang: str | None = None
    note: str | None = None


def looks_like_header(fields: Sequence[str], settings: CorpusSettings) -> bool:
    """Whether the fields of a first line are names of columns rather than the first record."""
    words = [field.strip().casefold() for field in fields]
    wanted = {str(column).casefold() for column in (settings.src_column, settings.tgt_column) if not _is_number(column)}
    if wanted & set(words):
        return True
    if len(words) == 1:
        return words[0] in _TEXTS
    known = sum(word in _NAMES or find_language(word) is not None for word in words)
    return known >= 2


def choose_pair(table: Table, settings: CorpusSettings) -> Choice:
    """Which two columns are source and target.

    Raises:
        CorpusError: the table does not tell, or does not hold what was asked for.
    """
    named = [(name or "").rpartition(".")[2].casefold() for name in table.names]
    if settings.src_column is not None and settings.tgt_column is not None:
        src, tgt = (_find_column(table, column) for column in (settings.src_column, settings.tgt_column))
        found = _name_languages(table, (src, tgt))
        return _with_languages(table.place, (src, tgt), found, settings, may_swap=False)
    if any(table.names):
        by_language = _choose_languages(table, named, settings)
        if by_language is not None:
            return by_language
        for src_name, tgt_name in _PAIRS:
            if src_name in named and tgt_name in named:
                columns = (named.index(src_name), named.index(tgt_name))
                return _with_languages(table.place, columns, None, settings, may_swap=False)
        raise CorpusError(
            f"{table.place}: cannot tell which columns are source and target among {_list_names(table)}; "
            "say it: --src-column NAME --tgt-column NAME"
        )
    if len(table.names) == 2:
        return _with_languages(table.place, (0, 1), languages_in_name(table.place.path), settings, may_swap=True)
    if len(table.names) < 2:
        raise CorpusError(
            f"{table.place}:1: has one column; expected two, separated by a tab, or two files: --src FILE --tgt FILE"
        )
    raise CorpusError(
        f"{table.place}:1: has {len(table.names)} columns and no header; "
        "say which are source and target: --src-column 1 --tgt-column 2"
    )


def choose_text(table: Table, settings: CorpusSettings) -> Choice:
    """Which column holds the text for language models.

    Raises:
        CorpusError: the table does not tell.
    """
    if settings.tgt_column is not None:
        return Choice((_find_column(table, settings.tgt_column),))
    named = [(name or "").casefold() for name in table.names]
    for name in _TEXTS:
        if name in named:
            return Choice((named.index(name),))
    if len(named) == 1:
        return Choice((0,))
    raise CorpusError(
        f"{table.place}: cannot tell which column holds the text among {_list_names(table)}; say it: --tgt-column NAME"
    )


def holds_text(table: Table) -> bool:
    """Whether a table looks like one of texts for language models rather than of pairs."""
    named = [(name or "").casefold() for name in table.names]
    return len(named) == 1 or (
        any(name in named for name in _TEXTS) and not any({a, b} <= set(named) for a, b in _PAIRS)
    )


def languages_of_files(src: Place, tgt: Place, settings: CorpusSettings) -> tuple[str | None, str | None]:
    """The languages of two aligned files, by their names and the settings.

    Raises:
        CorpusError: the names say the opposite of the settings.
    """
    found = language_of_suffix(src.path), language_of_suffix(tgt.path)
    wanted = settings.from_lang, settings.to_lang
    if None not in found and found[0] != found[1] and found[::-1] == wanted:
        raise CorpusError(
            f"{src}, {tgt}: by their names these are {found[0]} and {found[1]}, but --from-lang {wanted[0]} --to-lang {wanted[1]} "
            "were given; exchange --src and --tgt"
        )
    return wanted[0] or found[0], wanted[1] or found[1]


def _choose_languages(table: Table, named: Sequence[str], settings: CorpusSettings) -> Choice | None:
    languages = {code: index for index, name in enumerate(named) if (code := find_language(name)) is not None}
    if len(languages) < 2:
        return None
    src, tgt = settings.from_lang, settings.to_lang
    for wanted in (src, tgt):
        if wanted is not None and wanted not in languages:
            raise CorpusError(f"{table.place}: has no column in {wanted!r}; its languages are {', '.join(languages)}")
    if src is None or tgt is None:
        if len(languages) > 2:
            raise CorpusError(
                f"{table.place}: holds {len(languages)} languages ({', '.join(languages)}); "
                "choose two: --from-lang CODE --to-lang CODE"
            )
        first, second = languages
        if src is None and tgt is None:
            src, tgt = first, second
        elif src is None:
            src = second if tgt == first else first
        else:
            tgt = second if src == first else first
    assert src is not None
    assert tgt is not None
    return Choice((languages[src], languages[tgt]), src, tgt)


def _with_languages(
    place: Place, columns: tuple[int, int], found: tuple[str, str] | None, settings: CorpusSettings, *, may_swap: bool
) -> Choice:
    src, tgt = settings.from_lang, settings.to_lang
    if found is not None:
        if (src or found[0]) == found[0] and (tgt or found[1]) == found[1]:
            return Choice(columns, *found)
        if may_swap and (src or found[1]) == found[1] and (tgt or found[0]) == found[0]:
            return Choice(columns[::-1], found[1], found[0])
        asked = " and ".join(f"--{flag}-lang {code}" for flag, code in (("from", src), ("to", tgt)) if code)
        raise CorpusError(f"{place}: its names say {found[0]} -> {found[1]}, which does not fit {asked}")
    if may_swap and (src is None) != (tgt is None):
        flag = "to" if tgt is None else "from"
        raise CorpusError(
            f"{place}: nothing in it says which column is in which language; give --{flag}-lang too (column 1 is then the source), "
            "or name the columns: --src-column 2 --tgt-column 1"
        )
    note = None
    if src is not None and tgt is not None and may_swap:
        note = (
            f"{place.name}: taken as column 1 = {name_language(src)}, column 2 = {name_language(tgt)}; "
            "--src-column 2 --tgt-column 1 reverses."
        )
    return Choice(columns, src, tgt, note)


def _name_languages(table: Table, columns: tuple[int, int]) -> tuple[str, str] | None:
    codes = [find_language((table.names[index] or "").rpartition(".")[2]) for index in columns]
    if codes[0] and codes[1]:
        return codes[0], codes[1]
    in_name = languages_in_name(table.place.path)
    if in_name is not None and len(table.names) == 2 and not any(table.names):
        return in_name if columns == (0, 1) else in_name[::-1]
    return None


def _find_column(table: Table, column: int | str) -> int:
    names = [name for name in table.names if name is not None]
    if isinstance(column, str) and column in names:
        return table.names.index(column)
    if _is_number(column):
        index = int(column)
        if table.format in ("tsv", "csv") or not names:
            if 1 <= index <= len(table.names):
                return index - 1
            raise CorpusError(f"{table.place}: has no column {index}; it has {len(table.names)}")
    if not names:
        raise CorpusError(
            f"{table.place}:1: its columns have no names, so {column!r} is unknown; use numbers: --src-column 1 --tgt-column 2"
        )
    raise CorpusError(
        f"{table.place}: has no column {column!r}.{nearest(str(column), names)} It has {_list_names(table)}."
    )


def _list_names(table: Table) -> str:
    return (
        ", ".join(repr(name) for name in table.names if name is not None) or f"{len(table.names)} columns without names"
    )


def _is_number(column: int | str | None) -> bool:
    return isinstance(column, int) or (isinstance(column, str) and column.isascii() and column.isdigit())
