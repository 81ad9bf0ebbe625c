"""The dictionary of a story (section 13), and the parts of speech of its words.

What the bytes after a word mean is up to the compiler: see `_infocom` and `_inform`.
"""

from dataclasses import dataclass

from seqloom.errors import FictionError
from seqloom.fiction.zmachine.story import Story
from seqloom.fiction.zmachine.text import decode

# Inform 6: flags in the first byte (Inform Technical Manual, section 8.5).
_INFORM_VERB, _INFORM_PREPOSITION, _INFORM_NOUN = 1, 8, 128
# Infocom, version 3 to 5: flags in the first byte (ZIL's PS?... constants; see WT? in the published source of Zork I).
_NOUN, _VERB, _ADJECTIVE, _DIRECTION, _PREPOSITION = 0x80, 0x40, 0x20, 0x10, 0x08

_SHIFTED = "0123456789.,!?_#'\"/\\-:()"


@dataclass(frozen=True)
class Word:
    """A word of the dictionary.

    Attributes:
        address: where its entry stands, by which other tables name it.
        text: its letters, cut to as many as the story reads.
        verb: the number of its grammar table, if it is a verb.
        adjective: its number, if it is an adjective of an Infocom story.
        preposition: its number, if it is a preposition of an Infocom story, or of Inform's grammar version 1.
    """

    address: int
    text: str
    is_noun: bool = False
    is_direction: bool = False
    is_preposition: bool = False
    verb: int | None = None
    adjective: int | None = None
    preposition: int | None = None


def num_letters(story: Story) -> int:
    """How many letters of a word a story reads."""
    return 6 if story.version == 3 else 9


def cut(word: str, story: Story) -> str:
    """The letters of a word that the story reads: digits and signs count twice, other letters four times (section 3.7)."""
    length = 0
    for position, letter in enumerate(word):
        length += encoded_length(letter)
        if length > num_letters(story):
            return word[:position]
    return word


def encoded_length(text: str) -> int:
    """How many of the letters that a story reads a text in lower case takes."""
    return sum(1 if "a" <= letter <= "z" else 2 if letter in _SHIFTED else 4 for letter in text)


def read_dictionary(story: Story) -> dict[int, Word]:
    """The words of a story by the addresses of their entries, in the order of the dictionary.

    Raises:
        FictionError: the dictionary leads out of the story.
    """
    start = story.dictionary
    num_separators = story.byte(start)
    entry_length = story.byte(start + num_separators + 1)
    count = story.word(start + num_separators + 2)
    count = 0x10000 - count if count & 0x8000 else count
    first = start + num_separators + 4
    text_length = 4 if story.version == 3 else 6
    if entry_length < text_length + 3:
        raise FictionError(f"{story.source}: the story is damaged: an entry of its dictionary has {entry_length} bytes")
    story.byte(first + count * entry_length - 1)
    describe = _inform if story.compiler else _infocom
    words = {}
    for address in range(first, first + count * entry_length, entry_length):
        text = decode(story, address, text_length // 2).strip()
        words[address] = describe(story, address, text, address + text_length)
    return words


def _inform(story: Story, address: int, text: str, data: int) -> Word:
    flags = story.byte(data)
    return Word(
        address,
        text,
        is_noun=bool(flags & _INFORM_NOUN),
        is_preposition=bool(flags & _INFORM_PREPOSITION),
        verb=255 - story.byte(data + 1) if flags & _INFORM_VERB else None,
        preposition=story.byte(data + 2) if flags & _INFORM_PREPOSITION else None,
    )


def _infocom(story: Story, address: int, text: str, data: int) -> Word:
    flags = story.byte(data)

    def value(flag: int, first: int) -> int | None:
        """The value of a part of speech: in the byte after the flags if their last bits name this part, else in the next."""
        return story.byte(data + (1 if flags & 3 == first else 2)) if flags & flag else None

    verb = value(_VERB, 1)
    return Word(
        address,
        text,
        is_noun=bool(flags & _NOUN),
        is_direction=bool(flags & _DIRECTION),
        is_preposition=bool(flags & _PREPOSITION),
        verb=None if verb is None else 255 - verb,
        adjective=value(_ADJECTIVE, 2),
        preposition=value(_PREPOSITION, 0),
    )
