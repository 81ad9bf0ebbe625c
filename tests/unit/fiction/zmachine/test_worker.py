"""Hostile stories: damaged at random, and those that print, compute or write without end."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqloom.errors import FictionError
from seqloom.fiction.zmachine.game import ZMachine
from seqloom.fiction.zmachine.story import Story
from tests.fiction_fuzz import files, fuzz
from tests.unit.fiction.zmachine.tiny_story import tiny_story

OpenGame = Callable[..., ZMachine]


def test_damaged_stories_end_in_turns_or_messages_and_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ends = fuzz(tiny_story(), 30, seed=1)
    assert sum(ends.values()) == 30
    assert ends["played"] + ends["ended"] > 0
    assert ends["failed"] > 0
    assert files(tmp_path) == []


def test_a_story_that_prints_without_end_is_stopped(tiny: Story, open_game: OpenGame) -> None:
    game = open_game(tiny, 1.0)
    with pytest.raises(FictionError, match=r"tiny\.z3: the story failed in this turn"):
        game.step("print")
    assert game.step("take lamp").text == "Done."


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits of resources")
def test_the_process_cannot_write_files(tmp_path: Path) -> None:
    code = (
        "from seqloom.fiction.zmachine import worker\n"
        "import signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "worker._limit_resources()\n"
        "try:\n    open('x', 'wb', buffering=0).write(b'x')\n"
        "except OSError as error:\n    print('no', error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("no ")
    assert all(path.stat().st_size == 0 for path in tmp_path.iterdir())


def test_the_process_ends_with_its_input(tiny: Story) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seqloom.fiction.zmachine.worker"],
        input=json.dumps({"do": "start", "story": "", "seed": 1, "seconds": 5}) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "error" in json.loads(done.stdout)
    assert done.stderr == ""
