"""Checks for suspicious pairs: copies, unusual lengths, the wrong script, markup, control characters, broken encodings.

The checks look for mistakes of data preparation. A pair that they report may still be right.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache

from seqloom.segments import segments

_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,80}>|&(?:amp|lt|gt|quot|apos|nbsp|#\d+);")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ufffd]")
# UTF-8 decoded as Windows-1252: the first byte of a character becomes a letter, the others become symbols.
_MOJIBAKE = re.compile("[ÂÃÄÅÐÑâã][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]+")
_EXAMPLES = 3
_EXAMPLE_CHARS = 160
_EXTREME_RATIO = math.log(4)
_SCRIPT_SHARE = 0.5


class QualityChecks:
    """Counts suspicious items.

    Attributes:
        counts: the number of items for each reason.
        examples: a few items for each reason, as split, source and target.
    """

    def __init__(
        self, typical_ratio: float, spread: float, src_script: str, tgt_script: str, *, same_language: bool
    ) -> None:
        """Sets the typical values that pairs are compared with.

        Args:
            typical_ratio: log of the usual ratio of target to source characters.
            spread: standard deviation of that log. A length is unusual if it differs by more than 4
                standard deviations, and by more than a factor of 4.
            src_script: the script of most source letters; "": any.
            tgt_script: the script of most target letters; "": any.
            same_language: whether both sides may be in the same language, so that equal words are not suspicious.
        """
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[tuple[str, str, str]]] = {}
        self._ratio = typical_ratio
        self._extreme = max(_EXTREME_RATIO, 4 * spread)
        self._src_script = src_script
        self._tgt_script = tgt_script
        self._same_language = same_language

    def check(self, split: str, src: str, tgt: str) -> None:
        """Checks a pair, or a text if the source is empty."""
        for reason in self._reasons(src, tgt):
            self.counts[reason] += 1
            shown = self.examples.setdefault(reason, [])
            if len(shown) < _EXAMPLES:
                shown.append((split, shorten(src), shorten(tgt)))

    def _reasons(self, src: str, tgt: str) -> list[str]:
        both = f"{src}\n{tgt}"
        reasons = []
        if src:
            reasons += self._pair_reasons(src, tgt)
        if ("<" in both or "&" in both) and _MARKUP.search(both):
            reasons.append("markup or entities")
        if _CONTROL.search(both):
            reasons.append("control or invisible characters")
        if not both.isascii() and has_mojibake(both):
            reasons.append("broken encoding (UTF-8 read as Latin-1)")
        return reasons

    def _pair_reasons(self, src: str, tgt: str) -> list[str]:
        reasons = []
        if src == tgt:
            reasons.append("identical sides")
        elif not self._same_language and _mostly_shared(src, tgt):
            reasons.append("mostly untranslated")
        ratio = math.log((len(tgt) + 1) / (len(src) + 1)) - self._ratio
        if abs(ratio) > self._extreme and max(len(src), len(tgt)) >= 30:
            reasons.append("target much longer than usual" if ratio > 0 else "target much shorter than usual")
        if _wrong_script(src, self._src_script) or _wrong_script(tgt, self._tgt_script):
            reasons.append("unexpected script")
        if not any(map(str.isalpha, src)) or not any(map(str.isalpha, tgt)):
            reasons.append("a side without letters")
        return reasons


def has_mojibake(text: str) -> bool:
    """Whether a text holds characters that come from reading UTF-8 as Windows-1252 or Latin-1, such as "Ã©" for "é"."""
    for match in _MOJIBAKE.finditer(text):
        raw = bytearray()
        for char in match[0]:
            try:
                raw += char.encode("cp1252")
            except UnicodeEncodeError:
                raw += char.encode("latin-1", "ignore")
        try:
            if len(raw.decode("utf-8")) < len(match[0]):
                return True
        except UnicodeDecodeError as error:
            # If the error is not at the start, the first symbols are mojibake, and a later one belongs to the text.
            if error.start > 0:
                return True
    return False


def scripts_of(characters: Mapping[str, int]) -> dict[str, float]:
    """The share of letters in each script, largest first."""
    counts: Counter[str] = Counter()
    for char, count in characters.items():
        if char.isalpha():
            counts[script(char)] += count
    total = counts.total()
    return {name: count / total for name, count in counts.most_common()}


def main_script(characters: Mapping[str, int]) -> str:
    """The script of more than 90% of the letters; "" if there is none."""
    shares = scripts_of(characters)
    name = next(iter(shares), "")
    return name if name and shares[name] > 0.9 else ""


@cache
def script(char: str) -> str:
    """The script of a letter by its Unicode name, in lower case: "latin", "cyrillic", "cjk"."""
    return unicodedata.name(char, "unknown").partition(" ")[0].lower()


def shorten(text: str) -> str:
    """A text in one line of at most 160 characters, for an example."""
    line = " ".join(text.split())
    return line if len(line) <= _EXAMPLE_CHARS else line[: _EXAMPLE_CHARS - 1] + "…"


def _mostly_shared(src: str, tgt: str) -> bool:
    words, others = segments(src.casefold()), segments(tgt.casefold())
    if len(words) < 4 or len(others) < 4:
        return False
    shared = (Counter(words) & Counter(others)).total()
    return shared >= 0.8 * max(len(words), len(others))


def _wrong_script(text: str, expected: str) -> bool:
    if not expected or (expected == "latin" and text.isascii()):
        return False
    letters = [char for char in text if char.isalpha()]
    if len(letters) < 3:
        return False
    return sum(script(char) != expected for char in letters) > _SCRIPT_SHARE * len(letters)
