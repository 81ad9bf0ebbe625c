"""The parser network: the grammar of its outputs, its threshold, the hybrid, and a run from training to play."""

import io
import json
from pathlib import Path

import pytest

from seqloom.cli import main
from seqloom.fiction.games import find_game
from seqloom.fiction.parsing import training
from seqloom.fiction.parsing.calibration import Decision, threshold
from seqloom.fiction.parsing.forms import NO_COMMAND, SEPARATOR, render
from seqloom.fiction.parsing.grammar_constraint import CommandGrammar, possible_commands
from seqloom.fiction.parsing.hybrid import HybridParser
from seqloom.fiction.parsing.linking import MarkedText, Name
from seqloom.fiction.parsing.network import NetworkParser
from seqloom.fiction.parsing.proposals import Candidate
from seqloom.fiction.parsing.scene import Scene

CLOAK = find_game("cloak").open().words()
NAMES = (Name("cloak"), Name("hook"))


def test_possible_commands_are_those_of_the_game() -> None:
    possible = possible_commands(NAMES, CLOAK)
    assert {"take @1", "put @1 on @2", "put @2 on @1", "north", "look"} <= set(possible)
    assert "turn on @1" not in possible
    assert all(render(command, NAMES, CLOAK) for command in possible)
    assert not any("@" in command for command in possible_commands((), CLOAK))


def encode(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def spelled(grammar: CommandGrammar, text: str) -> bool:
    """Whether the grammar allows each letter of a text, and then its end."""
    ids = encode(text)
    return all(token in grammar.next_ids(ids[:at]) for at, token in enumerate([*ids, 0]))


def test_the_grammar_allows_sequences_of_commands_or_none() -> None:
    grammar = CommandGrammar(["take @1", "take off @1", "north"], encode, 0)
    for text in ("take @1", "take off @1", f"take @1{SEPARATOR}north{SEPARATOR}take off @1", NO_COMMAND):
        assert spelled(grammar, text), text
    for text in (
        "",
        "take",
        "take @2",
        "take @1 ; ",
        f"{NO_COMMAND} ; north",
        "north north",
        SEPARATOR.join(["north"] * 6),
    ):
        assert not spelled(grammar, text), text


def test_the_threshold_keeps_wrong_commands_rare() -> None:
    made = (
        [Decision(0.9, is_right=True)] * 50 + [Decision(0.8, is_right=False)] * 2 + [Decision(0.5, is_right=False)] * 48
    )
    assert threshold(made, max_wrong=0.02) == pytest.approx(0.65)
    assert threshold(made, max_wrong=0.01) == pytest.approx(0.85)
    assert threshold([Decision(0.0, is_right=False)] * 10) == 1.0


class Fixed:
    """Always finds the same."""

    def __init__(self, name: str, *candidates: Candidate) -> None:
        self.name = name
        self.candidates = list(candidates)

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        return self.candidates


@pytest.mark.parametrize(
    ("rules", "network", "best", "is_sure"),
    [
        ([Candidate(("north",), 0.5)], [Candidate(("north",), 0.5)], ("north",), True),
        ([Candidate(("north",), 1.0)], [Candidate(("south",), 0.9)], ("north",), False),
        ([], [Candidate(("south",), 0.9), Candidate((), 0.1)], ("south",), False),
        ([], [Candidate((), 0.9), Candidate(("south",), 0.1)], (), False),
    ],
)
def test_what_both_say_is_surer(
    rules: list[Candidate], network: list[Candidate], best: tuple[str, ...], *, is_sure: bool
) -> None:
    found = HybridParser(Fixed("rules", *rules), Fixed("network", *network)).parse(MarkedText((), ()), Scene(CLOAK))
    assert found[0].commands == best
    assert (found[0].confidence > 0.6) == is_sure
    assert {candidate.commands for candidate in found} == {candidate.commands for candidate in (*rules, *network)}


TINY = ["model.d_model=16", "model.hidden_size=16", "tokenizer.vocab_size=300", "training.validations=1"]


def test_a_parser_is_trained_evaluated_and_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "SIZES", dict.fromkeys(training.SIZES, 40))
    monkeypatch.setattr(training, "_CALIBRATION", 10)
    out = tmp_path / "parser"
    options = ["--games", "cloak", "--size", "200", "--steps", "3", "--out", str(out), "--quiet"]
    assert main(["fiction", "train-parser", *options, "--set", *TINY]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert json.loads((out / "parser.json").read_text())["games"] == ["cloak"]
    assert (tmp_path / "parser-phrasings" / "nouns.tsv").exists()

    parser = NetworkParser.load(out)
    for candidate in parser.parse(MarkedText(("grab", "@1", "and", "@2"), NAMES), Scene(CLOAK)):
        assert all(render(command, NAMES, CLOAK) for command in candidate.commands)

    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps({"text": "please go west", "game": "cloak", "writer": "me", "accepted": [["west"]]}))
    assert main(["fiction", "evaluate", str(out), "--data", str(data), "--json", "--quiet"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["parser"] for row in rows][2:] == ["rules", "RNN with attention", "hybrid"]

    lines = io.TextIOWrapper(io.BytesIO(b"west\nI glance at the hook\n"))
    monkeypatch.setattr("sys.stdin", lines)
    assert main(["play", "--parser", str(out), "--quiet"]) == 0
    assert "\n> I glance at the hook\n" in capsys.readouterr().out

    (out / "parser.json").write_text('{"threshold": 2, "games": []}')
    assert main(["play", "--parser", str(out)]) == 2
    assert "parser.json: is damaged: threshold is a number between 0 and 1" in capsys.readouterr().err
    (out / "parser.json").unlink()
    assert main(["fiction", "evaluate", str(out), "--data", str(data)]) == 2
    assert "is no parser run: it holds no parser.json" in capsys.readouterr().err


def test_an_unknown_game_trains_no_parser(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fiction", "train-parser", "--games", "cloack", "--out", str(tmp_path / "run")]) == 2
    assert "there is no game 'cloack'; did you mean cloak?" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
