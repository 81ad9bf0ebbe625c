"""Reading: one pass over files, with the rule for bad lines, the counts of what was left out, and how far the pass is.

Readers report bad lines here; `open.py` turns the counts into notes. This module does not know formats.
"""

import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from seqloom.errors import CorpusError


@dataclass
class Reading:
    """One pass over some files.

    Attributes:
        on_bad: "error" raises at the first line that cannot be read, "skip" counts it.
        left_out: how many lines were left out, by reason.
        first: for each reason, the first place.
        changed: how many lines were taken in a changed form, by what was changed.
    """

    on_bad: Literal["skip", "error"] = "error"
    left_out: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)
    _files: list[tuple[io.BufferedReader, int]] = field(default_factory=list, repr=False)

    def bad(self, reason: str, where: str, detail: str, remedy: str) -> None:
        """A line cannot be read: counts it, or raises.

        Args:
            reason: a short plural for the count ("lines that are not UTF-8").
            where: file and line.
            detail: what is wrong with this line.
            remedy: what to do about it, a sentence.

        Raises:
            CorpusError: `on_bad` is "error".
        """
        if self.on_bad == "error":
            raise CorpusError(f"{where}: {detail}. {remedy} To leave such lines out, counted: --on-bad skip.")
        self.skip(reason, where)

    def skip(self, reason: str, where: str) -> None:
        """Counts a line that is left out."""
        self.left_out[reason] += 1
        self.first.setdefault(reason, where)

    def notes(self, part: str) -> list[str]:
        """A sentence for each reason, to be shown to the user."""
        notes = [
            f"{part}: left out {count:,} {reason} (the first: {self.first[reason]})."
            for reason, count in self.left_out.items()
        ]
        return notes + [f"{part}: {count:,} {what}." for what, count in self.changed.items()]

    def watch(self, raw: io.BufferedReader, size: int) -> None:
        """Remembers an opened file, so that `fraction` can say how far the pass is."""
        self._files.append((raw, size))

    @property
    def fraction(self) -> float:
        """How much of the files opened so far has been read, 0 to 1."""
        total = sum(size for _, size in self._files)
        done = sum(size if raw.closed else raw.tell() for raw, size in self._files)
        return min(1.0, done / total) if total else 1.0
