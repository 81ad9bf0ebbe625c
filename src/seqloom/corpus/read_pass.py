"""One pass over files: what to do with bad records, counts of skipped records, and the progress of the pass.

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
        num_skipped: the number of skipped records for each reason.
        first_skipped: the location ("file:line") of the first skipped record for each reason.
        num_changed: the number of records that were changed, for each kind of change.
    """

    on_bad: Literal["skip", "error"] = "error"
    num_skipped: Counter[str] = field(default_factory=Counter)
    first_skipped: dict[str, str] = field(default_factory=dict)
    num_changed: Counter[str] = field(default_factory=Counter)
    _files: list[tuple[io.BufferedReader, int]] = field(default_factory=list, repr=False)
    _num_expected_bytes: int = 0

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
        self.num_skipped[reason] += 1
        self.first_skipped.setdefault(reason, location)

    def notes(self, part: str) -> list[str]:
        """Sentences for the user: one for each reason and one for each kind of change.

        Args:
            part: the name of the split, with which each sentence begins.
        """
        notes = [
            f"{part}: left out {count:,} {_in_number(count, reason)} (the first: {self.first_skipped[reason]})."
            for reason, count in self.num_skipped.items()
        ]
        return notes + [f"{part}: {count:,} {_in_number(count, change)}." for change, count in self.num_changed.items()]

    def watch(self, raw: io.BufferedReader, size: int) -> None:
        """Includes an opened file in `fraction`.

        Args:
            raw: the file as it is stored, before decompression.
            size: its size in bytes.
        """
        self._files.append((raw, size))

    def expect(self, paths: Iterable[Path]) -> None:
        """Includes files that will be opened later in `fraction`, so that it grows steadily from 0."""
        for path in paths:
            with suppress(OSError):
                self._num_expected_bytes += path.stat().st_size

    @property
    def fraction(self) -> float:
        """The share of the bytes of all opened and expected files that was read, from 0 to 1."""
        total = max(self._num_expected_bytes, sum(size for _, size in self._files))
        done = sum(size if raw.closed else raw.tell() for raw, size in self._files)
        return min(1.0, done / total) if total else 1.0


def _in_number(count: int, plural: str) -> str:
    """A phrase such as "lines that are blank"; if the count is 1, in the singular: "line that is blank"."""
    if count != 1:
        return plural
    noun = re.sub(r"\b(\w+?)(ies|s)\b", lambda match: match[1] + ("y" if match[2] == "ies" else ""), plural, count=1)
    return re.sub(r"\b(are|were)\b", lambda match: "is" if match[1] == "are" else "was", noun, count=1)
