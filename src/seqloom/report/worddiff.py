"""Word by word, how an output differs from its reference.

Two texts enter, pieces of the output leave, each marked as the same, as added, or as missing. This module does not know HTML.
"""

import itertools
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["same", "added", "missing"]

# Scripts that put no spaces between words are compared character by character.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]|\w+|\s+|[^\w\s]")
# Comparing takes time by the product of the lengths.
MAX_WORDS = 600


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

    The "same" and "added" pieces, joined, are the output.
    """
    ours, theirs = _WORD.findall(output), _WORD.findall(reference)
    if max(len(ours), len(theirs)) > MAX_WORDS:
        return None
    return list(_merge(_pieces(ours, theirs)))


def _pieces(ours: list[str], theirs: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(a=theirs, b=ours, autojunk=False)
    for what, low, high, our_low, our_high in matcher.get_opcodes():
        missing, added = "".join(theirs[low:high]), "".join(ours[our_low:our_high])
        if what == "equal":
            yield Piece("same", added)
            continue
        # A difference in white space alone is no difference to mark.
        if missing.strip():
            yield Piece("missing", missing)
        if added:
            yield Piece("added" if added.strip() else "same", added)


def _merge(pieces: Iterator[Piece]) -> Iterator[Piece]:
    found = list(pieces)
    changed = [kind != "same" for kind, _ in found]
    # A space that happens to be equal between two changed words would make confetti of a changed phrase.
    bridged = [
        changed[index] or (0 < index < len(found) - 1 and changed[index - 1] and changed[index + 1] and text.isspace())
        for index, (_, text) in enumerate(found)
    ]
    for is_changed, group in itertools.groupby(zip(bridged, found, strict=True), key=lambda pair: pair[0]):
        members = [piece for _, piece in group]
        if not is_changed:
            yield from members
            continue
        missing = "".join(text for kind, text in members if kind != "added")
        added = "".join(text for kind, text in members if kind != "missing")
        if missing.strip():
            yield Piece("missing", missing)
        if added:
            yield Piece("added" if added.strip() else "same", added)
