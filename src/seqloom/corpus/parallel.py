"""Line-aligned files: line n of one file is a source, and line n of the other file is its target.

Files with unequal numbers of lines are an error; the message guesses from which line they are no longer aligned.
"""

import html
import itertools
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.lines import raw_lines, text_lines
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.stream_copies import regular_file
from seqloom.errors import CorpusError
from seqloom.messages import counted

Markup = Literal["none", "tags", "segments"]
Row = tuple[str, int, str, str]
"""The file name, the number of the row from 1, the source and the target."""

_SEGMENT = re.compile(r"<seg\b[^>]*>(.*)</seg>", re.IGNORECASE)
_MAX_COMPARED_LINES = 2_000_000


@dataclass(frozen=True)
class ParallelFiles:
    """Two line-aligned files.

    Attributes:
        src: the sources.
        tgt: the targets.
        markup: "tags": lines that begin with "<" are not sentences but titles and the like (training files of IWSLT);
            "segments": sentences are in `<seg>` elements (test files of WMT and IWSLT).
    """

    src: InputFile
    tgt: InputFile
    markup: Markup = "none"

    @property
    def origin(self) -> str:
        """The file names."""
        return f"{self.src} + {self.tgt}"

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """The rows. If a line is bad in one of the files, the row is skipped.

        Raises:
            CorpusError: the files have unequal numbers of lines, or cannot be read (see `text_lines`).
        """
        sides = (self._sentences(self.src, read_pass), self._sentences(self.tgt, read_pass))
        name = str(self.src)
        for number, (src, tgt) in enumerate(itertools.zip_longest(*sides, fillvalue=_END), start=1):
            if src is _END or tgt is _END:
                raise CorpusError(_explain_unequal(self.src, self.tgt))
            if isinstance(src, str) and isinstance(tgt, str):
                yield name, number, src, tgt

    def _sentences(self, file: InputFile, read_pass: ReadPass) -> Iterator[str | None]:
        lines = text_lines(file, read_pass)
        if self.markup == "tags":
            return (line for line in lines if line is None or not line.lstrip().startswith("<"))
        if self.markup == "segments":
            segments = (line if line is None else _SEGMENT.search(line) for line in lines)
            return (html.unescape(match[1]).strip() if match else None for match in segments if match)
        return lines


def read_parallel(src: Path | str, ref: Path | str, *, read_pass: ReadPass | None = None) -> Iterator[SentencePair]:
    """Reads aligned lines for scoring. Lines are not stripped, and pairs with an empty side are kept.

    Args:
        src: a file with a source in each line.
        ref: a file with a reference in each line.
        read_pass: decides what happens with a line that cannot be read, and counts the pairs that are skipped;
            `ReadPass("skip").notes("test")` gives the counts as sentences. The default raises an error.

    Raises:
        CorpusError: the files have unequal numbers of lines, or a line cannot be read and `read_pass` does not skip.
    """
    for source, reference in read_translations(src, [ref], read_pass=read_pass):
        yield SentencePair(source, reference)


def read_translations(
    src: Path | str, refs: Sequence[Path | str], *, read_pass: ReadPass | None = None
) -> Iterator[tuple[str, ...]]:
    """Reads sources with one or more references, for scoring. A line that is bad in one file is skipped in all of them.

    Args:
        src: a file with a source in each line.
        refs: files with a reference in each line.
        read_pass: as for `read_parallel`.

    Yields:
        For each line its source, then its references in the order of `refs`.

    Raises:
        CorpusError: as `read_parallel`.
    """
    read_pass = read_pass or ReadPass()
    # If the files have unequal numbers of lines, they are read again to find the misaligned line. Pipes are copied for that.
    files = [InputFile(regular_file(path)) for path in (src, *refs)]
    for lines in itertools.zip_longest(*(text_lines(file, read_pass) for file in files), fillvalue=_END):
        if _END in lines:
            raise CorpusError(_explain_unequal(*_unequal(files)))
        texts = tuple(line for line in lines if isinstance(line, str))
        if len(texts) == len(lines):
            yield texts


def _unequal(files: Sequence[InputFile]) -> tuple[InputFile, InputFile]:
    """The first file, and the first other file with another number of lines."""
    count = len(_line_lengths(files[0]))
    return files[0], next(file for file in files[1:] if len(_line_lengths(file)) != count)


def _explain_unequal(src: InputFile, tgt: InputFile) -> str:
    src_lengths, tgt_lengths = (_line_lengths(file) for file in (src, tgt))
    message = (
        f"{src} has {counted(len(src_lengths), 'line')}, {tgt} has {len(tgt_lengths):,}; "
        "line n of one must be the translation of line n of the other."
    )
    drift = find_drift(src_lengths, tgt_lengths)
    if drift is not None:
        message += (
            f" By their lengths, the lines fit up to about line {drift:,} and are shifted after it: look there first."
        )
    return message + " Check that both files come from the same processing step, and that it kept empty lines."


class _End:
    """The type of the value that stands for a line after the end of a file."""


_END = _End()


@dataclass(frozen=True)
class ConcatenatedFiles:
    """Several pairs of aligned files, read one after the other."""

    parts: tuple["ParallelFiles", ...]

    @property
    def origin(self) -> str:
        """The file names."""
        return ", ".join(part.origin for part in self.parts)

    def rows(self, read_pass: ReadPass) -> Iterator[Row]:
        """The rows of all parts."""
        for part in self.parts:
            yield from part.rows(read_pass)


def find_drift(src_lengths: "array[int]", tgt_lengths: "array[int]") -> int | None:
    """Guesses the line from which two files are no longer aligned, if a single shift explains their difference in lines.

    The ratio of the lengths of aligned lines is usually similar. For each line k, the cost of "aligned before k, and shifted after
    k" is the sum of the deviations of the log ratios; the line with the smallest cost is the guess.

    Args:
        src_lengths: bytes in each line of the source file.
        tgt_lengths: bytes in each line of the target file.

    Returns:
        A line, from 1; None if the lengths do not show it clearly.
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
    # The guess is useful only if the shift fits the lines after it much better than no shift.
    before, after = float(aligned[best:].sum()), float(shifted[best:].sum())
    convincing = count - best < 3 or after < 0.7 * before
    return best + 1 if convincing else None


def _line_lengths(file: InputFile) -> "array[int]":
    return array("L", (len(line or b"") for line in raw_lines(file, ReadPass("skip"))))
