"""Adventure: its own walkthrough, its parser errors, its snapshots."""

import importlib.metadata
import importlib.resources
import random
import re
from pathlib import Path

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.adventure import Adventure
from seqloom.fiction.games import find_game
from seqloom.fiction.interpreter import Awaiting, ParserError, Score, Turn, attempt
from seqloom.fiction.playthrough import Playthrough


def started(*lines: str, seed: int = 0) -> Adventure:
    game = Adventure()
    game.reset(seed)
    for line in ("no", *lines):
        game.step(line)
    return game


def walkthrough() -> list[str]:
    """The lines of the package's own walkthrough, which are calls of Python: `get(lamp)`."""
    text = importlib.resources.files("adventure").joinpath("tests/walkthrough2.txt").read_text(encoding="ascii")
    calls = re.findall(r"^>>> ([a-z0-9().]+)$", text, flags=re.MULTILINE)
    return [re.sub(r"[().]+", " ", call).strip() for call in calls if not call.startswith("adventure")]


def test_the_whole_game_is_won_with_350_points() -> None:
    playthrough = Playthrough(Adventure(), seed=2)
    for line in walkthrough():
        turn = playthrough.play(line)
        assert turn.error is None, line
    assert "YOU SCORED 350 OUT OF A POSSIBLE 350" in turn.text
    assert turn.awaiting is Awaiting.NOTHING
    score = playthrough.interpreter.score()
    assert score is not None
    assert (score.points, score.maximum) == (350, 350)
    again = Playthrough.resumed(Adventure(), 2, playthrough.nodes, playthrough.snapshots, playthrough.current - 3)
    assert again.play("drop rod").text == "OK"


@pytest.mark.parametrize(
    ("line", "error", "word"),
    [
        ("frob lamp", ParserError.UNKNOWN_VERB, "frob"),
        ("take frob", ParserError.UNKNOWN_NOUN, "frob"),
        ("take rod", ParserError.NOT_IN_SCOPE, "rod"),
        ("take lamp keys", ParserError.SYNTAX, "keys"),
        ("lamp", ParserError.SYNTAX, "lamp"),
        ("drop", ParserError.SYNTAX, "drop"),
        ("?!", ParserError.SYNTAX, ""),
        ("take lamp", None, ""),
        ("drop lamp", None, ""),
        ("up", None, ""),
        ("xyzzy", None, ""),
        ("eat keys", None, ""),
    ],
)
def test_parser_errors_are_told_from_outcomes(line: str, error: ParserError | None, word: str) -> None:
    turn = started("enter").step(line)
    assert (turn.error, turn.word) == (error, word), turn.text
    assert turn.text


def test_questions_are_no_parser_errors() -> None:
    game = Adventure()
    assert game.reset(0).awaiting is Awaiting.YES_OR_NO
    assert game.step("perhaps") == Turn("PLEASE ANSWER THE QUESTION.", Awaiting.YES_OR_NO)
    assert game.step("no").awaiting is Awaiting.COMMAND
    assert game.step("quit").awaiting is Awaiting.YES_OR_NO


def test_snapshots_hold_the_random_numbers() -> None:
    game = started("frob", seed=7)
    snapshot = game.snapshot()
    said = [game.step("frob").text for _ in range(20)]
    assert len(set(said)) > 1
    game.restore(snapshot)
    assert [game.step("frob").text for _ in range(20)] == said
    other = Adventure()
    other.reset(1)
    other.restore(snapshot)
    assert [other.step("frob").text for _ in range(20)] == said


@pytest.mark.parametrize("seed", range(6))
def test_a_state_from_memory_continues_as_one_that_was_repeated(seed: int) -> None:
    draw = random.Random(seed)
    game = Adventure()
    game.reset(seed)
    words = game.words()
    opening = walkthrough()[: draw.randrange(60, 200)] if seed % 2 else ["no"]

    def some_lines(count: int) -> list[str]:
        pairs = [f"{draw.choice(words.verbs)} {draw.choice(words.nouns)}" for _ in range(count)]
        return [draw.choice([pair, draw.choice(words.directions), "yes", "no"]) for pair in pairs]

    def answers(interpreter: Adventure, lines: list[str]) -> list[Turn]:
        return [interpreter.step(line) for line in lines if interpreter.awaiting is not Awaiting.NOTHING]

    answers(game, opening)
    for _ in range(8):
        snapshot = game.snapshot()
        answers(game, some_lines(25))
        game.restore(snapshot)
        repeated = Adventure()
        repeated.reset(seed)
        repeated.restore(snapshot)
        lines = some_lines(40)
        assert answers(game, lines) == answers(repeated, lines)
        assert game.score() == repeated.score()
        assert game.objects_in_scope() == repeated.objects_in_scope()


def test_a_trial_leaves_no_trace() -> None:
    game = started("enter", "take lamp")
    before = game.snapshot()
    assert attempt(game, "drop lamp").turn.text == "OK"
    assert game.snapshot() == before
    assert [thing.name for thing in game.objects_in_scope() if thing.held] == ["lamp"]


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{}", b"\xff", b'{"seed": "1", "lines": []}', b'{"seed": 1, "lines": [1]}']
)
def test_a_damaged_snapshot_is_an_error(damage: bytes) -> None:
    with pytest.raises(FictionError, match="Adventure: the snapshot is damaged"):
        started().restore(damage)


def test_the_game_writes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    game = started()
    for line in ("save x", "suspend x", "suspend", "save lamp", "pause lamp"):
        game.step(line)
    assert "USE THE COMMAND SAVE OF THE SESSION" in game.step("suspend").text
    assert not list(tmp_path.iterdir())


def test_words_and_scope() -> None:
    game = started("enter")
    words = game.words()
    assert {"take", "light", "unlock"} <= set(words.verbs)
    assert {"lamp", "lantern", "keys"} <= set(words.nouns)
    assert {"north", "xyzzy"} <= set(words.directions)
    assert "lante" not in words.nouns
    assert [thing.name for thing in game.objects_in_scope()] == ["keys", "lamp", "food", "bottle", "water"]
    assert game.score() == Score(32, 350, 1)
    fresh = Adventure()
    fresh.reset()
    assert fresh.objects_in_scope() == ()


def test_random_commands_never_fail() -> None:
    draw = random.Random(0)
    for seed in range(5):
        game = started(seed=seed)
        words = game.words()
        for _ in range(200):
            if game.awaiting is Awaiting.NOTHING:
                break
            verb, noun = draw.choice(words.verbs), draw.choice(words.nouns)
            game.step(
                draw.choice([draw.choice(words.directions), f"{verb} {noun}", f"{noun} {verb}", verb, noun, "yes"])
            )


def test_a_missing_package_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(FictionError, match=r"needs the package adventure.*pip install 'seqloom\[fiction\]'"):
        find_game("adventure")
