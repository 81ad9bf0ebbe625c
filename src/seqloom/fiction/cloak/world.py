"""The rooms and things of Cloak of Darkness, and the state of a game."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

FOYER, CLOAKROOM, BAR = "foyer", "cloakroom", "bar"
WORN, CARRIED, HOOK = "worn", "carried", "hook"
"""Where the cloak is, if it does not lie in a room."""

OPPOSITE = {"north": "south", "south": "north", "west": "east", "east": "west"}


@dataclass(frozen=True)
class Location:
    """A room: its title, its description, and where each direction leads."""

    title: str
    description: str
    exits: dict[str, str]


ROOMS = {
    FOYER: Location(
        "Foyer of the Opera House",
        "You stand in a wide hall, lavishly decorated in red and gold, under glittering chandeliers. The street lies north, behind "
        "the entrance, and there are doorways to the south and west.",
        {"south": BAR, "west": CLOAKROOM},
    ),
    CLOAKROOM: Location(
        "Cloakroom",
        "Rows of hooks once lined the walls of this small room, but only one of them is left, a small one of brass. A door in the "
        "east wall leads out.",
        {"east": FOYER, "out": FOYER},
    ),
    BAR: Location(
        "Foyer Bar",
        "After the splendour of the foyer to the north, the bar is surprisingly rough, and it is completely empty. The floor is "
        "covered with sawdust, and some sort of message is scrawled in it.",
        {"north": FOYER, "out": FOYER},
    ),
}

DARK_TITLE = "Darkness"
DARK_DESCRIPTION = "It is pitch dark, and you can't see a thing."


@dataclass(frozen=True)
class Thing:
    """Something that commands may name.

    Attributes:
        key: its name in the code.
        name: how the game shows it, with no article.
        nouns: words that name it.
        adjectives: words that may stand before a noun, or alone where only one thing fits.
        rooms: where it is; the cloak's place is part of the state.
        description: what the player sees on examining it.
        direction: where a door or a way leads, for `enter`.
        dark: whether it can be named without light.
    """

    key: str
    name: str
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...] = ()
    rooms: tuple[str, ...] = (FOYER, CLOAKROOM, BAR)
    description: str = ""
    direction: str = ""
    dark: bool = False


def _thing(key: str, name: str, words: str, description: str, *, rooms: str = "", way: str = "") -> Thing:
    """A thing of the table below; `words` are its nouns and, after a bar, its adjectives."""
    nouns, _, adjectives = words.partition("|")
    here = tuple(rooms.split()) or (FOYER, CLOAKROOM, BAR)
    return Thing(key, name, tuple(nouns.split()), tuple(adjectives.split()), here, description, way)


THINGS = {
    thing.key: thing
    for thing in (
        replace(
            _thing(
                "cloak",
                "velvet cloak",
                "cloak cape coat garment velvet satin mantle | velvet black dark handsome wet damp my opera",
                "A handsome cloak of black velvet, trimmed with satin and spotted with rain. Its black is so deep that it seems to "
                "draw the light out of the room.",
            ),
            dark=True,
        ),
        replace(
            _thing(
                "self",
                "yourself",
                "me myself self yourself body clothes hair | my own",
                "You are dressed for an evening at the opera, and a little wet from the rain.",
            ),
            dark=True,
        ),
        _thing(
            "hook",
            "small brass hook",
            "hook peg hanger | small brass little last remaining",
            "",
            rooms=CLOAKROOM,
        ),
        _thing(
            "message",
            "scrawled message",
            "message writing words letters scrawl note text sawdust dust floor ground | scrawled strange dusty",
            "",
            rooms=BAR,
        ),
        _thing(
            "chandeliers",
            "chandeliers",
            "chandeliers chandelier lights light lamps lamp crystals crystal | glittering crystal",
            "Hundreds of pieces of cut glass throw small rainbows over the hall.",
            rooms=FOYER,
        ),
        _thing(
            "decoration",
            "red and gold decoration",
            "decoration decorations gold red ornament ornaments hall foyer | red gold golden splendid spacious",
            "Everything that is not red is gold, and everything that is not gold is red.",
            rooms=FOYER,
        ),
        _thing(
            "entrance",
            "entrance",
            "entrance street exit | north northern main front",
            "Through the glass of the entrance you see the wet street, and rain that has only got heavier.",
            rooms=FOYER,
            way="north",
        ),
        _thing("rain", "rain", "rain weather storm | heavy", "It pours down on the street outside.", rooms=FOYER),
        _thing(
            "bar door",
            "south doorway",
            "doorway door arch bar | south southern",
            "A plain doorway. The bar behind it lies south of here.",
            rooms=FOYER,
            way="south",
        ),
        _thing(
            "cloakroom door",
            "west doorway",
            "doorway door arch cloakroom | west western",
            "A narrow doorway with the word CLOAKROOM above it.",
            rooms=FOYER,
            way="west",
        ),
        _thing(
            "foyer door",
            "east door",
            "door doorway exit foyer hall | east eastern",
            "The door leads back to the foyer, in the east.",
            rooms=CLOAKROOM,
            way="east",
        ),
        _thing(
            "bar exit",
            "north doorway",
            "doorway door exit foyer hall | north northern",
            "The light of the foyer falls in from the north.",
            rooms=BAR,
            way="north",
        ),
        _thing(
            "holes",
            "screw holes",
            "holes hole screws screw hooks row rows | screw missing other",
            "Pairs of holes in the plaster show where the other hooks were.",
            rooms=CLOAKROOM,
        ),
        _thing(
            "counter",
            "bar counter",
            "counter bar table wood | bar rough wooden bare",
            "A counter of bare boards, without a bottle or a glass on it.",
            rooms=BAR,
        ),
        _thing("carpet", "carpet", "carpet rug floor ground | red thick", "It is red, and thick.", rooms=FOYER),
        _thing("floor", "floor", "floor ground boards tiles | stone", "Clean, and bare.", rooms=CLOAKROOM),
        _thing("walls", "walls", "walls wall plaster", "They are as plain as walls can be."),
        _thing("ceiling", "ceiling", "ceiling roof", "It is where ceilings usually are."),
    )
}


@dataclass
class State:
    """Everything that changes in a game.

    Attributes:
        location: where the player is.
        cloak: `WORN`, `CARRIED`, `HOOK`, or the room in which it lies.
        disturbed: how much the message was disturbed in the dark.
        hung: whether the point for hanging up the cloak was given.
        ending: `won`, `lost` or `quit` after the end.
        question: `quit` or `restart` while the game awaits yes or no.
        candidates: while the game asks "Which do you mean?", the keys of the things.
        incomplete: the words before and after the part of the command that the game asked for.
        last: the key of the thing that "it" names.
        command: the last line, for "again".
    """

    location: str = FOYER
    cloak: str = WORN
    disturbed: int = 0
    points: int = 0
    turns: int = 0
    hung: bool = False
    ending: str = ""
    question: str = ""
    candidates: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    last: str = ""
    command: str = ""

    @property
    def has_cloak(self) -> bool:
        """Whether the player carries or wears the cloak."""
        return self.cloak in (WORN, CARRIED)

    @property
    def is_dark(self) -> bool:
        """Whether there is no light: the cloak swallows that of the bar."""
        return self.location == BAR and (self.has_cloak or self.cloak == BAR)

    def in_scope(self) -> Iterator[Thing]:
        """The things that commands may name."""
        for thing in THINGS.values():
            if self.is_dark and not thing.dark:
                continue
            if thing.key == "cloak":
                if self.has_cloak or self.cloak == self.location or (self.cloak == HOOK and self.location == CLOAKROOM):
                    yield thing
            elif self.location in thing.rooms:
                yield thing
