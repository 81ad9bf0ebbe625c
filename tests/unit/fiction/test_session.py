"""Sessions: what is the game's and what is the session's, saved games, transcripts, and proposals of a network."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from seqloom.errors import OutputError
from seqloom.fiction import saved_games
from seqloom.fiction.games import find_game
from seqloom.fiction.interpreter import Awaiting, Interpreter
from seqloom.fiction.proposer import Proposal
from seqloom.fiction.session import Reply, Session
from tests.unit.fiction.toy_game import TOY, Counter

CLOAK = find_game("cloak")


Start = Callable[..., Session]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts sessions, and ends them after the test."""
    sessions: list[Session] = []

    def begin(*args: Any, **settings: Any) -> Session:
        sessions.append(Session(*args, **settings))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.close()


def texts(session: Session, *lines: str) -> list[str]:
    return [session.take(line).text for line in lines]


def notes(session: Session, line: str) -> str:
    return " ".join(session.take(line).notes)


def test_lines_go_to_the_game(start: Start) -> None:
    session = start(TOY, None, seed=5)
    assert session.opening() == Reply("Counter with seed 5")
    assert texts(session, "add", " add ", "frob") == ["The count is 1", "The count is 2", "What is frob?"]


def test_undo_and_redo(start: Start) -> None:
    session = start(TOY, None)
    texts(session, "add", "frob", "add", "frob")
    assert session.take("UNDO") == Reply("The count is 1", ("Taken back: add",))
    assert session.take("/redo") == Reply("The count is 2", ("Played again.",))
    assert session.take("/redo") == Reply(notes=("There is nothing to play again.",))
    assert texts(session, "undo", "undo") == ["The count is 1", "Counter with seed 0"]
    assert session.take("undo") == Reply(notes=("There is nothing to take back.",))


def test_keys_and_answers_go_to_the_game_untouched(start: Start) -> None:
    session = start(TOY, None)
    assert texts(session, "key", "/", "key", " ", "key", "undo") == [
        *("Press a key", "key '/'", "Press a key", "key ' '", "Press a key", "key 'undo'")
    ]
    assert session.take("key").text == "Press a key"
    assert notes(session, "/undo") == "Taken back: key"
    cloak = start(CLOAK, None)
    assert texts(cloak, "quit", "save", "no")[1] == "Please answer yes or no."
    texts(cloak, "quit")
    assert notes(cloak, "undo") == "Taken back: quit"


def test_after_the_end_only_the_session_answers(start: Start) -> None:
    session = start(TOY, None)
    assert session.take("end").notes[0].startswith("The game has ended.")
    assert session.take("add").notes[0].startswith("The game has ended.")
    assert session.take("undo").text == "Counter with seed 0"
    texts(session, "add", "end")
    assert session.take("restart").text == "Counter with seed 0"
    texts(session, "end")
    assert session.take("quit").done


def test_quitting_keeps_the_game_where_it_was(start: Start, tmp_path: Path) -> None:
    session = start(CLOAK, tmp_path)
    texts(session, "w", "quit")
    assert session.take("y").done
    session.close()
    assert start(CLOAK, tmp_path).opening().text.startswith("Cloakroom")


def test_a_game_continues_where_it_was_and_can_be_begun_anew(start: Start, tmp_path: Path) -> None:
    session = start(TOY, tmp_path, seed=3)
    texts(session, "add", "frob", "add")
    session.close()
    session = start(TOY, tmp_path, seed=4)
    assert session.opening() == Reply("The count is 2", ("Your game continues after 2 turns. /restart begins anew.",))
    assert texts(session, "undo", "undo") == ["The count is 1", "Counter with seed 3"]
    texts(session, "add")
    session.close()
    session = start(TOY, tmp_path, anew=True)
    assert session.opening() == Reply("Counter with seed 0")
    assert session.take("/restore autosave previous").text == "The count is 1"
    texts(session, "end")
    session.close()
    assert start(TOY, tmp_path).opening() == Reply("Counter with seed 0")


def test_games_are_saved_and_restored_by_name(start: Start, tmp_path: Path) -> None:
    session = start(TOY, tmp_path)
    assert notes(session, "/saves") == "There are no saved games yet."
    texts(session, "add")
    assert notes(session, "save one") == "Saved as “one”. RESTORE one continues from here."
    texts(session, "add", "save", "add")
    assert session.take("RESTORE one") == Reply("The count is 1", ("Restored “one”.",))
    assert session.take("restore") == Reply("The count is 2", ("Restored “saved game”.",))
    assert notes(session, "restore two").startswith("There is no saved game “two”. Saved games: autosave previous, one")
    assert "is no name for a saved game" in notes(session, "save ../two")
    assert texts(session, "add") == ["The count is 3"]


def test_a_damaged_saved_game_is_a_note_and_the_game_goes_on(start: Start, tmp_path: Path) -> None:
    session = start(TOY, tmp_path)
    texts(session, "add", "save one")
    path = tmp_path / "one.jsonl"
    path.write_text(path.read_text().replace('"add"', '"frob"'))
    assert "turn 1 ('frob') has another answer than when it was played" in notes(session, "restore one")
    path.write_text("{")
    assert "holds no turn; it is damaged, or not a game that seqloom saved" in notes(session, "restore one")
    assert texts(session, "add") == ["The count is 2"]


