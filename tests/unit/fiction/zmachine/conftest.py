"""Stories for tests: a tiny one that is assembled here, and one that the Inform compiler makes where it is installed."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqloom.fiction.zmachine.game import ZMachine
from seqloom.fiction.zmachine.story import Story, parse_story, read_story
from tests.unit.fiction.zmachine.tiny_story import tiny_story

LIBRARY = Path("/usr/share/inform6/library")
SOURCE = Path(__file__).parent / "cottage.inf"
# A turn may wait for other tests; only the tests of the limit have a short one.
_SECONDS = 60.0


@pytest.fixture(scope="session")
def tiny() -> Story:
    return parse_story(tiny_story(), "tiny.z3")


@pytest.fixture(scope="session")
def compile_inform(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Story, str]]:
    """Compiles a test story: `compile_inform(version, *switches)` returns it and the compiler's listing."""
    compiler = shutil.which("inform6") or shutil.which("inform")
    if compiler is None or not LIBRARY.is_dir():
        pytest.skip("needs the Inform 6 compiler and its library (Debian: inform6-compiler, inform6-library)")
    folder = tmp_path_factory.mktemp("inform")

    def run(version: int, *switches: str, source: Path = SOURCE) -> tuple[Story, str]:
        path = folder / f"{source.stem}.z{version}"
        done = subprocess.run(
            [compiler, f"-v{version}", f"+include_path={LIBRARY}", *switches, str(source), str(path)],
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
        )
        return read_story(path), done.stdout

    return run


@pytest.fixture
def open_game() -> Iterator[Callable[[Story], ZMachine]]:
    """Starts stories, and ends their processes after the test."""
    games: list[ZMachine] = []

    def start(story: Story, seconds: float = _SECONDS) -> ZMachine:
        games.append(ZMachine(story, seconds=seconds))
        games[-1].reset(1)
        return games[-1]

    yield start
    for game in games:
        game.close()
