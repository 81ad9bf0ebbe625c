"""Canonical commands in the words of games."""

import pytest

from seqloom.fiction.games import find_game
from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.forms import COMMANDS, render, render_all
from seqloom.fiction.parsing.linking import Name

CLOAK = find_game("cloak").open().words()
NAMES = (Name("cloak"), Name("hook"))


@pytest.mark.parametrize(
    ("command", "rendered"),
    [
        ("take @1", "take cloak"),
        ("put @1 on @2", "put cloak on hook"),
        ("put @2 on @1", "put hook on cloak"),
        ("turn on @1", None),
        ("take @3", None),
        ("inventory", "inventory"),
        ("north", "north"),
        ("take @1 from @2", "take cloak"),
        ("take off @1", "take off cloak"),
    ],
)
def test_a_command_is_said_as_the_game_says_it(command: str, rendered: str | None) -> None:
    assert render(command, NAMES, CLOAK) == rendered


def test_one_command_that_the_game_does_not_have_spoils_all() -> None:
    assert render_all(["take @1", "north"], NAMES, CLOAK) == ("take cloak", "north")
    assert render_all(["take @1", "turn on @2"], NAMES, CLOAK) is None


def test_what_is_rendered_is_understood_by_the_game() -> None:
    game = find_game("cloak").open()
    game.reset()
    game.step("west")
    start = game.snapshot()
    rendered = {text for command in COMMANDS if (text := render(_filled(command), NAMES, CLOAK))}
    assert len(rendered) > 30
    for text in rendered:
        assert game.step(text).error is None, text
        game.restore(start)


def test_a_game_without_a_grammar_is_asked_by_trying() -> None:
    assert render("put @1 in @2", NAMES, Words((), ("cloak",))) == "put cloak in hook"


def _filled(command: str) -> str:
    return " ".join({"A": "@1", "B": "@2"}.get(part, part) for part in command.split())
