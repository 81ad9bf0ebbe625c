"""Tables of the things and people of an adventure, and the adjectives that fit them.

The kinds of a thing decide which verbs can be used with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Gender = Literal["it", "him", "her", "them"]

# The groups are in the order of English adjectives before a noun: "small dusty old red wooden".
ADJECTIVES: Mapping[str, str] = {
    "size": "small large tiny heavy",
    "look": "dusty shiny strange broken",
    "taste": "fresh stale sweet",
    "paper": "torn faded",
    "beast": "hungry giant",
    "person": "young tall wise angry",
    "age": "old ancient",
    "colour": "red blue green black white",
    "cloth": "leather velvet",
    "wood": "wooden oak",
    "metal": "brass iron silver golden rusty",
}

# names | kinds | groups of adjectives
_THINGS = """
lamp lantern         | portable lightable switchable        | metal look age
torch candle         | portable lightable                   | size colour age
sword dagger axe     | portable weapon blade tool           | metal look age
knife                | portable weapon blade tool           | metal size
club hammer          | portable weapon tool                 | size look age
key                  | portable key                         | metal size
rope chain           | portable cord                        | size look age
book letter scroll map | portable readable                  | age paper colour
sign                 | readable fixed                       | size age colour
apple cake mushroom  | portable edible                      | taste size
bread                | portable edible mass                 | taste age
potion wine          | portable liquid mass                 | taste colour
hat cloak mask       | portable wearable                    | cloth colour age
crown                | portable wearable treasure           | metal look age
boots gloves         | portable wearable plural             | cloth colour age
coins gems           | portable treasure plural             | look size
statue vase mirror   | portable treasure breakable          | metal size
bottle               | portable breakable                   | size colour
door gate trapdoor   | openable lockable enterable fixed    | wood metal size
window               | openable breakable fixed             | size look
chest box            | openable lockable container fixed    | wood metal size
cupboard             | openable lockable container fixed    | wood size age
basket bag           | portable container                   | size cloth look
table shelf altar    | supporter fixed                      | wood size look
throne bed           | supporter seat fixed                 | wood size age
tree ladder wall     | climbable post fixed                 | size age
pillar hook          | post fixed                           | size look
lever button         | control fixed                        | metal colour
wheel                | control turnable fixed               | metal size
bell                 | control fixed                        | metal size
rug curtain          | movable fixed                        | size colour look
"""

_MEN = "wizard king knight monk thief"
_WOMEN = "queen witch princess maid"
_BEASTS = "dragon spider wolf troll"


@dataclass(frozen=True, slots=True, eq=False)
class Noun:
    """A noun, with its kinds and adjectives.

    Attributes:
        name: the word.
        kinds: the kinds of objects of verbs that it can be.
        adjectives: the adjectives that fit it.
        gender: its pronoun.
    """

    name: str
    kinds: frozenset[str]
    adjectives: tuple[str, ...]
    gender: Gender


def _adjectives(groups: str) -> tuple[str, ...]:
    return tuple(word for group in groups.split() for word in ADJECTIVES[group].split())


GROUP_OF: Mapping[str, int] = {word: rank for rank, words in enumerate(ADJECTIVES.values()) for word in words.split()}


def _read_table() -> dict[str, Noun]:
    nouns: dict[str, Noun] = {}
    for line in _THINGS.strip().splitlines():
        names, kinds, groups = (cell.strip() for cell in line.split("|"))
        gender: Gender = "them" if "plural" in kinds else "it"
        for name in names.split():
            nouns[name] = Noun(name, frozenset([*kinds.split(), "thing"]), _adjectives(groups), gender)
    people: tuple[tuple[str, Gender], ...] = ((_MEN, "him"), (_WOMEN, "her"))
    for names, person in people:
        for name in names.split():
            nouns[name] = Noun(name, frozenset({"person", "creature"}), _adjectives("person age"), person)
    for name in _BEASTS.split():
        nouns[name] = Noun(name, frozenset({"beast", "creature"}), _adjectives("beast colour"), "it")
    return nouns


NOUNS: Mapping[str, Noun] = _read_table()

BY_KIND: Mapping[str, tuple[Noun, ...]] = {
    kind: tuple(noun for noun in NOUNS.values() if kind in noun.kinds)
    for kind in sorted({kind for noun in NOUNS.values() for kind in noun.kinds})
}

DIRECTIONS: Mapping[str, str] = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "up": "u",
    "down": "d",
}
