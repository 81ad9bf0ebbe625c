"""Canonical commands, and how each is said in the grammar of a game.

A canonical command has markers for its things: `put @1 in @2`. A game may have another command for the
same action, or none: Adventure has no containers, and lights its lamp with LIGHT.
"""

import re
from collections.abc import Sequence

from seqloom.fiction.interpreter import DIRECTION, GrammarLine, Words
from seqloom.fiction.parsing.linking import Name
from seqloom.fiction.parsing.phrase_table import DIRECTION_OF, DIRECTIONS, PHRASES

SEPARATOR = " ; "
NO_COMMAND = "none"
"""The output for a text that is no command."""

# Other forms of the same action, tried in order after the canonical command itself.
_OTHERS = {
    "take A": "get A; carry A",
    "put A in B": "insert A in B; drop A",
    "put A on B": "hang A on B; drop A",
    "hang A": "hang up A",
    "open A with B": "unlock A with B; open A; unlock A",
    "open A": "unlock A",
    "close A": "shut A; lock A",
    "unlock A": "open A",
    "unlock A with B": "open A with B; unlock A; open A",
    "lock A": "close A",
    "read A": "examine A; look at A",
    "examine A": "look at A; read A",
    "look in A": "search A; examine A; open A",
    "look under A": "examine A",
    "look behind A": "examine A",
    "turn on A": "light A; switch on A; on A",
    "turn off A": "extinguish A; switch off A; off A",
    "light A with B": "burn A with B; light A",
    "burn A": "light A",
    "attack A": "kill A; hit A",
    "attack A with B": "kill A with B; attack A",
    "throw A at B": "throw A to B; throw A",
    "feed A": "give food to A",
    "pour A": "empty A",
    "pour A on B": "pour A in B; water B with A; pour A",
    "water A": "pour water on A; pour water",
    "press A": "push A; move A",
    "move A": "push A; pull A",
    "wave A": "swing A; shake A",
    "rub A": "touch A",
    "inflate A": "blow up A",
    "take off A": "remove A; take A off",
    "wear A": "put on A",
    "climb A": "climb up A; climb; up",
    "enter A": "go in A; go through A; climb in A; board A; in",
    "leave A": "exit A; get out of A; out",
    "cross A": "go across A; cross; across",
    "launch A": "launch",
    "listen to A": "listen",
    "smell A": "smell",
    "dig A": "dig in A; dig",
    "say A": "A",
    "calm A": "tame A",
    "break A": "smash A",
    "go to A": "A; enter A",
    "drink A": "drink",
}

# Commands whose second thing the game does not need.
_SHORTER = {"take A from B": "take A"}

COMMANDS = (*PHRASES, "go to A")
"""Canonical commands with things, and without."""


def render(command: str, names: Sequence[Name], words: Words) -> str | None:
    """A canonical command in the words of a game; None if the game has no command for it."""
    if command in DIRECTIONS:
        return _direction(command, words)
    slots = [int(number) - 1 for number in re.findall(r"@(\d)", command)]
    if any(slot >= len(names) for slot in slots):
        return None
    key = command
    for letter, slot in zip("AB", slots, strict=False):
        key = key.replace(f"@{slot + 1}", letter, 1)
    key = _SHORTER.get(key, key)
    things = dict(zip("AB", (names[slot] for slot in slots), strict=False))
    kinds = {name.kind for name in things.values()}
    if key == "say A" and kinds != {"word"}:
        return None
    if kinds - {"thing"} and key not in ("say A", "go to A", "enter A", "cross A", "climb A"):
        return None
    if kinds == {"place"} or (key == "say A" and kinds == {"word"}):
        return things["A"].text
    for form in (key, *_OTHERS.get(key, "").split("; ")):
        if form and form != "A" and _is_possible(form.split(), words):
            return " ".join(things[part].text if part in things else part for part in form.split())
    return None


def render_all(commands: Sequence[str], names: Sequence[Name], words: Words) -> tuple[str, ...] | None:
    """Canonical commands in the words of a game; None if one of them has none."""
    rendered = [render(command, names, words) for command in commands]
    return None if not rendered or None in rendered else tuple(command for command in rendered if command)


def _direction(name: str, words: Words) -> str | None:
    if (not words.directions and not words.grammar) or name in words.directions:
        return name
    return next((word for word, other in DIRECTION_OF.items() if other == name and word in words.directions), None)


def _is_possible(form: list[str], words: Words) -> bool:
    """Whether the grammar has a line for a form; a game without a grammar is asked by trying."""
    if not words.grammar:
        return True
    if len(form) == 1 and form[0] in words.directions:
        return True
    return any(_matches(form, line, words) for line in words.grammar)


def _matches(form: list[str], line: GrammarLine, words: Words) -> bool:
    length = words.num_letters
    if form[0][:length] not in {verb[:length] for verb in line.verbs} or len(form) != len(line.pattern) + 1:
        return False
    for part, element in zip(form[1:], line.pattern, strict=True):
        if part in ("A", "B"):
            if not element.startswith("<") or element == DIRECTION:
                return False
        elif element.startswith("<"):  # "give food to A" names a thing in its form.
            if part[:length] not in {noun[:length] for noun in words.nouns}:
                return False
        elif part[:length] not in {word[:length] for word in element.split("/")}:
            return False
    return True
