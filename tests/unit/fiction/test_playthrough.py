"""The tree of turns: undo, redo, exact replay from sparse snapshots."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqloom.errors import FictionError
from seqloom.fiction import playthrough as module
from seqloom.fiction.cloak import Cloak
from seqloom.fiction.playthrough import Playthrough
from tests.unit.fiction.toy_game import Counter


def played(*lines: str) -> Playthrough:
    playthrough = Playthrough(Counter())
    for line in lines:
        playthrough.play(line)
    return playthrough


def test_undo_goes_back_to_the_opening_and_redo_forward() -> None:
    playthrough = played("add", "add", "add")
    assert [playthrough.undo() for _ in range(4)] == ["add", "add", "add", None]
    assert playthrough.turn.text == "Counter with seed 0"
    assert [playthrough.redo() for _ in range(4)] == [True, True, True, False]
    assert playthrough.turn.text == "The count is 3"
    assert list(playthrough.lines()) == ["add"] * 3


def test_undo_and_redo_pass_over_lines_that_the_game_did_not_understand() -> None:
    playthrough = played("add", "frob", "frob", "add", "frob")
    assert playthrough.num_turns() == 2
    assert playthrough.undo() == "add"
    assert playthrough.turn.text == "The count is 1"
    playthrough.play("frob")
    assert playthrough.redo()
    assert playthrough.turn.text == "The count is 2"


def test_no_turn_is_lost_by_undo() -> None:
    playthrough = played("add", "add")
    playthrough.undo()
    playthrough.play("key")
    assert [(node.parent, node.line) for node in playthrough.nodes[1:]] == [(0, "add"), (1, "add"), (1, "key")]
    playthrough.go_to(2)
    assert playthrough.turn.text == "The count is 2"


def test_a_retracted_turn_has_never_been() -> None:
    playthrough = played("add")
    before = playthrough.interpreter.snapshot()
    playthrough.play("add")
    playthrough.retract()
    assert len(playthrough.nodes) == 2
    assert playthrough.interpreter.snapshot() == before


def test_any_turn_is_reached_by_repeating_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_REPLAYED_SECONDS", float("inf"))
    playthrough = played(*["add"] * 1000)
    assert len(playthrough.snapshots) == 11
    game = playthrough.interpreter
    assert isinstance(game, Counter)
    for node in (0, 1, 99, 100, 101, 555, 1000):
        game.steps = 0
        playthrough.go_to(node)
        assert game.count == node
        assert game.steps < module.MAX_REPLAYED_TURNS


def test_slow_turns_are_followed_by_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_REPLAYED_SECONDS", 0.0)
    assert len(played("add", "add").snapshots) == 3


def test_a_game_that_answers_differently_is_noticed() -> None:
    playthrough = played("add", "add")
    with pytest.raises(FictionError, match=r"Counter: turn 1 \('add'\) has another answer than when it was played"):
        Playthrough.resumed(Counter("It is"), 0, playthrough.nodes, {}, 2)
    with pytest.raises(FictionError, match="the opening has another answer"):
        Playthrough.resumed(Counter(), 1, playthrough.nodes, {}, 2)


def test_an_interpreter_that_fails_adds_no_turn() -> None:
    playthrough = played("add")
    with pytest.raises(FictionError, match="failed"):
        playthrough.play("fail")
    assert len(playthrough.nodes) == 2


COMMANDS = [
    "w",
    "e",
    "s",
    "n",
    "hang cloak on hook",
    "take cloak",
    "read message",
    "frob",
    "enter door",
    "west",
    "quit",
]


@given(st.lists(st.one_of(st.sampled_from(COMMANDS), st.integers(0, 20)), max_size=30))
def test_every_turn_is_replayed_exactly(acts: Sequence[str | int]) -> None:
    """Numbers go to a turn of before; afterwards a second interpreter repeats every turn from the log alone."""
    playthrough = Playthrough(Cloak())
    states = {0: playthrough.interpreter.snapshot()}
    for act in acts:
        if isinstance(act, int):
            playthrough.go_to(act % len(playthrough.nodes))
        elif playthrough.turn.awaiting != "nothing":
            playthrough.play(act)
            states[playthrough.current] = playthrough.interpreter.snapshot()
    again = Playthrough.resumed(Cloak(), 0, playthrough.nodes, {}, playthrough.current)
    for node, state in states.items():
        again.go_to(node)
        assert again.interpreter.snapshot() == state
