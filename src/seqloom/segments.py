"""Segments: the words of a text, also in scripts that put no spaces between words.

In scripts with spaces, a segment is the text between two spaces. In Chinese, Japanese, Thai, Lao, Khmer, Burmese and related
scripts, a segment is one character with the marks that belong to it; in Tibetan it is a syllable. All code that counts, groups or
changes words uses these functions, so that a length means the same everywhere.
"""

import re
import unicodedata
from functools import cache
from typing import Literal, NamedTuple

Script = Literal["han", "kana", "hangul", "other"]

# Scripts without spaces between words, as ranges of code points, with the full-width signs that these scripts use.
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BLOCKS = (
    # Thai, Lao, Myanmar (three blocks), Khmer (two), Tai Le, New Tai Lue, Tai Tham, Tai Viet
    "\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u19e0-\u19ff\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf"
    # Bopomofo, Yi
    "\u3100-\u312f\u31a0-\u31bf\ua000-\ua4cf"
)
_TIBETAN = "\u0f00-\u0fff"
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_SIGNS = "\u3001-\u3004\u3008-\u3020\u302a-\u303f\uff00-\uff65\uffa0-\uffef"
_UNSPACED = re.compile(f"[{_KANA}{_HAN}{_BLOCKS}{_TIBETAN}]")
_KANA_ONLY = re.compile(f"[{_KANA}]")
_HAN_ONLY = re.compile(f"[{_HAN}]")


class _Piece(NamedTuple):
    """A segment, and whether white space stands before it."""

    text: str
    spaced: bool


@cache
def _pattern() -> re.Pattern[str]:
    """One segment of a stretch without white space."""
    marks = "".join(
        chr(code)
        for first, last in re.findall("(.)-(.)", _BLOCKS + _KANA + "\u3099-\u309a\u302a-\u302f")
        for code in range(ord(first), ord(last) + 1)
        if unicodedata.category(chr(code)).startswith("M")
    )
    # Vowel signs of Thai and Lao that Unicode calls letters; joiners and variation selectors.
    marks = f"[{marks}\u0e33\u0eb3\u0300-\u036f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]"
    # A stacked consonant belongs to the one above it (Khmer, Burmese).
    stacked = f"(?:[\u17d2\u1039][{_BLOCKS}]|{marks})*"
    syllable = "[\u0f00\u0f18\u0f19\u0f20-\u0f39\u0f3e-\u0fbc]+[\u0f0b\u0f0c]?"
    own = f"{_KANA}{_HAN}{_BLOCKS}{_TIBETAN}{_SIGNS}"
    return re.compile(f"{syllable}|[{own}]{stacked}|[^{own}]+")


def segments(text: str) -> list[str]:
    """The segments of a text, without the white space between them."""
    words = text.split()
    if text.isascii() or not _UNSPACED.search(text):
        return words
    return [segment for word in words for segment in _pattern().findall(word)]


def num_segments(text: str) -> int:
    """How many segments a text has: its length in messages and reports."""
    return len(segments(text))


def replace_segments(text: str, changes: dict[int, str]) -> str:
    """The text with some segments changed; white space between the others becomes one space.

    Args:
        changes: positions of segments, from 1, and their replacements; "" removes the segment.
    """
    made, spaced = "", False
    for number, piece in enumerate(_pieces(text), start=1):
        spaced = spaced or piece.spaced
        word = changes.get(number, piece.text)
        if word:
            made += f" {word}" if spaced and made else word
            spaced = False
    return made


def main_script(text: str) -> Script | None:
    """The script of most letters, if BLEU's usual tokenizer does not fit it; else None.

    "kana" means Japanese, which mixes kana and Han; "other" means Thai, Lao, Khmer, Burmese, Tibetan and related scripts.
    """
    if text.isascii():
        return None
    unspaced, hangul = len(_UNSPACED.findall(text)), len(_HANGUL.findall(text))
    if not (unspaced or hangul):
        return None
    letters = sum(1 for char in text if char.isalnum() or unicodedata.category(char).startswith("M"))
    if 2 * (unspaced + hangul) < letters:
        return None
    if hangul > unspaced:
        return "hangul"
    if _KANA_ONLY.search(text):
        return "kana"
    return "han" if 2 * len(_HAN_ONLY.findall(text)) >= unspaced else "other"


def _pieces(text: str) -> list[_Piece]:
    return [
        _Piece(segment, spaced=number == 0) for word in text.split() for number, segment in enumerate(segments(word))
    ]
