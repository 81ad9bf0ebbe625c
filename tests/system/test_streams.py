"""Every verb, with every standard stream closed, full or left by its reader, and in places that a system may refuse."""

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqloom.cli import COMMANDS
from tests.forked import run_forked
from tests.integration.conftest import corpus_folder, pairs, trained  # noqa: F401
from tests.integration.test_streams import (  # noqa: F401
    QUICK,
    Command,
    _imported,
    check,
    check_output,
    check_streams,
    commands,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of a process, /dev/full and /proc")


@pytest.mark.parametrize("verb", [verb for verb in COMMANDS if verb not in QUICK])
def test_streams(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:  # noqa: F811
    check_streams(verb, commands, tmp_path)


@pytest.mark.parametrize("verb", ["compare", "demo", "explain", "export"])
def test_output_that_cannot_be_written(verb: str, commands: dict[str, Command], tmp_path: Path) -> None:  # noqa: F811
    check_output(verb, commands, tmp_path)


def _no_home() -> None:
    os.environ["HOME"] = "/proc/nohome"
    for name in ("XDG_CACHE_HOME", "SEQLOOM_CACHE_DIR"):
        os.environ.pop(name, None)


def _no_temporary_folder() -> None:
    os.environ["TMPDIR"] = "/proc/notmp"


def _no_current_folder() -> None:
    folder = Path(os.environ["GONE_FOLDER"])
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def _few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6))


PLACES = (_no_home, _no_temporary_folder, _no_current_folder, _small_files, _few_files)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("verb", COMMANDS)
def test_places(
    verb: str,
    place: Callable[[], None],
    commands: dict[str, Command],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GONE_FOLDER", str(tmp_path / "gone"))
    command = commands[verb]

    def before() -> None:
        command.before()
        place()

    done = run_forked(command.argv, tmp_path, stdin=command.stdin, before=before)
    if place is not _small_files or command.prints_results is False:
        check(done, (0, 2))
    if done.status == 2:
        assert done.err.count("seqloom: ") >= 1
    if place is _no_home and verb == "train":
        assert "SEQLOOM_CACHE_DIR" in done.err
    if place is _no_home and verb in ("translate", "show", "generate"):
        assert done.status == 0
