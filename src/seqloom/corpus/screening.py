"""Screens rows: cleans pairs and texts, and skips those that are not fit for training."""

import math
import re
from collections.abc import Iterator

from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.sources import Source
from seqloom.messages import counted
from seqloom.segments import num_segments

_CHARS_PER_WORD = 10
_LINE_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")


def screen_pairs(source: Source, read_pass: ReadPass, *, max_words: int | None) -> Iterator[tuple[str, str]]:
    """Pairs that are fit for training. Spaces at the ends and line breaks are removed; empty and too long pairs are skipped.

    Args:
        max_words: the largest number of words of a side, as `num_words` counts them; None for no limit.
    """
    for name, number, src, tgt in source.rows(read_pass):
        src, tgt = src.strip(" \t\r\n"), tgt.strip(" \t\r\n")
        if not src.strip() or not tgt.strip():
            reason = (
                "pairs with both sides empty"
                if not (src or tgt)
                else f"pairs with an empty {'target' if src else 'source'}"
            )
            read_pass.skip(reason, f"{name}:{number}")
            continue
        if "\n" in src or "\n" in tgt or "\r" in src or "\r" in tgt:
            src, tgt = _LINE_BREAKS.sub(" ", src), _LINE_BREAKS.sub(" ", tgt)
            read_pass.num_changed["pairs had line breaks inside, which became spaces"] += 1
        # Characters are counted first, because a text never has more words than characters.
        longest = max(len(src), len(tgt))
        if max_words is not None and longest > max_words and max(num_words(src), num_words(tgt)) > max_words:
            read_pass.skip(f"pairs with a side of more than {counted(max_words, 'word')}", f"{name}:{number}")
            continue
        yield src, tgt


def screen_texts(source: Source, read_pass: ReadPass, *, running: bool) -> Iterator[tuple[str, str]]:
    """Texts for language models, each as a pair with an empty source.

    Args:
        source: the rows.
        read_pass: counts the empty texts, which are skipped.
        running: whether the texts are passages of running text. Then empty passages are kept, because they are parts of it.
    """
    for name, number, _, text in source.rows(read_pass):
        if running or text.strip():
            yield "", text
        else:
            read_pass.skip("empty texts", f"{name}:{number}")


def num_words(text: str) -> int:
    """The number of words, or of characters in scripts without spaces. A word of more than 10 characters counts as several."""
    if len(text) < 2 * _CHARS_PER_WORD:
        return num_segments(text)
    return max(num_segments(text), math.ceil(len(text) / _CHARS_PER_WORD))
