"""Cloak of Darkness, played through from beginning to end, and its parser."""

import json

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.cloak import Cloak
from seqloom.fiction.interpreter import THING, THINGS, Awaiting, Interpreter, ParserError, Score, Turn, attempt

WALKTHROUGH = ["west", "hang cloak on hook", "east", "south", "read message"]


def play(*lines: str) -> tuple[Cloak, list[Turn]]:
    """A game after some lines, and its turns."""
    game = Cloak()
    game.reset()
    return game, [game.step(line) for line in lines]


def test_it_is_won_with_two_points_by_hanging_up_the_cloak() -> None:
    game, turns = play(*WALKTHROUGH)
    assert [turn.error for turn in turns] == [None] * 5
    assert turns[3].text.startswith("Foyer Bar\n")
    assert "*** You have won ***" in turns[-1].text
    assert game.score() == Score(2, 2, 5)
    assert game.awaiting is Awaiting.NOTHING
    with pytest.raises(FictionError, match="has ended"):
        game.step("look")


def test_it_is_won_with_one_point_if_the_cloak_lies_on_the_floor() -> None:
    game, turns = play("w", "take off cloak", "drop it", "e", "s", "x message")
    assert "You have won" in turns[-1].text
    assert game.score() == Score(1, 2, 6)


@pytest.mark.parametrize("blunders", [["east"], ["take me", "jump"], ["sing", "dance", "west"]])
def test_it_is_lost_by_disturbing_the_message_in_the_dark(blunders: list[str]) -> None:
    game, turns = play("s", *blunders, "n", *WALKTHROUGH)
    assert turns[0].text.startswith("Darkness\n")
    assert "You have lost" in turns[-1].text
    assert game.score() == Score(1, 2, 7 + len(blunders))


def test_one_careless_act_and_harmless_ones_do_not_disturb_the_message() -> None:
    _, turns = play("s", "wait", "look", "inventory", "frobnicate", "take message", "jump", "n", *WALKTHROUGH)
    assert "You have won" in turns[-1].text


def test_the_cloak_can_be_left_only_in_the_cloakroom_and_darkens_the_bar_again() -> None:
    game, turns = play("drop cloak", "hang up cloak", "w", "hang cloak", "take cloak", "wear it", "e", "s")
    assert turns[0].text == "This is not the best spot to leave a smart cloak lying around."
    assert turns[1].text == "There is nothing here to hang it on."
    assert turns[-1].text.startswith("Darkness")
    assert game.score() == Score(1, 2, 8)


@pytest.mark.parametrize(
    ("line", "error", "word"),
    [
        ("frobnicate cloak", ParserError.UNKNOWN_VERB, "frobnicate"),
        ("take frob", ParserError.UNKNOWN_NOUN, "frob"),
        ("hang cloak on frob", ParserError.UNKNOWN_NOUN, "frob"),
        ("examine hook", ParserError.NOT_IN_SCOPE, "hook"),
        ("take it", ParserError.NOT_IN_SCOPE, "it"),
        ("cloak", ParserError.SYNTAX, "cloak"),
        ("sing cloak", ParserError.SYNTAX, "sing"),
        ("take velvet chandelier", ParserError.SYNTAX, "velvet chandelier"),
        ("", ParserError.SYNTAX, ""),
    ],
)
def test_parser_errors_say_why_and_change_nothing(line: str, error: ParserError, word: str) -> None:
    game, _ = play()
    before = game.snapshot()
    turn = game.step(line)
    assert (turn.error, turn.word) == (error, word)
    assert turn.text
    assert game.snapshot() == before


@pytest.mark.parametrize("line", ["take chandelier", "north", "up", "eat cloak", "wear cloak", "attack me", "x rain"])
def test_outcomes_are_no_parser_errors(line: str) -> None:
    _, [turn] = play(line)
    assert turn.error is None


@pytest.mark.parametrize(
    "line",
    ["go west", "walk to the west", "enter cloakroom", "go through west doorway", "w.", "run west", "go to cloakroom"],
)
def test_there_are_many_ways_west(line: str) -> None:
    _, [turn] = play(line)
    assert turn.text.startswith("Cloakroom\n")