def test_nothing_is_saved_without_a_folder(start: Start) -> None:
    assert "--saves FOLDER names a folder" in notes(start(TOY, None), "save")


def test_a_failed_autosave_is_said_once_and_made_up_for(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = start(TOY, tmp_path)

    def full(path: Path, text: str) -> None:
        raise OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(saved_games, "append_text", full)
        said = [notes(session, "add") for _ in range(3)]
    assert said == ["the disk is full. The game goes on; its turns are saved as soon as that is possible.", "", ""]
    assert notes(session, "add") == "The game is saved again, with all of its turns."
    session.close()
    assert start(TOY, tmp_path).opening().text == "The count is 4"


def test_an_interpreter_that_fails_is_a_note_and_the_game_goes_on(start: Start) -> None:
    session = start(TOY, None)
    assert notes(session, "fail") == "the interpreter failed"
    assert texts(session, "add") == ["The count is 1"]


def test_a_transcript_holds_turns_and_comments(start: Start, tmp_path: Path) -> None:
    session = start(TOY, None)
    assert "without a transcript it is not kept" in notes(session, "* hm")
    path = tmp_path / "t.txt"
    texts(session, "add", f"/transcript {path}", "add", "* a comment", "undo", "/transcript off", "add")
    assert path.read_text() == (
        "Start of a transcript of Counter\n\nThe count is 1\n\n>add\nThe count is 2\n\n>* a comment\n\n"
        ">undo\n[Taken back: add]\nThe count is 1\n\n"
    )
    assert "cannot be written" in notes(session, f"/transcript {tmp_path}/none/t.txt")


def test_session_commands_that_do_not_exist_and_long_lines_are_notes(start: Start) -> None:
    session = start(TOY, None)
    assert notes(session, "/frob") == "There is no session command /frob. /help lists them."
    assert "/undo" in notes(session, "/help")
    assert notes(session, "x" * 2000) == "a line has at most 1,000 characters; this one has 2,000"
    assert notes(session, "/parser off").startswith("There is no parser network")


class Proposals:
    """Proposes what it was given, and counts how often it was asked."""

    def __init__(self, *proposals: Sequence[str]) -> None:
        self.proposals = proposals
        self.lines: list[str] = []

    def propose(self, line: str, interpreter: Interpreter) -> Sequence[Proposal]:
        assert interpreter.awaiting is not Awaiting.KEY
        self.lines.append(line)
        return [Proposal(tuple(commands)) for commands in self.proposals]


def test_only_a_parser_error_asks_the_proposer_and_the_first_understood_proposal_is_played(
    start: Start, tmp_path: Path
) -> None:
    proposer = Proposals(["frob"], ["add", "frob"], [], ["add", "add"], ["key"])
    session = start(TOY, None, proposer=proposer)
    session.start_transcript(tmp_path / "t.txt")
    assert session.take("add").understood == ()
    assert session.take("count two up") == Reply("The count is 2\n\nThe count is 3", (), ("add", "add"))
    assert proposer.lines == ["count two up"]
    assert [(node.line, node.typed) for node in session.playthrough.nodes[2:]] == [("add", "count two up")] * 2
    assert session.take("undo") == Reply("The count is 1", ("Taken back: count two up",))
    assert session.take("/redo").text == "The count is 3"
    assert ">count two up\n-> add. add\nThe count is 2" in (tmp_path / "t.txt").read_text()
    assert notes(session, "/parser off") == "The parser network is off."
    assert texts(session, "count two up") == ["What is count two up?"]
    assert notes(session, "/parser maybe") == "/parser: expected on or off"


def test_without_an_understood_proposal_the_game_itself_answers(start: Start) -> None:
    plain, asked = start(TOY, None), start(TOY, None, proposer=Proposals(["frob"]))
    for line in ("add", "what now", "add"):
        assert asked.take(line) == plain.take(line)
    assert asked.playthrough.nodes == plain.playthrough.nodes


@pytest.mark.parametrize("game", ["cloak", "adventure"])
def test_accepted_lines_are_answered_the_same_with_and_without_a_proposer(game: str, start: Start) -> None:
    draw = random.Random(0)
    plain = start(find_game(game), None)
    asked = start(find_game(game), None, proposer=Proposals(["frob frob frob"], ["no such verb"]))
    words = plain.playthrough.interpreter.words()
    for _ in range(1000):
        verb, noun, direction = map(draw.choice, (words.verbs, words.nouns, words.directions))
        line = draw.choice([direction, f"{verb} {noun}", verb, "no", "undo"])
        assert asked.take(line) == plain.take(line)
    assert asked.playthrough.nodes == plain.playthrough.nodes


def test_the_interpreter_is_closed(start: Start) -> None:
    session = start(TOY, None)
    session.close()
    interpreter = session.playthrough.interpreter
    assert isinstance(interpreter, Counter)
    assert interpreter.closed
