"""Chooses the source and target columns of a table, and their languages.

The choice uses the columns' names, their values and the user's settings. Names alone are not enough: a column "id" is Indonesian
only if it holds text. For an ambiguous table, the error names the option to add.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from seqloom.config import nearest
from seqloom.corpus.column_evidence import Evidence, is_number
from seqloom.corpus.column_messages import (
    describe_pair_choice,
    explain_many,
    explain_unclear,
    list_kinds,
    list_names,
    show,
    show_pair,
)
from seqloom.corpus.column_names import CLASS_LABEL_NAMES, PAIRS, ColumnName, read_column_name
from seqloom.corpus.direction import matching_tags
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.languages import languages_in_name, name_language
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.tables import InputTable
from seqloom.errors import CorpusError


@dataclass(frozen=True)
class ColumnChoice:
    """The chosen columns, as indices into a table's names, and their languages if known.

    Attributes:
        note: one line about the choice and how to change it.
    """

    columns: tuple[int, ...]
    src_lang: str | None = None
    tgt_lang: str | None = None
    note: str = ""


def choose_pair(
    table: InputTable,
    settings: CorpusSettings,
    evidence: Evidence,
    like: "tuple[InputTable, ColumnChoice] | None" = None,
) -> ColumnChoice:
    """Chooses the columns of source and target.

    Args:
        evidence: facts about the values of the columns.
        like: the table of the training data and its choice. A table without names and with the same number of columns is read in
            the same way.

    Raises:
        CorpusError: the choice is ambiguous, or the table has no column that fits the settings.
    """
    # The training data's choice applies only to a table without names that has the same number of columns.
    if any(table.names) or like is None or len(table.names) != len(like[0].names):
        like = None
    if settings.src_column is not None and settings.tgt_column is not None:
        choice = _choose_requested(table, (settings.src_column, settings.tgt_column), settings, evidence, like)
    elif any(table.names):
        choice = _choose_named(table, settings, evidence)
    else:
        choice = _choose_unnamed(table, settings, evidence, like[1] if like is not None else None)
    src, tgt = choice.columns
    line = describe_pair_choice(table, (src, tgt), (choice.src_lang, choice.tgt_lang), settings, evidence)
    return ColumnChoice((src, tgt), choice.src_lang, choice.tgt_lang, line)


def _choose_requested(
    table: InputTable,
    requested: tuple[int | str, int | str],
    settings: CorpusSettings,
    evidence: Evidence,
    like: tuple[InputTable, ColumnChoice] | None,
) -> ColumnChoice:
    if like is not None and not any(map(is_number, requested)):
        # This table has no names, so the requested names are those of the training data: its columns have the same indices.
        src, tgt = like[1].columns
    else:
        src, tgt = (find_column(table, column) for column in requested)
    languages = _languages_of(table, (src, tgt), evidence)
    return _with_languages(table.file, (src, tgt), languages, settings, may_swap=False)


def _choose_named(table: InputTable, settings: CorpusSettings, evidence: Evidence) -> ColumnChoice:
    names = [read_column_name(name or "") for name in table.names]
    role_columns = _choose_roles(table, names, evidence)
    by_language = _choose_languages(table, names, settings, evidence, role_columns)
    if by_language is not None:
        if role_columns is None or by_language.columns == role_columns:
            return by_language
        has_direction = settings.from_lang is not None or settings.to_lang is not None
        if set(by_language.columns) == set(role_columns):
            # Names of roles and languages choose the same columns in opposite directions. The user's direction decides; if there
            # is none, the roles do, and the languages are exchanged.
            return (
                by_language if has_direction else ColumnChoice(role_columns, by_language.tgt_lang, by_language.src_lang)
            )
        if settings.from_lang is not None and settings.to_lang is not None:
            return by_language
        raise CorpusError(
            f"{table.file}: has columns named by languages ({show_pair(table, by_language.columns)}) and columns named as "
            f"source and target ({show_pair(table, role_columns)}); say which: --src-column NAME --tgt-column NAME"
        )
    if role_columns is None:
        raise CorpusError(explain_unclear(table, names, evidence))
    languages = _languages_of(table, role_columns, evidence)
    if languages is not None:
        return _with_languages(table.file, role_columns, languages, settings, may_swap=False)
    languages_so_far: list[str | None] = []
    requested = settings.from_lang, settings.to_lang
    for flag, requested_language, index in zip(("from", "to"), requested, role_columns, strict=True):
        language = names[index].language
        if requested_language and language and not matching_tags(requested_language, [language]):
            raise CorpusError(
                f"{table.file}: the column {show(table, index)} is in {name_language(language)} by its name, which does not fit "
                f"--{flag}-lang {requested_language}"
            )
        languages_so_far.append(requested_language or language)
    return ColumnChoice(role_columns, languages_so_far[0], languages_so_far[1])


def _choose_languages(
    table: InputTable,
    names: Sequence[ColumnName],
    settings: CorpusSettings,
    evidence: Evidence,
    role_columns: tuple[int, int] | None,
) -> ColumnChoice | None:
    """Chooses columns whose names are languages, in the user's direction.

    Returns:
        None if the names of columns do not decide: fewer than two columns of text are named by a language, and either there are
        columns named by their roles, or the settings name no language that helps to find the other column.

    Raises:
        CorpusError: the choice is ambiguous.
    """
    texts = [index for index in range(len(names)) if evidence.kind(index) == "text" and not names[index].says_no_text]
    language_of = {index: language for index in texts if (language := names[index].language) is not None}
    requested = settings.from_lang, settings.to_lang
    requested_is_named = any(
        language and name.language and matching_tags(language, [name.language])
        for language in requested
        for name in names
    )
    # One column in a named language is enough if the settings name a language: the other column is the only other text.
    settings_help = requested_is_named or bool(language_of and any(requested))
    if len(language_of) < 2 and (role_columns is not None or not settings_help):
        return None
    sides: list[int | None] = [None, None]
    for side, language in enumerate(requested):
        if language is not None:
            sides[side] = _column_in(table, language, names, language_of, texts)
    remaining = [index for index in language_of if index not in sides]
    if sides == [None, None]:
        if len(remaining) != 2:
            raise CorpusError(explain_many(table, language_of))
        if language_of[remaining[0]] == language_of[remaining[1]]:
            raise CorpusError(
                f"{table.file}: has two columns in {name_language(language_of[remaining[0]])} ({show_pair(table, remaining)}); "
                "say which are source and target: --src-column NAME --tgt-column NAME"
            )
        sides = [remaining[0], remaining[1]]
    elif None in sides:
        # One side is known. The other is the only other column with a language, or else the only other column of text.
        remaining = remaining or [index for index in texts if index not in sides]
        if len(remaining) != 1:
            raise CorpusError(
                explain_many(table, language_of) if len(language_of) > 2 else explain_unclear(table, names, evidence)
            )
        sides[sides.index(None)] = remaining[0]
    src, tgt = sides
    assert src is not None
    assert tgt is not None
    if src == tgt:
        raise CorpusError(
            f"{table.file}: the column {show(table, src)} fits both --from-lang {requested[0]} and --to-lang {requested[1]}"
        )
    return ColumnChoice((src, tgt), requested[0] or names[src].language, requested[1] or names[tgt].language)


def _column_in(
    table: InputTable, language: str, names: Sequence[ColumnName], language_of: dict[int, str], texts: Sequence[int]
) -> int | None:
    """The index of the column in a language.

    Raises:
        CorpusError: no column is in the language, or several may be.
    """
    matching = matching_tags(language, list(language_of.values()))
    fitting = [index for index, named in language_of.items() if named in matching]
    if not fitting:
        # The user names the language, so the column counts even if its values do not look like text.
        fitting = [index for index, name in enumerate(names) if name.language == language and not name.says_no_text]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise CorpusError(
            f"{table.file}: several columns may be in {language!r}: {', '.join(show(table, index) for index in fitting)}; "
            "say which: --src-column NAME --tgt-column NAME"
        )
    # Of two columns of text, one is named by another language, so the requested language is that of the other column.
    if len(language_of) == 1 and len(texts) == 2:
        return next(index for index in texts if index not in language_of)
    languages = ", ".join(dict.fromkeys(language_of.values())) or "not named"
    raise CorpusError(f"{table.file}: has no column in {language!r}; its languages are {languages}")


def _choose_roles(table: InputTable, names: Sequence[ColumnName], evidence: Evidence) -> tuple[int, int] | None:
    """Chooses columns with usual names of source and target; None if there are none.

    Raises:
        CorpusError: several pairs of columns have such names.
    """
    nonempty = [index for index in range(len(names)) if evidence.kind(index) != "nothing"]
    # Empty columns count only if there is no other choice.
    return _find_roles(table, names, evidence, nonempty) or _find_roles(table, names, evidence, range(len(names)))


def _find_roles(
    table: InputTable, names: Sequence[ColumnName], evidence: Evidence, usable: Sequence[int]
) -> tuple[int, int] | None:
    words: dict[str, list[int]] = {}
    for index in usable:
        words.setdefault(names[index].word, []).append(index)
    pairs: list[tuple[int, int]] = []
    for src, tgt in PAIRS:
        pairs += [(a, b) for a in words.get(src, ()) for b in words.get(tgt, ())]
    both_texts = [pair for pair in pairs if all(evidence.kind(index) == "text" for index in pair)]
    # Columns of row numbers and scores are not sides, whatever their names are; but a target can be a class number.
    pairs = both_texts or [pair for pair in pairs if _may_be_sides(pair, names, evidence)]
    if len(pairs) > 1:
        shown = " or ".join(show_pair(table, pair) for pair in pairs)
        raise CorpusError(
            f"{table.file}: several columns may be source and target: {shown}; say which: --src-column NAME --tgt-column NAME"
        )
    return pairs[0] if pairs else None


def _may_be_sides(pair: tuple[int, int], names: Sequence[ColumnName], evidence: Evidence) -> bool:
    src, tgt = (evidence.facts[index] for index in pair)
    return not (src.numbering or tgt.numbering) and (
        tgt.kind in ("text", "nothing") or names[pair[1]].word in CLASS_LABEL_NAMES
    )


def _choose_unnamed(
    table: InputTable, settings: CorpusSettings, evidence: Evidence, like: ColumnChoice | None
) -> ColumnChoice:
    width = len(table.names)
    in_name = languages_in_name(table.file.path)
    texts = [index for index in range(width) if evidence.kind(index) == "text"]
    if width == 2:
        if like is not None and in_name is None:
            return ColumnChoice(like.columns, like.src_lang, like.tgt_lang)
        problem = _find_problem(evidence)
        if problem is not None:
            raise CorpusError(
                f"{table.file}: its two columns do not look like a pair: {problem}. If they are one: "
                "--src-column 1 --tgt-column 2; for texts of one column: --kind text --tgt-column N"
            )
        languages = in_name or _languages_of(table, (0, 1), evidence)
        return _with_languages(table.file, (0, 1), languages, settings, may_swap=True)
    if width < 2:
        raise CorpusError(
            f"{table.file}:1: has one column; expected two, separated by a tab, or two files: --src FILE --tgt FILE"
        )
    if like is not None:
        return ColumnChoice(like.columns, like.src_lang, like.tgt_lang)
    if len(texts) == 2:
        columns = (texts[0], texts[1])
        languages = in_name or _languages_of(table, columns, evidence)
        return _with_languages(table.file, columns, languages, settings, may_swap=True)
    raise CorpusError(
        f"{table.file}:1: has {width} columns and no header ({list_kinds(table, evidence)}); "
        "say which are source and target: --src-column 1 --tgt-column 2, or that line 1 is a header: --header yes"
    )


def _find_problem(evidence: Evidence) -> str | None:
    """Says why two columns without names are probably not a pair; None if they can be one."""
    for index, facts in enumerate(evidence.facts):
        if facts.num_values < 3:
            continue
        if facts.numbering and any(other.kind == "text" for other in evidence.facts):
            return f"column {index + 1} numbers the records"
        if facts.kind in ("addresses", "language codes", "licence or author notes", "nothing", "other values"):
            return f"column {index + 1} holds {facts.kind}"
        if facts.kind == "numbers" and not facts.whole:
            return f"column {index + 1} holds numbers such as scores"
    return None


def _languages_of(table: InputTable, columns: tuple[int, int], evidence: Evidence) -> tuple[str, str] | None:
    """The languages by the names of the columns, the name of the file or columns of language codes."""
    names = [read_column_name(table.names[index] or "") for index in columns]
    by_name = [
        name.language if evidence.kind(index) == "text" else None for name, index in zip(names, columns, strict=True)
    ]
    if by_name[0] and by_name[1]:
        return by_name[0], by_name[1]
    in_name = languages_in_name(table.file.path)
    if in_name is not None and len(table.names) == 2 and not any(table.names):
        return in_name if columns == (0, 1) else in_name[::-1]
    # Two columns that hold one language code each name the languages of the texts.
    code_columns = [
        (index, facts.languages[0])
        for index, facts in enumerate(evidence.facts)
        if facts.kind == "language codes" and len(facts.languages) == 1
    ]
    if len(code_columns) != 2 or code_columns[0][1] == code_columns[1][1]:
        return None
    (first_index, first_language), (second_index, second_language) = code_columns
    code_roles = [_role(table, first_index), _role(table, second_index)]
    text_roles = [_role(table, index) for index in columns]
    # With names such as "source_lang" and "target_lang", the roles say which code belongs to which text. Without names, the codes
    # are in the order of the texts in the table, so they are exchanged if the source stands after the target.
    exchanged_by_roles = code_roles == text_roles[::-1] and code_roles != text_roles
    exchanged = exchanged_by_roles or (not any(table.names) and columns[0] > columns[1])
    return (second_language, first_language) if exchanged else (first_language, second_language)


def _role(table: InputTable, index: int) -> str:
    """The first word of a column's name without its language, such as "source" for "source_lang"."""
    return read_column_name(table.names[index] or "").word.split(" ")[0]