@pytest.mark.parametrize(
    "line",
    [
        "put the velvet cloak on the small brass hook",
        "hang it up",
        "hang up cloak on hook",
        "place cloak onto peg",
        "x hook, hang cloak on it",
    ],
)
def test_there_are_many_ways_to_hang_up_the_cloak(line: str) -> None:
    game, _ = play("w", "x cloak", line)
    assert game.score() == Score(1, 2, 4 if "," in line else 3)


def test_commands_can_be_joined() -> None:
    game, turns = play("west, then take off the cloak and hang it on the hook. e; s and read message")
    assert "You have won" in turns[0].text
    assert game.score() == Score(2, 2, 6)


def test_a_line_ends_at_its_first_error() -> None:
    game, [turn] = play("west. frob. east")
    assert turn.error is ParserError.UNKNOWN_VERB
    assert turn.text.startswith("Cloakroom")
    assert game.score() == Score(0, 2, 1)


@pytest.mark.parametrize("answer", ["west", "the west doorway", "western", "w"])
def test_an_ambiguous_noun_is_asked_about(answer: str) -> None:
    _, [question, turn] = play("enter doorway", answer)
    assert question == Turn("Which do you mean, the south doorway or the west doorway?", Awaiting.CLARIFICATION)
    assert turn.text.startswith("Cloakroom")


def test_a_missing_noun_is_asked_for_and_a_new_command_is_accepted_instead() -> None:
    _, [question, turn, _, other] = play("examine", "the cloak", "take", "west")
    assert question == Turn("What do you want to examine?", Awaiting.CLARIFICATION)
    assert turn.text.startswith("A handsome cloak")
    assert other.text.startswith("Cloakroom")


def test_quitting_and_restarting_ask_first() -> None:
    game, turns = play("w", "quit", "perhaps", "no", "restart", "yes", "quit", "y")
    assert [turn.awaiting for turn in turns[1:4]] == [Awaiting.YES_OR_NO, Awaiting.YES_OR_NO, Awaiting.COMMAND]
    assert "opera house" in turns[5].text
    assert game.awaiting is Awaiting.NOTHING


def test_again_repeats() -> None:
    _, turns = play("x cloak", "g")
    assert turns[0].text == turns[1].text


def test_snapshots_return_to_any_state_and_trials_leave_none() -> None:
    game, _ = play("w", "hang cloak on hook")
    before = game.snapshot()
    trial = attempt(game, "take cloak")
    assert trial.turn.text == "You take the velvet cloak."
    assert game.snapshot() == before
    other: Interpreter = Cloak()
    other.restore(trial.after)
    assert other.step("inventory").text == "You carry:\n  a velvet cloak"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        {"location": "attic"},
        {"location": []},
        {"cloak": "bar"},
        {"turns": -1},
        {"turns": True},
        {"points": 3},
        {"candidates": ["x"]},
        {"incomplete": ["x"]},
        {"incomplete": 3},
        {"command": 1},
    ],
)
def test_a_damaged_snapshot_is_an_error(damage: bytes | dict[str, object]) -> None:
    game, _ = play()
    snapshot = damage if isinstance(damage, bytes) else json.dumps({**json.loads(game.snapshot()), **damage}).encode()
    with pytest.raises(FictionError, match="snapshot is damaged"):
        game.restore(snapshot)


def test_every_thing_can_be_named_and_examined_where_it_is() -> None:
    game, _ = play()
    for lines in ([], ["w", "hang cloak"], ["e", "s"]):
        for line in lines:
            game.step(line)
        for thing in game.objects_in_scope():
            if "message" in thing.nouns:
                continue
            turn = attempt(game, f"x {thing.name.removeprefix('red and ')}").turn
            assert (turn.error, turn.awaiting) == (None, Awaiting.COMMAND), thing.name
            assert turn.text.strip(), thing.name


def test_the_grammar_is_what_the_parser_reads() -> None:
    game, _ = play("w")
    words = game.words()
    assert {"take", "hang", "look"} <= set(words.verbs)
    assert {"on", "off", "with"} - set(words.prepositions) == {"with"}
    for line in words.grammar:
        slots = {THING: "cloak", THINGS: "cloak", "<direction>": "east", "<text>": "hello"}
        command = " ".join([line.verbs[0], *(slots.get(element, element.split("/")[0]) for element in line.pattern)])
        assert attempt(game, command).turn.error is None, command
