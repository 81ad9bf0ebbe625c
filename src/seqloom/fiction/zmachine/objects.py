"""The objects of a story (section 12): their names, their tree and their properties."""

import dataclasses
from dataclasses import dataclass, field

from seqloom.errors import FictionError
from seqloom.fiction.zmachine.story import Story
from seqloom.fiction.zmachine.text import checked_name

_MAX_PROPERTIES = 64


@dataclass(frozen=True)
class StoryObject:
    """An object of a story.

    Attributes:
        name: its short name.
        parent, sibling, child: the numbers of other objects; 0: none.
        properties: the bytes of its properties, by number.
    """

    number: int
    name: str
    parent: int
    sibling: int
    child: int
    properties: dict[int, bytes] = field(repr=False, default_factory=dict)


def read_objects(story: Story) -> dict[int, StoryObject]:
    """All objects by number.

    No table gives their number. They end where the first of their property tables begins, as all compilers write them.

    Raises:
        FictionError: the table leads out of the story.
    """
    early = story.version == 3
    size, num_defaults, most = (9, 31, 255) if early else (14, 63, 65535)
    first = story.object_table + 2 * num_defaults
    objects: dict[int, StoryObject] = {}
    end = len(story.data)
    address = first
    while address + size <= end and len(objects) < most:
        if early:
            parent, sibling, child = (story.byte(address + 4 + n) for n in range(3))
        else:
            parent, sibling, child = (story.word(address + 6 + 2 * n) for n in range(3))
        table = story.word(address + size - 2)
        if not first < table < len(story.data):
            raise FictionError(
                f"{story.source}: the story is damaged: object {len(objects) + 1} has its properties at {table:#x}, outside of it"
            )
        end = min(end, table)
        number = len(objects) + 1
        name = checked_name(story, table + 1, story.byte(table))
        objects[number] = StoryObject(number, name, parent, sibling, child, _properties(story, table))
        address += size
    return objects


def with_current_links(objects: dict[int, StoryObject], story: Story) -> dict[int, StoryObject]:
    """The objects with the tree that the memory of `story` holds now."""
    early = story.version == 3
    size, first = (9, story.object_table + 62) if early else (14, story.object_table + 126)
    current = {}
    for number, item in objects.items():
        address = first + size * (number - 1) + (4 if early else 6)
        parent, sibling, child = (story.byte(address + n) if early else story.word(address + 2 * n) for n in range(3))
        current[number] = dataclasses.replace(item, parent=parent, sibling=sibling, child=child)
    return current


def children(objects: dict[int, StoryObject], number: int) -> list[int]:
    """The numbers of the objects directly in an object; a damaged chain ends where it repeats itself."""
    numbers: list[int] = []
    child = objects[number].child if number in objects else 0
    while child in objects and child not in numbers:
        numbers.append(child)
        child = objects[child].sibling
    return numbers


def descendants(objects: dict[int, StoryObject], number: int) -> list[int]:
    """The numbers of all objects in an object, at any depth, those nearest first."""
    numbers = [number]
    for item in numbers:
        numbers += [child for child in children(objects, item) if child not in numbers]
    return numbers[1:]


def ancestors(objects: dict[int, StoryObject], number: int) -> list[int]:
    """The numbers of the objects around an object, the nearest first."""
    numbers: list[int] = []
    while number in objects and (number := objects[number].parent) in objects and number not in numbers:
        numbers.append(number)
    return numbers


def _properties(story: Story, table: int) -> dict[int, bytes]:
    address = table + 1 + 2 * story.byte(table)
    properties: dict[int, bytes] = {}
    while len(properties) < _MAX_PROPERTIES and (size := story.byte(address)):
        if story.version == 3:
            number, length, address = size & 31, (size >> 5) + 1, address + 1
        elif size & 0x80:
            number, length, address = size & 63, story.byte(address + 1) & 63 or 64, address + 2
        else:
            number, length, address = size & 63, 2 if size & 0x40 else 1, address + 1
        story.byte(address + length - 1)
        properties[number] = story.data[address : address + length]
        address += length
    return properties
