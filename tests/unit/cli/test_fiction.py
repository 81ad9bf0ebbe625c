"""fiction: the words of a game, and saved games as transcripts."""

import json
from pathlib import Path

import pytest

from seqloom.cli import main
from tests.unit.cli.conftest import TypeIn
from tests.unit.fiction.zmachine.tiny_story import tiny_story


def fiction(*argv: object) -> int:
    return main(["fiction", *map(str, argv)])


def test_words_are_printed_for_people_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert fiction("words", "cloak") == 0
    out = capsys.readouterr().out
    assert "examine/x/inspect/study/check/describe/watch <thing>\n" in out
    assert "\ndirections: north n south" in out
    assert fiction("words", "cloak", "--json") == 0
    words = json.loads(capsys.readouterr().out)
    assert {"verbs": ["wait", "z"], "pattern": []} in words["grammar"]
    assert "cloak" in words["nouns"]


def test_a_saved_game_is_repeated(type_in: TypeIn, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    type_in(b"west\nfrob\nundo\nexamine cloak\n")
    assert main(["play", "--saves", str(tmp_path), "--quiet"]) == 0
    capsys.readouterr()
    assert fiction("replay", "cloak", tmp_path / "autosave.jsonl") == 0
    out = capsys.readouterr().out
    assert out.startswith("On a rainy November night")
    assert "\n>examine cloak\nA handsome cloak" in out
    assert "west\n" not in out
    assert fiction("replay", "cloak", tmp_path / "autosave.jsonl", "--output", tmp_path / "t.txt") == 0
    assert (tmp_path / "t.txt").read_text(encoding="utf-8") == out


def test_other_games_and_damaged_tables_are_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "saved.jsonl"
    saved.write_text('{"format": "seqloom saved game", "version": 1, "game": "zork", "seed": 0}\n', encoding="utf-8")
    assert fiction("replay", "cloak", saved) == 2
    assert "was saved in another game or version: it names 'zork'" in capsys.readouterr().err
    assert fiction("replay", "cloak", tmp_path / "no.jsonl") == 2
    assert "there is no such saved game" in capsys.readouterr().err
    story = bytearray(tiny_story())
    story[0x08:0x0A] = b"\xff\xf0"
    (tmp_path / "x.z3").write_bytes(bytes(story))
    assert fiction("words", tmp_path / "x.z3", "--quiet") == 2
    err = capsys.readouterr().err
    assert "x.z3: the story" in err
    assert err.count("\n") == 1
