"""The difference between an output and its reference, word by word.

Output: pieces of text, each marked as same, added or missing. This module does not know HTML.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from seqloom.segments import main_script, segments

Kind = Literal["same", "added", "missing"]

# A word or a punctuation mark, with the space after it.
_WORD = re.compile(r"\w+|[^\w\s]")
_SPACE = re.compile(r"\s*")
# The time of the comparison grows with the product of the lengths.
MAX_WORDS = 400


class Piece(NamedTuple):
    """A part of a compared text.

    Attributes:
        kind: "same" if both have it, "added" if only the output has it, "missing" if only the reference has it.
        text: the text of the part, spaces included.
    """

    kind: Kind
    text: str


def same(output: str, reference: str) -> bool:
    """Whether the texts are equal except for white space."""
    return output.split() == reference.split()


def compare_words(output: str, reference: str) -> list[Piece] | None:
    """The pieces of the output and, between them, the pieces that it lacks; None if the texts are too long to compare.

    The "same" and "added" pieces, joined, are the output. Differences in white space are ignored.
    """
    ours, theirs = _words(output), _words(reference)
    if max(len(ours), len(theirs)) > MAX_WORDS:
        return None
    return list(_pieces(output, ours, theirs))


def _words(text: str) -> list[str]:
    """Words and punctuation marks, each with the space after it; in scripts without spaces between words, segments."""
    words = []
    position = len(text) - len(text.lstrip())
    for segment in segments(text):
        parts = [segment] if main_script(segment) is not None else _WORD.findall(segment)
        for part in parts:
            start = text.index(part, position)
            space = _SPACE.match(text, start + len(part))
            position = space.end() if space is not None else start + len(part)
            words.append(text[start:position])
    return words


def _pieces(output: str, ours: list[str], theirs: list[str]) -> Iterator[Piece]:
    margin = output[: len(output) - len(output.lstrip())]
    if margin:
        yield Piece("same", margin)
    matcher = SequenceMatcher(
        None, [word.rstrip() for word in theirs], [word.rstrip() for word in ours], autojunk=False
    )
    for what, low, high, our_low, our_high in matcher.get_opcodes():
        missing, added = "".join(theirs[low:high]), "".join(ours[our_low:our_high])
        if what == "equal":
            yield Piece("same", added)
            continue
        if missing:
            yield Piece("missing", missing)
        if added:
            yield Piece("added", added)
