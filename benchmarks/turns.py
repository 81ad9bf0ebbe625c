"""Turns: contestants run in processes of their own, one at a time, and are stopped while others have their turn.

A command and its step log enter, target tokens a second leave. Everybody is timed from outside and in the same way: the
time between the first and the last line that the step log got during a turn. The step under way at the beginning of a
turn does not count.
"""

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contestants import Command

_POLL = 0.003
_FEWEST_STEPS = 3


class ContestantError(Exception):
    """A contestant ended, or made no step in time; says what it printed last."""


@dataclass(frozen=True)
class Turn:
    """What a contestant did in one turn."""

    tokens: int
    steps: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


@dataclass
class Contestant:
    """A process that trains, stopped except in its turns."""

    label: str
    command: Command
    folder: Path
    turns: list[Turn] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self, environment: dict[str, str], *, warm_steps: int, patience: float) -> None:
        """Starts it, lets it make its first steps, and stops it.

        Raises:
            ContestantError: it ended, or took longer than `patience` seconds.
        """
        with (self.folder / "output.txt").open("wb") as output:
            self.process = subprocess.Popen(
                self.command.arguments,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        end = time.monotonic() + patience
        while len(self._lines()) < warm_steps:
            self._must_live()
            if time.monotonic() > end:
                raise ContestantError(f"made {len(self._lines())} steps in {patience:.0f} s: {self._last_words()}")
            time.sleep(0.05)
        self._signal(signal.SIGSTOP)

    def take_turn(self, seconds: float) -> Turn:
        """Lets it train for about so many seconds."""
        seen = self._count()
        self._signal(signal.SIGCONT)
        begin = time.monotonic()
        first: tuple[int, float] | None = None
        last: tuple[int, float] | None = None
        while True:
            time.sleep(_POLL)
            count, now = self._count(), time.monotonic()
            if count > seen:
                seen = count
                first, last = first or (count, now), (count, now)
            enough = first is not None and last is not None and last[0] - first[0] >= _FEWEST_STEPS
            if (now - begin >= seconds and enough) or now - begin > 6 * seconds + 30:
                break
            self._must_live()
        self._signal(signal.SIGSTOP)
        if first is None or last is None or last[0] == first[0]:
            raise ContestantError(f"made no step in {now - begin:.0f} s: {self._last_words()}")
        lines = self._lines()
        tokens = self._tokens(lines[last[0] - 1]) - self._tokens(lines[first[0] - 1])
        turn = Turn(tokens, last[0] - first[0], last[1] - first[1])
        self.turns.append(turn)
        return turn

    def peak_memory_mib(self) -> float:
        """Peak resident memory of the process so far."""
        assert self.process is not None
        return peak_memory_mib(self.process.pid)

    def end(self) -> None:
        """Ends the process, whatever it does."""
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGKILL)
            self.process.wait()

    def _count(self) -> int:
        try:
            # Lines are short and the file small; a line that is not finished does not count.
            return self.command.log.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def _lines(self) -> list[bytes]:
        try:
            return self.command.log.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []

    def _tokens(self, line: bytes) -> int:
        return round(float(line) * self.command.scale)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def _must_live(self) -> None:
        assert self.process is not None
        if self.process.poll() is not None:
            raise ContestantError(f"ended with status {self.process.returncode}: {self._last_words()}")

    def _last_words(self) -> str:
        lines = (self.folder / "output.txt").read_text(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-4:] if line.strip())[-600:] or "it printed nothing"


def peak_memory_mib(pid: int) -> float:
    """Peak resident memory of a process so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def watched(pid: int) -> Iterator[list[float]]:
    """Looks at a process and the ones it makes, twenty times a second; the list's one number is the most memory seen (MiB).

    What processes share counts once.
    """
    most, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], _family_mib(pid))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def _family_mib(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = [
            child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
    except OSError:
        # It has ended meanwhile.
        return 0.0
    own = sum(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return own + sum(_family_mib(int(child)) for child in children)


@contextmanager
def locked(files: Sequence[Path]) -> Iterator[None]:
    """Holds lock files, so that other jobs on the machine can keep out of the way; they are tried in order."""
    with ExitStack() as stack:
        for path in files:
            handle = stack.enter_context(path.open("w"))
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
