"""Guesses the encoding of bytes that are not UTF-8. The guess is used in messages only, never to read a file.

Encodings have the names that iconv and Python use.
"""

import re
from collections.abc import Iterator

_HIGH = range(0x80, 0x100)
# Ranges of characters that are frequent in texts of these languages, and rare in wrongly decoded bytes.
_KANA = ((0x3040, 0x30FF),)
_CYRILLIC = ((0x410, 0x44F), (0x401, 0x407), (0x451, 0x457), (0x490, 0x491))
_QUOTES_AND_DASHES = ((0xAB, 0xAB), (0xBB, 0xBB), (0x2013, 0x2014), (0x2019, 0x2019), (0x201C, 0x201E))
_MULTIBYTE = (
    ("euc_jp", _KANA),
    ("euc_kr", ((0xAC00, 0xD7A3),)),
    ("gb18030", ((0x4E00, 0x9FFF),)),
    ("big5", ((0x4E00, 0x9FFF),)),
)


def guess_encoding(line: bytes) -> str | None:
    """The likely encoding of a line that is not UTF-8; None if it is unclear.

    Western texts have single high bytes between ASCII letters. Cyrillic, Greek, Chinese and Japanese texts have runs of high bytes.
    """
    runs = list(_runs(line))
    if not runs:
        return None
    # A kana in Shift-JIS is often a high byte and an ASCII byte, which looks like a single Western letter.
    if _share(line, "shift_jis", _KANA) > 0.6:
        return "shift_jis"
    if max(runs) <= 2 and runs.count(1) * 2 > len(runs):
        return "cp1252" if any(0x80 <= byte <= 0x9F for byte in line) else "latin1"
    cyrillic = [name for name in ("koi8_r", "cp1251") if _looks_cyrillic(line, name)]
    if len(cyrillic) == 1:
        return cyrillic[0]
    for name, ranges in _MULTIBYTE:
        if _share(line, name, ranges) > 0.6:
            return name
    return None


def advise(line: bytes) -> str:
    """A sentence that says what to do about a line that is not UTF-8."""
    name = guess_encoding(line)
    if name is None:
        return (
            "Convert the file from the encoding it was written in, such as cp1252, cp1251, shift_jis or gb18030: "
            "iconv -f ENCODING -t utf-8 FILE > NEW."
        )
    known = {"cp1252": "Windows-1252", "latin1": "Latin-1", "koi8_r": "KOI8-R", "cp1251": "Windows-1251"}
    option = {"latin1": "latin1", "koi8_r": "koi8-r", "euc_jp": "euc-jp", "euc_kr": "euc-kr"}.get(name, name)
    return (
        f"The file is probably in {known.get(name, option)}; convert it and look at the result: "
        f"iconv -f {option} -t utf-8 FILE > NEW."
    )


def _runs(line: bytes) -> Iterator[int]:
    """The lengths of the runs of bytes that are not ASCII."""
    length = 0
    for byte in line:
        if byte in _HIGH:
            length += 1
        elif length:
            yield length
            length = 0
    if length:
        yield length


def _decoded(line: bytes, encoding: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _share(line: bytes, encoding: str, ranges: tuple[tuple[int, int], ...]) -> float:
    """The share of characters in some ranges among those that are not ASCII. East Asian punctuation is ignored."""
    points = [ord(char) for char in _decoded(line, encoding) if ord(char) > 0x7F]
    points = [point for point in points if not (0x3000 <= point <= 0x303F or 0xFF00 <= point <= 0xFF65)]
    if encoding in ("shift_jis", "euc_jp"):
        # Japanese mixes kana with Chinese characters; at least a fifth must be kana.
        kana = sum(low <= point <= high for point in points for low, high in ranges)
        both = kana + sum(0x4E00 <= point <= 0x9FFF for point in points)
        return both / len(points) if points and kana * 5 >= len(points) else 0.0
    inside = sum(low <= point <= high for point in points for low, high in ranges)
    return inside / len(points) if points else 0.0


def _looks_cyrillic(line: bytes, encoding: str) -> bool:
    text = _decoded(line, encoding)
    letters = sum(char.isalpha() for char in text if ord(char) > 0x7F)
    # Decoded as the wrong one of KOI8-R and Windows-1251, letters change their case: "пРИВЕТ". Such text is rejected.
    return (
        letters > 0
        and _share(line, encoding, _CYRILLIC + _QUOTES_AND_DASHES) > 0.95
        and not re.search(r"[а-яё][А-ЯЁ]", text)
        and not re.fullmatch(r"[^а-яё]*", text)
    )
