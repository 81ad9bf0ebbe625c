"""Saved games for and from other interpreters: Frotz, where it is installed, continues ours, and we continue its."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.games import Game
from seqloom.fiction.interpreter import Awaiting
from seqloom.fiction.playthrough import Playthrough
from seqloom.fiction.saved_games import SaveFile, load
from seqloom.fiction.session import Session
from seqloom.fiction.zmachine.game import ZMachine
from seqloom.fiction.zmachine.quetzal import check_saved_game
from seqloom.fiction.zmachine.story import Story

Compile = Callable[..., tuple[Story, str]]
OpenGame = Callable[..., ZMachine]


@pytest.fixture
def story(compile_inform: Compile) -> Story:
    return compile_inform(5)[0]


@pytest.fixture
def frotz() -> str:
    found = shutil.which("dfrotz", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/games")
    return found or pytest.skip("needs dfrotz (Debian: frotz)")


def play_frotz(frotz: str, story: Story, folder: Path, *lines: str) -> str:
    done = subprocess.run(
        [frotz, "-p", story.source],
        input="\n".join([*lines, ""]),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def test_a_game_is_exported_and_imported(story: Story, open_game: OpenGame) -> None:
    game = open_game(story)
    game.step("take lantern")
    before = game.snapshot()
    content = game.export_save()
    assert game.snapshot() == before
    game.step("drop lantern")
    game.step("north")
    assert game.import_save(content, "x").awaiting is Awaiting.COMMAND
    assert "a brass lantern" in game.step("inventory").text
    assert game.step("look").text.startswith("Kitchen")


def test_frotz_continues_our_game(frotz: str, story: Story, open_game: OpenGame, tmp_path: Path) -> None:
    game = open_game(story)
    game.step("take lantern")
    game.step("north")
    (tmp_path / "ours.qzl").write_bytes(game.export_save())
    shown = play_frotz(frotz, story, tmp_path, "restore", "ours.qzl", "inventory", "look")
    assert "a brass lantern" in shown
    assert "A garden." in shown.partition("Ok.")[2]


def test_we_continue_a_game_of_frotz(frotz: str, story: Story, open_game: OpenGame, tmp_path: Path) -> None:
    play_frotz(frotz, story, tmp_path, "take lantern", "north", "save", "theirs.qzl", "quit", "yes")
    game = open_game(story)
    game.import_save((tmp_path / "theirs.qzl").read_bytes(), "theirs.qzl")
    assert "a brass lantern" in game.step("inventory").text
    assert game.step("look").text.startswith("Garden")


def test_turns_are_those_of_frotz(frotz: str, story: Story, open_game: OpenGame, tmp_path: Path) -> None:
    lines = [
        "x table",
        "take all",
        "frob",
        "open box. take key",
        "put lantern in box",
        "look",
        "n",
        "take key",
        "small",
    ]
    lines += ["inventory", "drop all", "score", "caress lantern with key", "s", "z", "shout hello", "exits", "version"]
    game = open_game(story)
    turns = [game.reset(1), *(game.step(line) for line in lines)]
    shown = " ".join(play_frotz(frotz, story, tmp_path, *lines).replace(">", " ").split())
    position = 0
    for turn in turns:
        for paragraph in turn.text.split("\n"):
            # Frotz's plain output leaves out bold titles, and the version of the interpreter is its own.
            text = " ".join(paragraph.split())
            if len(text) > 8 and "interpreter" not in text.lower() and text != "COTTAGE":
                assert text in shown[position:], text
                position = shown.index(text, position) + len(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: b"", "is no saved game; expected a saved game in Quetzal format"),
        (lambda content: content[:50], "the saved game is cut off"),
        (lambda content: content[:12], "the saved game is damaged: a part of it is missing"),
        (lambda content: content.replace(b"Stks", b"Xxxx"), "a part of it is missing"),
        (
            lambda content: content[:22] + b"000000" + content[28:],
            "was saved in another story: release 1, serial number '000000'",
        ),
    ],
)
def test_a_saved_game_that_does_not_fit_is_one_message(
    change: Callable[[bytes], bytes], message: str, story: Story, open_game: OpenGame
) -> None:
    game = open_game(story)
    with pytest.raises(FictionError) as raised:
        game.import_save(change(game.export_save()), "x.qzl")
    assert str(raised.value).startswith("x.qzl: ")
    assert message in str(raised.value)


def test_a_stack_that_makes_no_sense_leaves_the_game_as_it_was(story: Story, open_game: OpenGame) -> None:
    game = open_game(story)
    content = bytearray(game.export_save())
    stack = content.index(b"Stks")
    content[stack + 8 : stack + 12] = b"\xff" * 4
    before = game.snapshot()
    check_saved_game(bytes(content), story, "x.qzl")
    with pytest.raises(FictionError, match=r"x\.qzl: the story does not restore this saved game here"):
        game.import_save(bytes(content), "x.qzl")
    assert game.snapshot() == before


def test_an_imported_game_has_undo_and_is_saved(story: Story, tmp_path: Path) -> None:
    game = Game("cottage", "cottage", lambda: ZMachine(story, seconds=60))
    session = Session(game, tmp_path / "saves")
    session.take("take lantern")
    session.take("north")
    assert "other interpreters can continue" in session.take(f"/export {tmp_path}/x.qzl").notes[0]
    session.take("drop lantern")
    assert "continues from" in session.take(f"/import {tmp_path}/x.qzl").notes[0]
    assert "lantern" in session.take("inventory").text
    session.close()
    session = Session(game, tmp_path / "saves")
    assert "lantern" in session.opening().text
    assert session.take("undo").text == "Ok."
    assert session.take("undo").text == "Dropped."
    assert "there is no such file" in session.take("/import nothing.qzl").notes[0]
    assert session.take("/export").notes[0] == "/export: name a file"
    session.close()


def test_an_imported_turn_without_its_snapshot_is_one_message(tiny: Story, open_game: OpenGame, tmp_path: Path) -> None:
    playthrough = Playthrough(open_game(tiny))
    playthrough.adopt(playthrough.turn, "/import x")
    playthrough.play("take lamp")
    log = SaveFile(tmp_path / "x.jsonl", "tiny")
    log.create(playthrough)
    saved = load(tmp_path / "x.jsonl", "tiny")
    assert saved.nodes == playthrough.nodes
    with pytest.raises(FictionError, match="the snapshot after turn 1 is missing"):
        Playthrough.resumed(open_game(tiny), 1, saved.nodes, {}, saved.current)
