"""Stories as interpreters: turns, snapshots, random numbers, limits."""

import importlib.metadata
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.games import story_game
from seqloom.fiction.interpreter import Awaiting, ParserError, Score, Turn, attempt
from seqloom.fiction.playthrough import Playthrough
from seqloom.fiction.session import Session
from seqloom.fiction.zmachine.game import ZMachine
from seqloom.fiction.zmachine.story import Story
from tests.unit.fiction.zmachine.tiny_story import tiny_story

OpenGame = Callable[..., ZMachine]
Compile = Callable[..., tuple[Story, str]]


def test_a_story_is_played(tiny: Story, open_game: OpenGame) -> None:
    game = open_game(tiny)
    assert game.reset() == Turn("A tiny story.")
    assert game.step("take lamp") == Turn("Done.")
    assert game.step("frob") == Turn("That's not a verb I recognise.", error=ParserError.UNKNOWN_VERB, word="frob")
    assert game.score() == Score(0, None, 1)
    assert game.step("quit") == Turn("Bye.", Awaiting.NOTHING)
    with pytest.raises(FictionError, match="has ended"):
        game.step("take lamp")


def test_characters_that_the_story_cannot_read_are_a_parser_error(tiny: Story, open_game: OpenGame) -> None:
    game = open_game(tiny)
    turn = Turn("The game cannot read 中ł.", error=ParserError.SYNTAX, word="中ł")
    assert game.step("take 中中ł") == turn
    assert game.step("take l\u00e4mp") == Turn("Done.")


def test_snapshots_return_to_any_state(tiny: Story, open_game: OpenGame) -> None:
    game = open_game(tiny)
    before = game.snapshot()
    trial = attempt(game, "quit")
    assert trial.turn.awaiting is Awaiting.NOTHING
    assert game.snapshot() == before
    game.restore(trial.after)
    assert game.awaiting is Awaiting.NOTHING
    game.restore(before)
    assert game.step("take").text == "Done."
    for damage in (b"", b"\xff", before[:-5], before[:1] + b"nonsense"):
        with pytest.raises(FictionError):
            game.restore(damage)
    assert game.score() == Score(0, None, 1)
    assert game.step("take").text == "Done."


def test_a_story_that_hangs_is_stopped_and_the_game_goes_on(tiny: Story, open_game: OpenGame) -> None:
    game = open_game(tiny, 0.2)
    game.step("take lamp")
    with pytest.raises(
        FictionError, match=r"tiny\.z3: the story failed in this turn: it computed for too long; the game is as it was"
    ):
        game.step("hang")
    assert game.step("take lamp").text == "Done."
    assert game.score() == Score(0, None, 2)


def test_a_process_that_dies_or_falls_silent_is_started_again(
    tiny: Story, open_game: OpenGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(signal, "SIGSTOP"):
        pytest.skip("needs signals")
    monkeypatch.setattr("seqloom.fiction.zmachine.process._SILENT_SECONDS", 1.0)
    game = open_game(tiny)
    game.step("take lamp")
    for number in (signal.SIGKILL, signal.SIGSTOP):
        process = game._process._process
        assert process is not None
        os.kill(process.pid, number)
        with pytest.raises(FictionError, match="the interpreter had to be ended in this turn"):
            game.step("take lamp")
        monkeypatch.setattr("seqloom.fiction.zmachine.process._SILENT_SECONDS", 60.0)
        assert game.step("take lamp").text == "Done."
        monkeypatch.setattr("seqloom.fiction.zmachine.process._SILENT_SECONDS", 1.0)
    assert game.score() == Score(0, None, 3)


def test_a_saved_story_continues_exactly(tmp_path: Path) -> None:
    path = tmp_path / "tiny.z3"
    path.write_bytes(tiny_story())
    saves = tmp_path / "saves"
    for turns in ("", "1 turn", "2 turns"):
        session = Session(story_game(path), saves)
        assert turns in " ".join(session.opening().notes)
        session.take("take lamp")
        session.close()
    other = tmp_path / "other.z3"
    other.write_bytes(tiny_story() + b"\0\0")
    with pytest.raises(FictionError, match="was saved in another game or version"):
        Session(story_game(other), saves)


def test_a_missing_package_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tiny.z3"
    path.write_bytes(tiny_story())

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(FictionError, match=r"need the package fernz.*pip install 'seqloom\[fiction\]'"):
        story_game(path)


@pytest.mark.parametrize("version", [5, 8])
def test_an_inform_story_is_played_to_its_end(version: int, compile_inform: Compile, open_game: OpenGame) -> None:
    game = open_game(compile_inform(version)[0])
    assert "Kitchen\nA small kitchen." in game.reset(1).text
    assert game.step("take lantern") == Turn("Taken.")
    assert game.score() == Score(0, None, 1)
    assert game.step("frob").error is ParserError.UNKNOWN_VERB
    assert game.step("polish the lamp").error is None
    assert game.step("presskey") == Turn("Press a key:", Awaiting.KEY)
    assert game.step("x") == Turn("You pressed 120.")
    assert game.step("quit").awaiting is Awaiting.YES_OR_NO
    assert game.step("no").awaiting is Awaiting.COMMAND
    game.step("n")
    game.step("take key")
    assert game.step("open") == Turn("What do you want to open?", Awaiting.CLARIFICATION)
    end = game.step("xyzzy")
    assert "*** You have won ***" in end.text
    assert end.awaiting is Awaiting.YES_OR_NO
    assert game.score() == Score(10, None, 6)
    assert game.step("quit").awaiting is Awaiting.NOTHING


def test_random_numbers_follow_the_seed_and_the_snapshot(compile_inform: Compile, open_game: OpenGame) -> None:
    game = open_game(compile_inform(5)[0])
    first = Playthrough(game, seed=7)
    said = [first.play("xyzzy").text for _ in range(3)]
    assert len(set(said)) == 3
    first.undo()
    first.undo()
    assert [first.play("xyzzy").text for _ in range(2)] == said[1:]
    assert [Playthrough(game, seed=7).play("xyzzy").text, Playthrough(game, seed=8).play("xyzzy").text][0] == said[0]


def test_a_story_cannot_save_by_itself(compile_inform: Compile, open_game: OpenGame, tmp_path: Path) -> None:
    game = open_game(compile_inform(5)[0])
    assert game.step("save").text == "Save failed."
    assert game.step("restore").text == "Restore failed."
