"""Text of a story: Z-characters, abbreviations and alphabets (sections 3.1 to 3.8)."""

from functools import lru_cache

from seqloom.errors import FictionError
from seqloom.fiction.zmachine.story import Story

_ALPHABETS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", " \n0123456789.,!?_#'\"/\\-:()"
# The characters of the codes 155 to 223, unless the story has a table of its own (section 3.8.5.3).
_EXTRA = "äöüÄÖÜß»«ëïÿËÏáéíóúýÁÉÍÓÚÝàèìòùÀÈÌÒÙâêîôûÂÊÎÔÛåÅøØãñõÃÑÕæÆçÇþðÞÐ£œŒ¡¿"
_MAX_WORDS = 20_000
# Abbreviations are a few words long; this limit keeps a hostile story from growing without end.
_MAX_ABBREVIATION_WORDS = 100


def decode(story: Story, address: int, max_words: int = _MAX_WORDS) -> str:
    """The text at an address.

    Args:
        max_words: how many words of two bytes are read at most; three Z-characters stand in one.

    Raises:
        FictionError: the text leads out of the story.
    """
    return _decode(story, _characters(story, address, max_words), abbreviations=True)


def _characters(story: Story, address: int, max_words: int) -> list[int]:
    codes: list[int] = []
    for position in range(max_words):
        word = story.word(address + 2 * position)
        codes += [word >> 10 & 31, word >> 5 & 31, word & 31]
        if word & 0x8000:
            break
    return codes


def _decode(story: Story, codes: list[int], *, abbreviations: bool) -> str:
    alphabets = _alphabets(story)
    text: list[str] = []
    shift = 0
    position = 0
    while position < len(codes):
        code = codes[position]
        position += 1
        alphabet, shift = alphabets[shift], 0
        if code == 0:
            text.append(" ")
        elif code < 4:
            if position < len(codes) and abbreviations:
                text.append(_abbreviation(story, 32 * (code - 1) + codes[position]))
            position += 1
        elif code < 6:
            shift = code - 3
        elif code == 6 and alphabet is alphabets[2]:
            if position + 1 < len(codes):
                text.append(character(story, codes[position] << 5 | codes[position + 1]))
            position += 2
        else:
            text.append(alphabet[code - 6])
    return "".join(text)


@lru_cache(maxsize=1024)
def _abbreviation(story: Story, number: int) -> str:
    address = 2 * story.word(story.word(0x18) + 2 * number)
    return _decode(story, _characters(story, address, _MAX_ABBREVIATION_WORDS), abbreviations=False)


def character(story: Story, code: int) -> str:
    """The character of a ZSCII code; codes without a character are a question mark."""
    if code == 13:
        return "\n"
    if 32 <= code <= 126:
        return chr(code)
    table = _unicode_table(story)
    return table[code - 155] if 155 <= code < 155 + len(table) else "?"


def unreadable(story: Story, line: str) -> str:
    """The characters of a line that the story cannot read."""
    readable = _unicode_table(story)
    return "".join(dict.fromkeys(letter for letter in line if not " " <= letter <= "~" and letter not in readable))


@lru_cache(maxsize=16)
def _alphabets(story: Story) -> tuple[str, str, str]:
    table = story.word(0x34) if story.version >= 5 else 0
    if not table:
        return _ALPHABETS
    letters = "".join(character(story, story.byte(table + position)) for position in range(78))
    # In the third alphabet, the first two codes always stand for an escape and for the end of a line.
    return letters[:26], letters[26:52], f" \n{letters[54:]}"


@lru_cache(maxsize=16)
def _unicode_table(story: Story) -> str:
    extension = story.word(0x36) if story.version >= 5 else 0
    if not extension or story.word(extension) < 3 or not (table := story.word(extension + 6)):
        return _EXTRA
    return "".join(chr(story.word(table + 1 + 2 * position)) for position in range(story.byte(table)))


def checked_name(story: Story, address: int, num_words: int) -> str:
    """A short name of `num_words` words; empty if it is damaged, since a name is only shown."""
    try:
        return " ".join(decode(story, address, num_words).split()) if num_words else ""
    except FictionError:
        return ""
