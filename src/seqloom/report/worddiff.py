"""Word by word, how an output differs from its reference.

Two texts enter, pieces of the output leave, each marked as the same, as added, or as missing. This module does not know HTML.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["same", "added", "missing"]

# A word with the space after it. Scripts that put no spaces between words are compared character by character.
_WORD = re.compile(r"(?:[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]|\w+|[^\w\s])\s*")
# Comparing takes time by the product of the lengths.
MAX_WORDS = 400


class Piece(NamedTuple):
    """A stretch of text.

    Attributes:
        kind: "same" in both, "added" by the output, or "missing" from it though the reference has it.
        text: the stretch, spaces included.
    """

    kind: Kind
    text: str


def same(output: str, reference: str) -> bool:
    """Whether the texts are equal but for white space."""
    return output.split() == reference.split()


def compare_words(output: str, reference: str) -> list[Piece] | None:
    """The output in pieces, with what it lacks of the reference in between; None where the texts are too long for it.

    The "same" and "added" pieces, joined, are the output. White space makes no difference.
    """
    ours, theirs = _WORD.findall(output), _WORD.findall(reference)
    if max(len(ours), len(theirs)) > MAX_WORDS:
        return None
    return list(_pieces(output, ours, theirs))


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
