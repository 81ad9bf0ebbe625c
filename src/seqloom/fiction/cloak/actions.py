"""What the commands of Cloak of Darkness do: each function changes the state and returns the answer of the game."""

from seqloom.fiction.cloak.parser import Command
from seqloom.fiction.cloak.world import (
    BAR,
    CARRIED,
    CLOAKROOM,
    DARK_DESCRIPTION,
    DARK_TITLE,
    FOYER,
    HOOK,
    ROOMS,
    WORN,
    State,
    Thing,
)

# Answers to actions that never change anything.
_FIXED = {
    "taste": "It would not taste good.",
    "eat": "That is neither food nor drink.",
    "smell": "You smell rain, and a trace of perfume.",
    "listen": "Apart from the rain outside, it is quiet.",
    "open": "That is not something to open, close or lock.",
    "push": "It does not move.",
    "attack": "An opera house is no place for violence.",
    "clean": "You leave that to the staff.",
    "sit": "There is nothing here to sit on comfortably.",
    "climb": "You would ruin your evening clothes.",
    "knock": "Nobody answers.",
    "jump": "You jump on the spot, and feel silly.",
    "sing": "You leave the singing to the people on the stage.",
    "dance": "You take a few steps. Nobody applauds.",
    "sleep": "You are not tired.",
    "think": "The cloak is the only thing that you have. And it is very black.",
    "shout": "Your voice echoes. Nobody answers.",
    "stand": "You are standing already.",
    "yes": "That was no question, but it is kind of you to say so.",
    "search": "You find nothing.",
    "help": (
        "Type short commands, such as LOOK, EXAMINE CLOAK, GO WEST (or just W), TAKE, DROP, INVENTORY (I). The game is won by "
        "finding out what the message says. QUIT ends the game."
    ),
    "about": (
        "Cloak of Darkness. Roger Firth specified this game in 1999 as an example for authoring systems. This version is a part of "
        "seqloom, with texts of its own."
    ),
}
# What does not disturb the message, though it is dark.
_HARMLESS = {"look", "inventory", "wait", "listen", "smell", "think", "stand"}
_NO_EXIT = "You can't go that way."


def carry_out(command: Command, state: State) -> str:
    """Carries out a command that takes a turn."""
    if state.is_dark and command.action not in _HARMLESS and not _goes_north(command, state):
        state.disturbed += 2 if command.action in ("go", "enter", "leave", "out") else 1
        if command.action == "go":
            return "You stumble around in the dark, and your feet slide through something loose on the floor."
        return "In the dark? You could easily disturb something."
    things = command.things
    if things:
        state.last = things[0].key
    match command.action:
        case "go" | "out":
            return go(command.direction or "out", state)
        case "enter":
            return enter(things[0], state)
        case "leave":
            return go("out", state)
        case "look":
            return describe_room(state)
        case "inventory":
            return inventory(state)
        case "wait":
            return "You stand still for a while."
        case "examine":
            return examine(things[0], state)
        case "read":
            return examine(things[0], state) if things[0].key == "message" else "There is nothing to read on it."
        case "take" | "drop":
            act = take if command.action == "take" else drop
            return "\n".join(act(thing, state) for thing in dict.fromkeys(things))
        case "take off":
            return take_off(things[0], state)
        case "wear":
            return wear(things[0], state)
        case "hang up":
            return hang(things[0], None, state)
        case "hang":
            return hang(things[0], things[1], state)
        case "touch" | "shake" if things[0].key == "cloak":
            return "The velvet is soft, and wet from the rain."
        case "touch" | "shake":
            return f"You feel nothing unusual about {_the(things[0])}."
        case "clean" if things[0].key == "message":
            return "You would never find out what it says."
        case _:
            return _FIXED[command.action]


def describe_room(state: State) -> str:
    """The title and description of the room, with what lies in it."""
    if state.is_dark:
        return f"{DARK_TITLE}\n{DARK_DESCRIPTION}"
    location = ROOMS[state.location]
    text = f"{location.title}\n{location.description}"
    if state.cloak == HOOK and state.location == CLOAKROOM:
        text += "\n\nYour velvet cloak hangs on the hook."
    elif state.cloak == state.location:
        text += "\n\nYour velvet cloak lies on the floor."
    return text


