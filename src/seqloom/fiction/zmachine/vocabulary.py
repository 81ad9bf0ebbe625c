"""The words of a story, and the things that a command may name at a moment of the game.

Which property of an object holds its names is up to the compiler, and so is which object is the player. Inform 6 gives names the
property 1; for other stories the property is taken whose values are words of the dictionary on most objects.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property

from seqloom.fiction.interpreter import SceneObject, Words, only_synonyms
from seqloom.fiction.zmachine.dictionary import Word, cut, encoded_length, num_letters, read_dictionary
from seqloom.fiction.zmachine.grammar import read_grammar
from seqloom.fiction.zmachine.objects import (
    StoryObject,
    ancestors,
    children,
    descendants,
    read_objects,
    with_current_links,
)
from seqloom.fiction.zmachine.story import Story

_INFORM_NAMES = 1
# The short names of the player's object: of Infocom's stories, and of Inform's libraries.
_PLAYERS = ("cretin", "you", "yourself", "(self object)", "your former self", "self", "me", "player", "adventurer")
_COMPASS = "compass"


class Vocabulary:
    """The words and things of a story; its tables are read when they are first needed.

    All members raise `FictionError` if a table leads out of the story.
    """

    def __init__(self, story: Story) -> None:
        """Names the story."""
        self._story = story

    @cached_property
    def dictionary(self) -> dict[int, Word]:
        """The words by the addresses of their entries."""
        return read_dictionary(self._story)

    @cached_property
    def texts(self) -> frozenset[str]:
        """The words as the dictionary holds them."""
        return frozenset(word.text for word in self.dictionary.values())

    @cached_property
    def words(self) -> Words:
        """The vocabulary, with words in full where the name of an object shows them in full."""
        things = [number for number in self._objects if number not in self._compass]
        nouns = [name for number in things for name in self._names(number)]
        if not self._story.compiler:
            nouns += [self._in_full(word.text) for word in self.dictionary.values() if word.is_noun]
            directions = [word.text for word in self.dictionary.values() if word.is_direction]
        else:
            directions = [name for number in self._compass for name in self._names(number)]
        return Words(
            read_grammar(self._story, self.dictionary),
            _unique(nouns),
            _unique(self._in_full(word.text) for word in self.dictionary.values() if word.adjective is not None),
            _unique(directions),
            num_letters(self._story),
            only_synonyms(self._names(number) for number in things),
        )

    def knows(self, word: str) -> bool:
        """Whether the dictionary holds a word, by the letters that the story reads."""
        return cut(word.lower(), self._story) in self.texts

    def objects_in_scope(self, memory: bytes, status: str = "") -> tuple[SceneObject, ...]:
        """The things around and on the player, as the tree of objects shows them.

        What is in a closed container is among them, since no table says which containers are closed.

        Args:
            memory: the memory of the story that changes, as it is now.
            status: the status line, which begins with the name of the room in most stories.
        """
        story = self._story.with_memory(memory)
        objects = with_current_links(self._objects, story)
        location = self._location(story, status)
        player = self._player(objects, location)
        held = descendants(objects, player) if player else []
        location = _current_room(objects, player, location, is_inform=bool(story.compiler))
        around = [item for item in descendants(objects, location) if item not in (player, *held)] if location else []
        scenery = self._scenery(objects, location) if location else []
        return tuple(
            SceneObject(objects[number].name or names[0], names, self._adjectives(number), number in held)
            for number in dict.fromkeys([*held, *around, *scenery])
            if (names := self._names(number))
        )

    @cached_property
    def _objects(self) -> dict[int, StoryObject]:
        return read_objects(self._story)

    @cached_property
    def _compass(self) -> list[int]:
        """The directions of an Inform story, which are objects."""
        compass = next((item.number for item in self._objects.values() if item.name.lower() == _COMPASS), 0)
        return children(self._objects, compass) if self._story.compiler else []

    @cached_property
    def _names_property(self) -> int:
        if self._story.compiler:
            return _INFORM_NAMES
        return self._most_common(lambda value: all(address in self.dictionary for address in _words(value)))

    @cached_property
    def _adjectives_by_number(self) -> dict[int, str]:
        return {word.adjective: word.text for word in self.dictionary.values() if word.adjective is not None}

    @cached_property
    def _adjectives_property(self) -> int:
        if self._story.compiler or not self._adjectives_by_number:
            return 0
        numbers = self._adjectives_by_number
        if self._story.version == 3:
            return self._most_common(lambda value: all(number in numbers for number in value))
        return self._most_common(
            lambda value: all(
                address in self.dictionary and self.dictionary[address].adjective is not None
                for address in _words(value)
            )
        )

    @cached_property
    def _scenery_property(self) -> int:
        """Infocom's property GLOBAL of rooms: objects that stand in several rooms, and so are in another object in the tree."""
        objects = self._objects
        if self._story.compiler:
            return 0

        def parents(value: bytes) -> set[int]:
            return {objects[number].parent if number in objects else 0 for number in self._numbers(value)}

        return self._most_common(lambda value: len(parents(value)) == 1 and 0 not in parents(value), named=False)

    def _most_common(self, fits: Callable[[bytes], bool], *, named: bool = True) -> int:
        """The property whose values fit on most objects, and on nearly all that have it; 0 if there is none.

        Args:
            named: whether the values are words or adjectives of things; else they are objects.
        """
        taken = {self._names_property, self._adjectives_property} if not named else set()
        fitting: Counter[int] = Counter()
        having: Counter[int] = Counter()
        for item in self._objects.values():
            for number, value in item.properties.items():
                having[number] += 1
                fitting[number] += fits(value)
        likely = [number for number, count in fitting.items() if count > 0.9 * having[number] and number not in taken]
        return max(likely, key=lambda number: fitting[number], default=0)

    def _numbers(self, value: bytes) -> list[int]:
        return list(value) if self._story.version == 3 else _words(value)

    def _names(self, number: int) -> tuple[str, ...]:
        value = self._objects[number].properties.get(self._names_property, b"")
        words = [self.dictionary[address].text for address in _words(value) if address in self.dictionary]
        return _unique(self._in_full(word, self._objects[number].name) for word in words)

    def _adjectives(self, number: int) -> tuple[str, ...]:
        value = self._objects[number].properties.get(self._adjectives_property, b"")
        if self._story.version == 3:
            words = [self._adjectives_by_number[item] for item in value if item in self._adjectives_by_number]
        else:
            words = [self.dictionary[address].text for address in _words(value) if address in self.dictionary]
        return _unique(self._in_full(word, self._objects[number].name) for word in words)

    @cached_property
    def _long_words(self) -> dict[str, str]:
        """Words of the names of objects that are longer than the story reads, by the letters that it reads."""
        longer: dict[str, str] = {}
        for item in self._objects.values():
            for word in _words_of_name(item.name):
                longer.setdefault(cut(word, self._story), word)
        return longer

    def _in_full(self, word: str, name: str = "") -> str:
        """A word of the dictionary in full, if the name of its object or of another one shows it."""
        if encoded_length(word) < num_letters(self._story):
            return word
        own = (other for other in _words_of_name(name) if cut(other, self._story) == word)
        return next(own, None) or self._long_words.get(word, word)

    def _location(self, story: Story, status: str) -> int:
        """The room: the first variable of version 3 (section 8.2.2.1) and of Inform's stories, else what the status line names."""
        if story.version == 3 or story.compiler:
            return story.word(story.word(0x0C))
        shown = status.strip()
        rooms = [item for item in self._objects.values() if item.name and shown.startswith(item.name)]
        return max(rooms, key=lambda item: len(item.name)).number if rooms else 0

    def _player(self, objects: dict[int, StoryObject], location: int) -> int:
        candidates = [item for item in objects.values() if item.name.lower() in _PLAYERS and item.parent]
        near = [item for item in candidates if location in ancestors(objects, item.number)]
        best = min(near or candidates, key=lambda item: _PLAYERS.index(item.name.lower()), default=None)
        return best.number if best is not None else 0

    def _scenery(self, objects: dict[int, StoryObject], location: int) -> list[int]:
        """What the room shares with others, and what is everywhere: what stands beside the object that holds the shared things."""
        if not self._scenery_property:
            return []
        shared = self._numbers(objects[location].properties.get(self._scenery_property, b""))
        holders = {
            objects[number].parent
            for item in objects.values()
            for number in self._numbers(item.properties.get(self._scenery_property, b""))
            if number in objects
        }
        around = {objects[holder].parent for holder in holders if holder in objects}
        everywhere = [child for parent in sorted(around) for child in children(objects, parent) if child not in holders]
        return [number for number in (*shared, *everywhere) if number in objects]


def _current_room(objects: dict[int, StoryObject], player: int, location: int, *, is_inform: bool) -> int:
    """The room of the player: the story's own variable, unless the player is elsewhere, as in the dark."""
    around = ancestors(objects, player) if player else []
    if location in around or not around:
        return location if location in objects else 0
    # In Infocom's stories, all rooms stand in one object.
    return around[-1] if is_inform or len(around) == 1 else around[-2]


def _words_of_name(name: str) -> list[str]:
    """The words of the name of an object; of `jewel-encrusted` also its parts, which come first."""
    words = name.lower().split()
    return [part for word in words for part in word.split("-") if "-" in word and part] + words


def _words(value: bytes) -> list[int]:
    return [value[at] << 8 | value[at + 1] for at in range(0, len(value) - 1, 2)] if len(value) % 2 == 0 else [0]


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
