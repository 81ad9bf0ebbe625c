"""The catalogue of named data sets, which `catalogue.yaml` describes. `download.py` finds and downloads their files."""

from functools import cache
from importlib import resources
from typing import Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from seqloom.config import Settings


class FileEntry(Settings):
    """A file of a data set.

    Attributes:
        url: the address where the file is published; None: only mirrors hold it.
        sha256: the checksum of the file as published; None: unknown.
        bytes: the size of the file; None: unknown.
        verified: whether the checksum was computed from the published file; False: from a copy of it.
    """

    url: str | None = None
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    bytes: int | None = Field(default=None, ge=1)
    verified: bool = False


class RowSelection(Settings):
    """Selects the rows of a file that belong to a split.

    Attributes:
        rule: "key-half": one of two halves, by a hash of the source, so that equal sources stay together; "every": the rows
            whose number is a multiple of `step`, or all others; "share": a contiguous part of a running text.
        part: for "key-half": the half, 0 or 1; for "every": 0 for the multiples of `step`, 1 for all others.
        step: for "every".
        start: for "share": where the part begins, as a share of the text, 0 to 1.
        stop: for "share": where it ends.
    """

    rule: Literal["key-half", "every", "share"]
    part: Literal[0, 1] = 0
    step: int = Field(default=1, ge=1)
    start: float = Field(default=0.0, ge=0, le=1)
    stop: float = Field(default=1.0, ge=0, le=1)


class SplitEntry(Settings):
    """The files of a split: aligned files (`sides`), a table with a column for each side (`table`), or running text (`text`).

    A file is named by its key in `Entry.files`; `archive.tgz!member` names a member of an archive.
    """

    sides: dict[str, tuple[str, ...]] | None = None
    table: str | None = None
    text: str | None = None
    markup: Literal["none", "tags", "segments"] = "none"
    select: RowSelection | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(value is not None for value in (self.sides, self.table, self.text)) != 1:
            raise ValueError("a split needs exactly one of sides, table and text")
        return self

    def file_names(self, sides: tuple[str, ...] = ()) -> list[str]:
        """Names of the files of the split, with members of archives: of some sides, or of all if `sides` is empty."""
        if self.sides is not None:
            return [name for side, names in self.sides.items() if not sides or side in sides for name in names]
        return [self.table or self.text or ""]


class Entry(Settings):
    """A named data set.

    Attributes:
        description: one sentence.
        kind: "pairs", or "text" for language models.
        sides: the names of the sides: language codes, or "src" and "tgt" if both are in one language. In the order of the
            columns of a table.
        columns: the number of columns of a table; the first ones are the sides.
        direction: the sides that are source and target by default.
        languages: the languages of the sides, if the names of the sides are not language codes.
        splits: train, val, test and further tests. Without val or test, a seeded split is made.
        pairs: for each split the number of its pairs (of a text: of its characters).
        verified: whether the files were once downloaded from their addresses; False: not tried.
        derived: how the files were made, if they are not published in this form.
        instead: a similar public data set, if the files of this one come from a mirror only.
    """

    description: str
    kind: Literal["pairs", "text"] = "pairs"
    sides: tuple[str, ...] = ()
    columns: int | None = None
    direction: tuple[str, str] | None = None
    languages: dict[str, str] = Field(default_factory=dict)
    metric: Literal["bleu", "bleu_tokenised", "chrf", "exact_match", "bits_per_byte"] = "bleu"
    licence: str
    homepage: str
    citation: str | None = None
    pairs: dict[str, int] = Field(default_factory=dict)
    splits: dict[str, SplitEntry]
    files: dict[str, FileEntry]
    verified: bool = False
    derived: str | None = None
    instead: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The unit that `pairs` counts."""
        return "pairs" if self.kind == "pairs" else "characters"

    @property
    def reversible(self) -> bool:
        """Whether the user may choose the direction by languages."""
        return self.kind == "pairs" and not self.languages

    @property
    def public(self) -> bool:
        """Whether all files have a public address."""
        return all(file.url for file in self.files.values())

    @property
    def num_bytes(self) -> int | None:
        """The size of all files in bytes; None if it is not known."""
        sizes = [file.bytes for file in self.files.values()]
        return None if None in sizes else sum(size or 0 for size in sizes)


@cache
def catalogue() -> dict[str, Entry]:
    """All named data sets, by name."""
    text = resources.files("seqloom.corpus").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    values = yaml.load(text, Loader=loader)
    return {name: Entry.parse(value, source=f"catalogue.yaml, {name}") for name, value in values.items()}