def go(direction: str, state: State) -> str:
    """Moves the player."""
    if state.location == FOYER and direction in ("north", "out"):
        return "You have only just arrived, and outside the rain gets heavier."
    if state.location == FOYER and direction == "in":
        return "The doorways lead south and west."
    target = ROOMS[state.location].exits.get(direction)
    if target is None:
        exits = [way for way in ROOMS[state.location].exits if way != "out"]
        return (
            f"{_NO_EXIT} The only exit is {exits[0]}."
            if len(exits) == 1
            else f"{_NO_EXIT} Doorways lead south and west."
        )
    state.location = target
    return describe_room(state)


def enter(thing: Thing, state: State) -> str:
    """Goes through a door."""
    return go(thing.direction, state) if thing.direction else f"You can't go into {_the(thing)}."


def inventory(state: State) -> str:
    """What the player has."""
    if not state.has_cloak:
        return "You carry nothing."
    return f"You carry:\n  a velvet cloak{' (which you wear)' if state.cloak == WORN else ''}"


def examine(thing: Thing, state: State) -> str:
    """Describes a thing; reading the message ends the game."""
    if thing.key == "hook":
        on_it = "with your cloak on it" if state.cloak == HOOK else "screwed to the wall"
        return f"It is a small hook of brass, {on_it}."
    if thing.key != "message":
        return thing.description
    if state.disturbed < 2:
        state.points += 1
        state.ending = "won"
        return "The message, neatly drawn in the sawdust, reads:\n\n  *** You have won ***"
    state.ending = "lost"
    return "The message was trampled on, and you can only guess the words:\n\n  *** You have lost ***"


def take(thing: Thing, state: State) -> str:
    """Takes the cloak; everything else stays where it is."""
    if thing.key == "self":
        return "You are quite collected already."
    if thing.key == "hook":
        return "It is screwed to the wall."
    if thing.key != "cloak":
        return f"You can't take {_the(thing)} with you."
    if state.has_cloak:
        return "You wear it already." if state.cloak == WORN else "You have it already."
    state.cloak = CARRIED
    return "You take the velvet cloak."


def take_off(thing: Thing, state: State) -> str:
    """Takes off the cloak; what is not worn is taken."""
    if thing.key != "cloak":
        return f"You don't wear {_the(thing)}."
    if state.cloak != WORN:
        return take(thing, state) if not state.has_cloak else "You don't wear it."
    state.cloak = CARRIED
    return "You take off the velvet cloak."


def wear(thing: Thing, state: State) -> str:
    """Puts on the cloak."""
    if thing.key != "cloak":
        return f"You can't wear {_the(thing)}."
    if state.cloak == WORN:
        return "You wear it already."
    first = "" if state.cloak == CARRIED else "You take the velvet cloak. "
    state.cloak = WORN
    return f"{first}You put on the velvet cloak."


def drop(thing: Thing, state: State) -> str:
    """Drops the cloak, which is possible only in the cloakroom."""
    if thing.key != "cloak" or not state.has_cloak:
        return f"You don't have {_the(thing)}."
    if state.location != CLOAKROOM:
        return "This is not the best spot to leave a smart cloak lying around."
    state.cloak = CLOAKROOM
    return "You drop the velvet cloak on the floor."


def hang(thing: Thing, support: Thing | None, state: State) -> str:
    """Hangs the cloak on the hook; the first time earns a point."""
    if thing.key != "cloak":
        return f"You don't have {_the(thing)}."
    if support is not None and support.key in ("floor", "carpet", "message"):
        return drop(thing, state)
    if support is None and state.location != CLOAKROOM:
        return "There is nothing here to hang it on."
    if support is not None and support.key != "hook":
        return f"You can't put the velvet cloak on {_the(support)}."
    if state.cloak == HOOK:
        return "It hangs there already."
    first = "" if state.has_cloak else "You take the velvet cloak. "
    state.cloak = HOOK
    if not state.hung:
        state.hung = True
        state.points += 1
    return f"{first}You hang the velvet cloak on the small brass hook."


def _goes_north(command: Command, state: State) -> bool:
    return command.direction in ("north", "out") or (command.action in ("out", "leave") and state.location == BAR)


def _the(thing: Thing) -> str:
    return "yourself" if thing.key == "self" else f"the {thing.name}"
