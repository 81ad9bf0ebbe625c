"""Many damaged stories, and long games."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.adventure import Adventure
from seqloom.fiction.cloak import Cloak
from seqloom.fiction.interpreter import Awaiting
from seqloom.fiction.playthrough import Playthrough
from tests.fiction_fuzz import files, fuzz
from tests.unit.fiction.zmachine.tiny_story import tiny_story


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert files(tmp_path) == []


@pytest.mark.parametrize("seed", range(4))
def test_damaged_stories(seed: int, empty_folder: Path) -> None:
    ends = fuzz(tiny_story(), 250, seed=seed)
    assert ends["failed"] > 10
    assert ends["played"] > 10


def test_damaged_zork(shared_data: Path, empty_folder: Path) -> None:
    path = shared_data / "zork1" / "zork1.z3"
    if not path.is_file():
        pytest.skip("needs zork1/zork1.z3 in the mirror of data sets")
    ends = fuzz(path.read_bytes(), 200, seed=1, seconds=2.0, num_lines=12)
    assert ends["played"] > 20


@pytest.mark.parametrize("game", [Cloak, Adventure])
def test_ten_thousand_turns_with_undo_are_repeated_exactly(game: type[Cloak] | type[Adventure]) -> None:
    draw = random.Random(0)
    playthrough = Playthrough(game(), seed=3)
    words = playthrough.interpreter.words()
    states = {}
    while len(playthrough.nodes) < 10_000:
        if playthrough.turn.awaiting is Awaiting.NOTHING or draw.random() < 0.02:
            playthrough.go_to(draw.randrange(len(playthrough.nodes)))
            continue
        line = draw.choice(
            [draw.choice(words.directions), f"{draw.choice(words.verbs)} {draw.choice(words.nouns)}", "no"]
        )
        try:
            playthrough.play(line)
        except FictionError:
            continue
        if draw.random() < 0.02:
            states[playthrough.current] = playthrough.interpreter.snapshot()
    again = Playthrough.resumed(game(), 3, playthrough.nodes, {}, 0)
    for node, state in states.items():
        again.go_to(node)
        assert again.interpreter.snapshot() == state
