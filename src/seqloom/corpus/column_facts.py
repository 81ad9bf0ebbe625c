"""Finds the kind of values in each column: texts, numbers, identifiers, addresses, language codes, or nothing.

A column name such as "id" or "no" is ambiguous. The values of many records show whether the column can be a side of a pair.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from seqloom.corpus.languages import find_language, is_weak

Kind = Literal[
    "text",
    "numbers",
    "identifiers",
    "addresses",
    "language codes",
    "licence or author notes",
    "nothing",
    "other values",
]

# At least this share of the values of a column must be of a kind; the others may be headings or mistakes.
_SHARE = 0.95
_MOST_DISTINCT = 200
_NUMBER = re.compile(r"[+-]?(\d+([.,:]\d+)*|[.,]\d+)([eE][+-]?\d+)?\s?%?|[+-]?(nan|inf|null|none|n/?a)", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?|ftp|file)://\S+|www\.\S+\.\S+", re.IGNORECASE)
_IDENTIFIER = re.compile(r"(?=\S*\d)[A-Za-z0-9_.:/#@+-]{1,80}")
_HASH = re.compile(r"[0-9a-f]{24,128}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# "17" and "train-00017" can be row numbers; "w17" is probably a word of an artificial language.
_LAST_DIGITS = re.compile(r"(?:^|(?<=[-_:/#]))[0-9]{1,18}$")
_ATTRIBUTION = re.compile(r"CC[- ](BY|0)|.*\btatoeba\.org #\d", re.IGNORECASE)


@dataclass
class ColumnFacts:
    """Facts about the values of a column. Empty values are ignored.

    Attributes:
        kind: the kind of at least 95% of the values; "text" if no kind is so frequent.
        num_values: the number of values.
        numbering: whether the values number the records: they end in integers that grow by 1 from record to record, or are
            hashes or UUIDs.
        whole: whether all numbers are integers.
        num_distinct: the number of different values, at most 200.
        num_words: the average number of words of a value, as separated by spaces.
        languages: for language codes, the languages, most frequent first.
    """

    kind: Kind = "nothing"
    num_values: int = 0
    numbering: bool = False
    whole: bool = True
    num_distinct: int = 0
    num_words: float = 0.0
    languages: tuple[str, ...] = ()


@dataclass
class _Counts:
    """Counts over the values of a column, while they are read."""

    kinds: Counter[str] = field(default_factory=Counter)
    distinct: Counter[str] = field(default_factory=Counter)
    last: int | None = None
    num_steps: int = 0
    num_hashes: int = 0
    num_fractions: int = 0
    num_words: int = 0

    def add(self, value: object) -> None:
        if value is None or value == "":
            return
        if not isinstance(value, str):
            number = isinstance(value, (int, float))
            self.kinds["numbers" if number else "other values"] += 1
            if number:
                self._count_step(str(value))
                self.num_fractions += isinstance(value, float) and not value.is_integer()
            return
        value = value.strip()
        if not value:
            return
        kind = _kind_of(value)
        self.kinds[kind] += 1
        self.num_words += value.count(" ") + 1
        if len(self.distinct) < _MOST_DISTINCT or value in self.distinct:
            self.distinct[value] += 1
        if kind == "numbers":
            self._count_step(value)
            self.num_fractions += not value.lstrip("+-").isdigit()
        elif kind == "identifiers":
            self._count_step(value)
            self.num_hashes += _HASH.fullmatch(value) is not None

    def _count_step(self, value: str) -> None:
        """Counts a value whose last integer is 1 larger than that of the value before it."""
        digits = _LAST_DIGITS.search(value)
        number = int(digits[0]) if digits is not None else None
        self.num_steps += number is not None and self.last is not None and number == self.last + 1
        self.last = number

    def facts(self) -> ColumnFacts:
        total = self.kinds.total()
        if total == 0:
            return ColumnFacts()
        kind, count = self.kinds.most_common(1)[0]
        if kind == "identifiers" and count < _SHARE * total:
            # Codes such as "7b" can be among plain numbers.
            count += self.kinds["numbers"]
        if count < _SHARE * total:
            kind = "text"
        facts = ColumnFacts(
            kind=kind,  # type: ignore[arg-type]
            num_values=total,
            numbering=kind in ("numbers", "identifiers")
            and total > 2
            and max(self.num_steps + 1, self.num_hashes) >= _SHARE * total,
            whole=not self.num_fractions,
            num_distinct=len(self.distinct),
            num_words=self.num_words / total,
        )
        if kind == "text" and len(self.distinct) <= max(1, min(100, total // 2)):
            self._find_languages(facts)
        return facts

    def _find_languages(self, facts: ColumnFacts) -> None:
        """Marks a column with few different values as language codes if all values are codes: "de", "en", "zh-Hans"."""
        codes: Counter[str] = Counter()
        for value, count in self.distinct.items():
            code = find_language(value) if len(value) <= 12 and 2 <= len(re.split("[-_]", value)[0]) <= 3 else None
            if code is None:
                return
            codes[code] += count
        if not all(is_weak(value) for value in self.distinct):
            facts.kind = "language codes"
            facts.languages = tuple(code for code, _ in codes.most_common())


def judge_columns(rows: Iterable[Sequence[object]], num_columns: int) -> list[ColumnFacts]:
    """Facts about each column.

    Args:
        rows: for each record a value for every column, None if it is missing.
    """
    counts = [_Counts() for _ in range(num_columns)]
    for row in rows:
        for count, value in zip(counts, row, strict=False):
            count.add(value)
    return [count.facts() for count in counts]


def kind_of_value(value: str) -> Kind:
    """The kind of a single value."""
    return judge_columns([(value,)], 1)[0].kind


def _kind_of(value: str) -> str:
    # Most values are sentences, so a value that has a space and begins with a letter is not examined further.
    spaced = " " in value
    if spaced and value[0].isalpha() and not (value.startswith("CC") or "tatoeba.org" in value):
        return "text"
    if _NUMBER.fullmatch(value):
        return "numbers"
    if spaced:
        return "licence or author notes" if _ATTRIBUTION.match(value) else "text"
    if _ADDRESS.fullmatch(value):
        return "addresses"
    if _IDENTIFIER.fullmatch(value):
        return "identifiers"
    return "text"
