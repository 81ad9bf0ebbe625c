"""One pass over files: the rule for bad records, the counts of skipped records, and the progress of the pass.

Readers of all formats report bad records here. `assembly.py` turns the counts into notes for the user.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seqloom.errors import CorpusError


@dataclass
class ReadPass:
    """One pass over some files.

    Attributes:
        on_bad: "error" raises an error at the first record that cannot be read; "skip" counts such records.
        left_out: the number of skipped records for each reason.
        first: the location ("file:line") of the first skipped record for each reason.
        changed: the number of records that were changed, for each kind of change.
    """

    on_bad: Literal["skip", "error"] = "error"
    left_out: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)
    _files: list[tuple[io.BufferedReader, int]] = field(default_factory=list, repr=False)
    _num_expected: int = 0

    def report_bad(self, reason: str, location: str, detail: str, remedy: str) -> None:
        """Counts a record that cannot be read, or raises an error.

        Args:
            reason: a plural for the count ("lines that are not valid UTF-8").
            location: file and line ("FILE:LINE").
            detail: what is wrong with this record.
            remedy: a sentence that says what to do about it.

        Raises:
            CorpusError: `on_bad` is "error".
        """
        if self.on_bad == "error":
            raise CorpusError(f"{location}: {detail}. {remedy} To leave such lines out, counted: --on-bad skip.")
        self.skip(reason, location)

    def skip(self, reason: str, location: str) -> None:
        """Counts a record that is skipped."""
        self.left_out[reason] += 1
        self.first.setdefault(reason, location)

    def notes(self, part: str) -> list[str]:
        """Sentences for the user: one for each reason and one for each kind of change.

        Args:
            part: the name of the split, with which each sentence begins.
        """
        notes = [
            f"{part}: left out {count:,} {_agreeing(count, reason)} (the first: {self.first[reason]})."
            for reason, count in self.left_out.items()
        ]
        return notes + [f"{part}: {count:,} {_agreeing(count, what)}." for what, count in self.changed.items()]

    def watch(self, raw: io.BufferedReader, size: int) -> None:
        """Adds an opened file to those that `fraction` covers.

        Args:
            raw: the file as it is stored, before decompression.
            size: its size in bytes.
        """
        self._files.append((raw, size))

    def expect(self, paths: Iterable[Path]) -> None:
        """Adds files that will be opened, so that `fraction` counts them from the beginning."""
        for path in paths:
            with suppress(OSError):
                self._num_expected += path.stat().st_size

    @property
    def fraction(self) -> float:
        """The share of bytes read of all files opened so far or expected, 0 to 1."""
        total = max(self._num_expected, sum(size for _, size in self._files))
        done = sum(size if raw.closed else raw.tell() for raw, size in self._files)
        return min(1.0, done / total) if total else 1.0


def _agreeing(count: int, plural: str) -> str:
    """A phrase that begins with a plural noun, in the number of the count: `lines that are blank` -> `line that is blank`."""
    if count != 1:
        return plural
    noun = re.sub(r"\b(\w+?)(ies|s)\b", lambda match: match[1] + ("y" if match[2] == "ies" else ""), plural, count=1)
    return re.sub(r"\b(are|were)\b", lambda match: "is" if match[1] == "are" else "was", noun, count=1)