def _with_languages(
    file: InputFile,
    columns: tuple[int, int],
    languages: tuple[str, str] | None,
    settings: CorpusSettings,
    *,
    may_swap: bool,
) -> ColumnChoice:
    src, tgt = settings.from_lang, settings.to_lang
    if languages is not None:
        # Whether the languages fit the settings in this order, and in the opposite order.
        straight, exchanged = (
            all(
                requested is None or bool(matching_tags(requested, [language]))
                for requested, language in zip((src, tgt), pair, strict=True)
            )
            for pair in (languages, languages[::-1])
        )
        if straight:
            return ColumnChoice(columns, src or languages[0], tgt or languages[1])
        if may_swap and exchanged:
            return ColumnChoice(columns[::-1], src or languages[1], tgt or languages[0])
        flags = " and ".join(f"--{flag}-lang {language}" for flag, language in (("from", src), ("to", tgt)) if language)
        raise CorpusError(f"{file}: its names say {languages[0]} -> {languages[1]}, which does not fit {flags}")
    # Only one language is requested, and nothing says which column is in it.
    only_one_requested = (src is None) != (tgt is None)
    if may_swap and only_one_requested:
        flag = "to" if tgt is None else "from"
        raise CorpusError(
            f"{file}: nothing in it says which column is in which language; give --{flag}-lang too (column "
            f"{columns[0] + 1} is then the source), or name the columns: "
            f"--src-column {columns[1] + 1} --tgt-column {columns[0] + 1}"
        )
    return ColumnChoice(columns, src, tgt)


def find_column(table: InputTable, column: int | str) -> int:
    """The index of a column, from its name or its number from 1.

    Raises:
        CorpusError: the table has no such column.
    """
    names = [name for name in table.names if name is not None]
    if isinstance(column, str) and column in names:
        return table.names.index(column)
    if isinstance(column, str) and [name.casefold() for name in names].count(column.casefold()) == 1:
        return [(name or "").casefold() for name in table.names].index(column.casefold())
    if is_number(column):
        index = int(column)
        if table.format in ("tsv", "csv") or not names:
            if 1 <= index <= len(table.names):
                return index - 1
            raise CorpusError(f"{table.file}: has no column {index}; it has {len(table.names)}")
    if not names:
        raise CorpusError(
            f"{table.file}:1: its columns have no names, so {column!r} is unknown; use numbers: --src-column 1 --tgt-column 2"
        )
    inner = [name for name in names if name.rpartition(".")[2] == column]
    if len(inner) == 1:
        return table.names.index(inner[0])
    raise CorpusError(
        f"{table.file}: has no column {column!r}.{nearest(str(column), names)} It has {list_names(table)}."
    )
