"""Evaluation on phrasings of players, and the parsers in a session."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from seqloom.cli import main
from seqloom.errors import FictionError
from seqloom.fiction.games import find_game
from seqloom.fiction.interpreter import Words, only_synonyms
from seqloom.fiction.parsing.evaluation import (
    Outcome,
    Phrasing,
    is_accepted,
    is_dangerous,
    paired_interval,
    rates,
    read_phrasings,
)
from seqloom.fiction.parsing.linking import MarkedText
from seqloom.fiction.parsing.proposer import open_parser
from seqloom.fiction.session import Session

ROOM = "Cloakroom\nThere is a small brass hook on the wall. A door leads east."
LINES: list[dict[str, Any]] = [
    {"text": "hang my cloak up on the peg", "accepted": [["put cloak on hook", "hang cloak on hook"]]},
    {"text": "please have a look at the cloak", "accepted": [["examine cloak"], ["north"]]},
    {"text": "what shall I do with this", "accepted": [["wait"]]},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    shared = {"game": "cloak", "writer": "plain", "room": ROOM, "inventory": "You are wearing a velvet cloak."}
    lines = [json.dumps(shared | line) for line in LINES]
    lines.append(json.dumps({"text": "I love this game", "game": None, "writer": "plain", "accepted": []}))
    path = tmp_path / "phrasings.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_the_command_prints_all_parsers(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fiction", "evaluate", "rules", "--data", str(data), "--json", "--quiet"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["parser"] for row in rows] == ["keywords", "nearest neighbour", "rules"]
    rules = rows[-1]
    assert (rules["commands"], rules["understood"], rules["wrong"], rules["noncommands_executed"]) == (3, 1, 1, 0)
    assert rules["by_game"]["cloak"]["understood"] == rules["by_writer"]["plain"]["understood"] == 1
    assert rules["difference"] is None
    assert len(rows[0]["difference"]) == 3
    assert main(["fiction", "evaluate", "rules", "--data", str(data), "--quiet"]) == 0
    assert "33.3%" in capsys.readouterr().out


def test_compressed_data_are_read(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "phrasings.jsonl.gz"
    path.write_bytes(gzip.compress(data.read_bytes()))
    assert read_phrasings(path) == read_phrasings(data)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: expected a JSON object such as"),
        ('{"game": "cloak"}', "line 1: expected a JSON object such as"),
        ('{"text": "x", "game": "cloak"}', "line 1: a phrasing of a game needs accepted commands"),
        ('{"text": 1}', "line 1: text, game, writer, room and inventory must be texts"),
        ("", "there are no phrasings in it"),
    ],
)
def test_wrong_data_are_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(line)
    with pytest.raises(FictionError, match=message):
        read_phrasings(path)


def test_an_unknown_game_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"text": "x", "game": "cloack", "accepted": [["wait"]]}')
    assert main(["fiction", "evaluate", "rules", "--data", str(path)]) == 2
    assert "there is no game 'cloack'; did you mean cloak?" in capsys.readouterr().err


def test_equal_parsers_differ_by_nothing_and_better_ones_by_more() -> None:
    phrasings = [Phrasing(f"text {number}", "plain", "cloak", (frozenset({f"go {number}"}),)) for number in range(20)]
    right = [Outcome(phrasing, ("go",), right=True) for phrasing in phrasings]
    wrong = [Outcome(phrasing, ("go",)) for phrasing in phrasings]
    assert paired_interval(right, right) == (0, 0, 0)
    assert paired_interval(right, wrong) == (1, 1, 1)
    assert paired_interval(right, [*wrong[:10], *right[10:]])[1] > 0
    assert (rates(right).understood, rates(wrong).wrong, rates(wrong).share) == (20, 20, 0)


def test_another_name_of_the_same_thing_is_accepted() -> None:
    words = Words((), (), synonyms=(("platinum", "pyramid"),))
    phrasing = Phrasing("grab the pyramid", "plain", "adventure", (frozenset({"take platinum"}),))
    assert is_accepted(("take pyramid",), phrasing, words)
    assert not is_accepted(("take pyramid",), phrasing, Words((), ()))
    assert not is_accepted(("take pyramid", "look"), phrasing, words)
    assert only_synonyms([("lamp", "light"), ("rug",), ("light", "sun", "star")]) == (("sun", "star"),)


def test_deeds_that_cannot_be_taken_back_need_their_verb() -> None:
    assert is_dangerous(("attack bear",), MarkedText(("go", "for", "@1"), ()))
    assert not is_dangerous(("attack bear",), MarkedText(("i", "am", "fighting", "@1"), ()))
    assert not is_dangerous(("take bear",), MarkedText(("go", "for", "@1"), ()))


def test_a_session_plays_what_it_is_sure_of_and_asks_about_the_rest() -> None:
    session = Session(find_game("cloak"), None, proposer=open_parser("rules"))
    try:
        reply = session.take("I stroll off to the west")
        assert reply.understood == ("west",)
        reply = session.take("hang my velvet cape on the peg please")
        assert reply.understood == ("hang cape on peg",) or reply.understood == ("put cape on peg",)
        assert session.take("put it on").understood == ()
        reply = session.take("I gobble up my cloak")
        assert reply.understood == ()
        assert "Did you mean 1: eat cloak? Type the number, or something else." in reply.text
        assert session.take("1").understood == ("eat cloak",)
        assert session.take("1").understood == ()
        assert "Did you mean" not in session.take("I love this game").text
    finally:
        session.close()


def test_what_the_game_understands_is_the_same_with_and_without_a_parser() -> None:
    lines = ["look", "west", "hang cloak on hook", "e", "x me", "score", "xyzzy", "s", "read message"]
    texts = []
    for proposer in (None, open_parser("rules")):
        session = Session(find_game("cloak"), None, proposer=proposer)
        texts.append([session.take(line).text for line in lines])
        session.close()
    assert texts[0] == texts[1]
