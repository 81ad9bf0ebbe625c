"""Normalises text, and escapes it so that every text can be written in a small alphabet.

Input: text; output: text over a fixed alphabet, from which the original is restored exactly. A character outside the alphabet
is written as its UTF-8 bytes, and each byte as two of 16 nibbles: the private-use characters U+E000 to U+E00F, which are in every
vocabulary. So every text can be encoded, with 16 extra ids instead of 256. This module does not know vocabularies, merges or ids.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from seqloom.tokenizer.settings import TokenizerSettings

SPACE = "▁"
NIBBLES = "".join(chr(0xE000 + value) for value in range(16))
_RESERVED = frozenset(NIBBLES + SPACE + " ")
# The characters of an alphabet make up this share of the training text.
_COVERAGE = 0.9995

_NIBBLE_RUN = re.compile(f"[{NIBBLES[0]}-{NIBBLES[-1]}]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CUT = re.compile(rf"(?<=[^\s{SPACE}])[\n{SPACE}]")


def normalise(text: str, settings: TokenizerSettings) -> str:
    """Normalises a text. Decoding returns the normalised text. Lone surrogates, which UTF-8 cannot encode, become U+FFFD."""
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
        text = _normalise_unicode(text, settings)
    if settings.lowercase:
        text = _normalise_unicode(text.lower(), settings)
    return " ".join(text.split()) if settings.collapse_whitespace else text


def _normalise_unicode(text: str, settings: TokenizerSettings) -> str:
    if settings.unicode == "nfc":
        return unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFKC", text) if settings.unicode == "nfkc" else text


def choose_alphabet(counts: Counter[str], *, limit: int, min_frequency: int = 1) -> str:
    """The characters that get ids of their own, in the order of their code points.

    Args:
        counts: how often each character occurs.
        limit: the largest number of characters; the most frequent ones are chosen.
        min_frequency: how often a character must occur, unless it is printable ASCII.

    Returns:
        The characters that together make up 99.95% of the text, and all printable ASCII characters that occur.
    """
    chosen: list[str] = []
    needed = _COVERAGE * sum(count for char, count in counts.items() if char not in _RESERVED)
    covered = 0
    for char, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if char in _RESERVED or len(chosen) >= limit:
            continue
        is_ascii = "!" <= char <= "~"
        if is_ascii or (covered < needed and count >= min_frequency):
            chosen.append(char)
            covered += count
    return "".join(sorted(chosen))


class Escaper:
    """Writes text in an alphabet, and restores it.

    Args:
        alphabet: the characters that are not escaped, without the space; None: all except the nibbles and the space marker.
        mark_start: whether to put a space marker before the text, so that the first word is encoded like the others.

    Attributes:
        marks_start: the same.
    """

    def __init__(self, alphabet: str | None, *, mark_start: bool) -> None:
        reserved = re.escape(NIBBLES + SPACE)
        pattern = f"[{reserved}]" if alphabet is None else f"[^{re.escape(alphabet + ' ')}]"
        self._escaped_characters = re.compile(pattern)
        self.marks_start = mark_start
        self._spellings: dict[str, str] = {}

    def escape(self, text: str) -> str:
        """A normalised text in the alphabet: spaces become markers, characters outside the alphabet nibbles. "" stays ""."""
        if not text:
            return ""
        marked = self._escaped_characters.sub(self._spell_match, text).replace(" ", SPACE)
        return SPACE + marked if self.marks_start else marked

    def unescape(self, text: str) -> str:
        """Restores an escaped text. Nibbles that are not valid UTF-8, as a model can generate them, become U+FFFD."""
        if self.marks_start:
            text = text.removeprefix(SPACE)
        return _NIBBLE_RUN.sub(lambda match: _read_nibbles(match.group()), text.replace(SPACE, " "))

    def _spell_match(self, match: re.Match[str]) -> str:
        char = match.group()
        spelling = self._spellings.get(char)
        if spelling is None:
            spelling = self._spellings[char] = spell(char)
        return spelling


class ByteReader:
    """Reads nibbles one at a time, and counts the characters that they complete."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._high: int | None = None

    def read(self, nibble: str) -> int:
        """The number of characters that this nibble completes."""
        value = ord(nibble) - 0xE000
        if self._high is None:
            self._high = value
            return 0
        byte, self._high = self._high << 4 | value, None
        return len(self._decoder.decode(bytes([byte])))

    def finish(self) -> int:
        """The number of U+FFFD that incomplete characters become at the end of a run of nibbles."""
        count = len(self._decoder.decode(b"", final=True)) + (self._high is not None)
        self._decoder.reset()
        self._high = None
        return count


def spell(text: str) -> str:
    """The UTF-8 bytes of a text as nibbles."""
    return "".join(NIBBLES[byte >> 4] + NIBBLES[byte & 15] for byte in text.encode("utf-8"))


def _read_nibbles(run: str) -> str:
    values = [ord(char) - 0xE000 for char in run]
    pairs = zip(values[::2], values[1::2], strict=False)
    text = bytes(high << 4 | low for high, low in pairs).decode("utf-8", errors="replace")
    return text + "\ufffd" if len(run) % 2 else text


def cut(text: str, size: int) -> Iterator[str]:
    """Cuts a long escaped text at positions where every tokenizer begins a new token, so that the tokens do not change.

    Args:
        size: the smallest number of characters of a part. A part ends before the next space or newline after a word.
    """
    start = 0
    while len(text) - start > size:
        match = _CUT.search(text, start + size)
        if match is None:
            break
        yield text[start : match.start()]
        start = match.start()
    yield text[start:]
