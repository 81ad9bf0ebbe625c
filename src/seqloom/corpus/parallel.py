"""Two line-aligned files: line n of one is the source, line n of the other the target.

Places enter, rows (line, source, target) leave. Files of unequal length are refused, with a guess at where they drift apart.
This module does not know languages, splits or what makes a pair too long.
"""

import html
import itertools
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.reading import Reading
from seqloom.corpus.spool import spooled
from seqloom.corpus.streams import Place, raw_lines, text_lines
from seqloom.errors import CorpusError
from seqloom.messages import counted

Markup = Literal["none", "tags", "segments"]
Row = tuple[str, int, str, str]

_SEGMENT = re.compile(r"<seg\b[^>]*>(.*)</seg>", re.IGNORECASE)
_MAX_COMPARED_LINES = 2_000_000


@dataclass(frozen=True)
class ParallelFiles:
    """Two line-aligned files.

    Attributes:
        src: the sources.
        tgt: the targets.
        markup: "tags": lines that begin with "<" are titles and such, not sentences (IWSLT's training files);
            "segments": sentences stand in `<seg>` elements (the test files of WMT and IWSLT).
    """

    src: Place
    tgt: Place
    markup: Markup = "none"

    @property
    def origin(self) -> str:
        """The file names."""
        return f"{self.src} + {self.tgt}"

    def rows(self, reading: Reading) -> Iterator[Row]:
        """Rows of file name, line, source and target; a row with a bad line on either side is left out.

        Raises:
            CorpusError: the files have unequal numbers of lines, or as `streams.text_lines`.
        """
        sides = (self._sentences(self.src, reading), self._sentences(self.tgt, reading))
        name = str(self.src)
        for number, (src, tgt) in enumerate(itertools.zip_longest(*sides, fillvalue=_END), start=1):
            if src is _END or tgt is _END:
                raise CorpusError(self._explain_unequal())
            if isinstance(src, str) and isinstance(tgt, str):
                yield name, number, src, tgt

    def _sentences(self, place: Place, reading: Reading) -> Iterator[str | None]:
        lines = text_lines(place, reading)
        if self.markup == "tags":
            return (line for line in lines if line is None or not line.lstrip().startswith("<"))
        if self.markup == "segments":
            found = (line if line is None else _SEGMENT.search(line) for line in lines)
            return (html.unescape(match[1]).strip() if match else None for match in found if match)
        return lines

    def _explain_unequal(self) -> str:
        src_lengths, tgt_lengths = (_line_lengths(place) for place in (self.src, self.tgt))
        message = (
            f"{self.src} has {counted(len(src_lengths), 'line')}, {self.tgt} has {len(tgt_lengths):,}; "
            "line n of one must be the translation of line n of the other."
        )
        drift = find_drift(src_lengths, tgt_lengths)
        if drift is not None:
            message += f" By their lengths the lines fit up to about line {drift:,} and are shifted after it: look there first."
        return message + " Check that both files come from the same step of preparation, with empty lines kept."


def read_parallel(src: Path | str, ref: Path | str) -> Iterator[SentencePair]:
    """Aligned lines for scoring: every line as it is, none left out.

    Raises:
        CorpusError: the files have unequal numbers of lines, or hold bytes that are not UTF-8.
    """
    # Files of unequal length are read once more, to say where they drift apart; pipes cannot be.
    for _, _, source, reference in ParallelFiles(Place(spooled(src)), Place(spooled(ref))).rows(Reading()):
        yield SentencePair(source, reference)


class _End:
    pass


_END = _End()


@dataclass(frozen=True)
class Joined:
    """Several readers, one after the other."""

    parts: tuple["ParallelFiles", ...]

    @property
    def origin(self) -> str:
        """The file names."""
        return ", ".join(part.origin for part in self.parts)

    def rows(self, reading: Reading) -> Iterator[Row]:
        """The rows of all parts."""
        for part in self.parts:
            yield from part.rows(reading)


def find_drift(src_lengths: "array[int]", tgt_lengths: "array[int]") -> int | None:
    """Guesses the line at which two files stop being aligned, if one shift explains their difference in length.

    Translations have similar lengths, so aligned lines have similar log ratios. For each line k the cost of "aligned before k,
    shifted by the difference after k" is summed; the cheapest k is the guess.

    Args:
        src_lengths: bytes in each line of the source file.
        tgt_lengths: bytes in each line of the target file.

    Returns:
        A line from 1, or None where lengths do not tell.
    """
    import numpy as np

    if len(src_lengths) < len(tgt_lengths):
        src_lengths, tgt_lengths = tgt_lengths, src_lengths
    shift, count = len(src_lengths) - len(tgt_lengths), len(tgt_lengths)
    if not 0 < shift < count or len(src_lengths) > _MAX_COMPARED_LINES:
        return None
    long_side, short_side = (np.log1p(np.asarray(lengths, dtype=np.float64)) for lengths in (src_lengths, tgt_lengths))
    typical = float(np.median(long_side)) - float(np.median(short_side))
    aligned = np.minimum(np.abs(long_side[:count] - short_side - typical), 2.0)
    shifted = np.minimum(np.abs(long_side[shift:] - short_side - typical), 2.0)
    cost = np.concatenate([[0.0], np.cumsum(aligned)]) + np.concatenate([np.cumsum(shifted[::-1])[::-1], [0.0]])
    best = int(cost.argmin())
    # The guess is worth telling only if a shift explains the lines after it much better than none.
    before, after = float(aligned[best:].sum()), float(shifted[best:].sum())
    told = count - best < 3 or after < 0.7 * before
    return best + 1 if told else None


def _line_lengths(place: Place) -> "array[int]":
    return array("L", (len(line or b"") for line in raw_lines(place, Reading("skip"))))
