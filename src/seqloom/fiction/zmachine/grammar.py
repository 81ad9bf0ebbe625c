"""The grammar tables of a story: the forms of command of each verb.

The Z-machine does not know them; each compiler has its own layout. In all of them a table of addresses, one for each verb, stands
at the beginning of static memory. The layouts are told apart by whether the tables that they imply end where the next ones begin.
"""

from collections.abc import Callable, Iterator

from seqloom.errors import FictionError
from seqloom.fiction.interpreter import TEXT, THING, THINGS, GrammarLine
from seqloom.fiction.zmachine.dictionary import Word
from seqloom.fiction.zmachine.story import Story

# Inform 6: tokens of kind "elementary", by their data (Inform Technical Manual, section 8.6).
_ELEMENTARY = (THING, THING, THINGS, THINGS, THINGS, THINGS, THING, TEXT, TEXT, TEXT)
_END_OF_LINE = 15
# Grammar version 1: numbers of prepositions, and of tokens that are read by a routine of the story.
_FIRST_PREPOSITION = 180
_ROUTINES = range(48, 80)
_MAX_LINES = 255
# Infocom: in the byte that says where a thing is searched, the bit for "several things" (ZIL's SMANY).
_MANY = 4

_Pattern = tuple[str, ...]
_Reader = Callable[[Story, int, dict[int, Word]], tuple[list[_Pattern], int]]


def read_grammar(story: Story, words: dict[int, Word]) -> tuple[GrammarLine, ...]:
    """All forms of command, in the order of the story's verbs.

    Args:
        words: the dictionary of the story.

    Returns:
        The forms; empty if the story has no grammar in a layout that is known.
    """
    verbs: dict[int, list[str]] = {}
    for word in words.values():
        if word.verb is not None:
            verbs.setdefault(word.verb, []).append(word.text)
    if not verbs:
        return ()
    readers = (_inform_2, _inform_1) if story.compiler else (_infocom_fixed, _infocom_variable)
    for reader in readers:
        try:
            lines = list(_lines(story, words, verbs, reader))
        except (FictionError, IndexError, KeyError):
            continue
        return tuple(dict.fromkeys(lines))
    return ()


def _lines(story: Story, words: dict[int, Word], verbs: dict[int, list[str]], reader: _Reader) -> Iterator[GrammarLine]:
    """The forms of all verbs by a layout.

    Raises:
        FictionError, IndexError, KeyError: the tables have another layout.
    """
    starts = {number: story.word(story.static_memory + 2 * number) for number in sorted(verbs)}
    tables = {number: reader(story, start, words) for number, start in starts.items()}
    ends = {end for _, end in tables.values()}
    for start in sorted(set(starts.values()))[1:]:
        # Some compilers leave a byte between tables. Tables of verbs without words may stand between, too.
        if start not in ends and start - 1 not in ends and len(starts) == max(starts) + 1:
            raise FictionError(f"{story.source}: a table of verbs ends at no beginning of the next")
    for number, (patterns, _) in tables.items():
        for pattern in patterns:
            yield GrammarLine(tuple(verbs[number]), pattern)


def _inform_2(story: Story, address: int, words: dict[int, Word]) -> tuple[list[_Pattern], int]:
    """Grammar version 2 of Inform 6: two bytes of action, then tokens of three bytes, then 15."""
    count = story.byte(address)
    address += 1
    patterns: list[_Pattern] = []
    for _ in range(count):
        address += 2
        pattern: list[str] = []
        while (kind := story.byte(address)) != _END_OF_LINE:
            data = story.word(address + 1)
            element = _inform_token(kind & 15, data, words)
            if kind & 0x10 and pattern:
                pattern[-1] = f"{pattern[-1]}/{element}" if not element.startswith("<") else pattern[-1]
            else:
                pattern.append(element)
            address += 3
            if len(pattern) > _MAX_LINES:
                raise FictionError(f"{story.source}: a line of grammar does not end")
        address += 1
        patterns.append(tuple(pattern))
    return patterns, address


def _inform_token(kind: int, data: int, words: dict[int, Word]) -> str:
    if kind == 1:
        return _ELEMENTARY[data]
    if kind == 2:
        return words[data].text
    if kind not in (3, 4, 5, 6):
        raise FictionError("no kind of token")
    return TEXT if kind == 6 else THING


def _inform_1(story: Story, address: int, words: dict[int, Word]) -> tuple[list[_Pattern], int]:
    """Grammar version 1 of Inform: lines of eight bytes: number of things, six tokens, action."""
    count = story.byte(address)
    patterns: list[_Pattern] = []
    prepositions: dict[int, list[str]] = {}
    for word in words.values():
        if word.preposition is not None:
            prepositions.setdefault(word.preposition, []).append(word.text)
    for start in range(address + 1, address + 1 + 8 * count, 8):
        pattern: list[str] = []
        num_things = 0
        for token in (story.byte(start + 1 + n) for n in range(6)):
            if token == 0 and num_things >= story.byte(
                start
            ):  # 0 is a noun too, so only the number tells where a line ends.
                break
            if token >= _FIRST_PREPOSITION:
                pattern.append("/".join(prepositions[token]))
                continue
            pattern.append(_ELEMENTARY[token] if token < 9 else TEXT if token in _ROUTINES else THING)
            num_things += 1
        patterns.append(tuple(pattern))
    return patterns, address + 1 + 8 * count


def _infocom_fixed(story: Story, address: int, words: dict[int, Word]) -> tuple[list[_Pattern], int]:
    """Infocom's lines of eight bytes: number of things, two prepositions, two attributes, two searches, action."""
    count = story.byte(address)
    patterns = []
    for start in range(address + 1, address + 1 + 8 * count, 8):
        number, first, second = (story.byte(start + n) for n in range(3))
        searches = story.byte(start + 5), story.byte(start + 6)
        patterns.append(_infocom_pattern(number & 3, (first, second), searches, words))
    return patterns, address + 1 + 8 * count


def _infocom_variable(story: Story, address: int, words: dict[int, Word]) -> tuple[list[_Pattern], int]:
    """Infocom's lines of two, four or seven bytes: number of things and preposition, action, what is searched for each thing."""
    count = story.byte(address)
    address += 1
    patterns = []
    for _ in range(count):
        number, first = story.byte(address) >> 6, story.byte(address) & 63
        size = (2, 4, 7)[number]
        second = story.byte(address + 4) & 63 if number == 2 else 0
        searches = (story.byte(address + 3) if number else 0, story.byte(address + 6) if number == 2 else 0)
        prepositions = tuple(preposition and preposition | 0xC0 for preposition in (first, second))
        patterns.append(_infocom_pattern(number, (prepositions[0], prepositions[1]), searches, words))
        address += size
    return patterns, address


def _infocom_pattern(
    num_things: int, prepositions: tuple[int, int], searches: tuple[int, int], words: dict[int, Word]
) -> _Pattern:
    if num_things > 2:
        raise FictionError("no number of things")
    pattern: list[str] = []
    for position, number in enumerate(prepositions):
        if number and (position < num_things or position == 0):
            names = [word.text for word in words.values() if word.preposition == number]
            if not names:
                raise FictionError("no preposition of this number")
            pattern.append("/".join(names))
        if position < num_things:
            pattern.append(THINGS if searches[position] & _MANY else THING)
    return tuple(pattern)
