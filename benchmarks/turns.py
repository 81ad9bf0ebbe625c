"""Runs programs in turns: each is a process that is stopped (SIGSTOP) except in its turns.

The speed follows from the step log of a program: from the first to the last line that it gets during a turn. The step that was
under way at the beginning of the turn does not count. All programs are timed in this way.
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

from benchmarks.programs import Command

_POLL = 0.003
_FEWEST_STEPS = 3


class ProgramError(Exception):
    """A program ended, or made no step in time; the message holds its last output."""


@dataclass(frozen=True)
class Turn:
    """Target tokens and steps of a program in one turn."""

    tokens: int
    steps: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


@dataclass
class TimedProgram:
    """A process with a step log that is stopped except in its turns."""

    label: str
    command: Command
    folder: Path
    turns: list[Turn] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self, environment: dict[str, str], *, warm_steps: int, patience: float) -> None:
        """Starts the process, waits for its first steps, and stops it.

        Raises:
            ProgramError: the process ended, or took longer than `patience` seconds.
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
                raise ProgramError(f"made {len(self._lines())} steps in {patience:.0f} s: {self._last_words()}")
            time.sleep(0.05)
        self._signal(signal.SIGSTOP)

    def take_turn(self, seconds: float) -> Turn:
        """Lets the process run for about `seconds` and stops it again.

        Raises:
            ProgramError: the process ended, or made no step.
        """
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
            raise ProgramError(f"made no step in {now - begin:.0f} s: {self._last_words()}")
        lines = self._lines()
        tokens = self._tokens(lines[last[0] - 1]) - self._tokens(lines[first[0] - 1])
        turn = Turn(tokens, last[0] - first[0], last[1] - first[1])
        self.turns.append(turn)
        return turn

    def peak_memory_mib(self) -> float:
        """Peak resident memory of the process so far, in MiB."""
        assert self.process is not None
        return peak_memory_mib(self.process.pid)

    def end(self) -> None:
        """Kills the process."""
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGKILL)
            self.process.wait()

    def _count(self) -> int:
        try:
            # An unfinished line does not count.
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
            raise ProgramError(f"ended with status {self.process.returncode}: {self._last_words()}")

    def _last_words(self) -> str:
        lines = (self.folder / "output.txt").read_text(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-4:] if line.strip())[-600:] or "it printed nothing"


def peak_memory_mib(pid: int) -> float:
    """Peak resident memory of a process so far, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def watched(pid: int) -> Iterator[list[float]]:
    """Samples the memory of a process and its children twenty times a second.

    Yields a list whose only item is the peak so far in MiB. Memory that the processes share counts once.
    """
    most, ended = [0.0], threading.Event()

    def sample() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], _family_mib(pid))

    thread = threading.Thread(target=sample, daemon=True)
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
        # The process has ended.
        return 0.0
    own = sum(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return own + sum(_family_mib(int(child)) for child in children)


@contextmanager
def locked(files: Sequence[Path]) -> Iterator[None]:
    """Locks files in their order while the context lasts, so that other jobs on the machine can wait."""
    with ExitStack() as stack:
        for path in files:
            handle = stack.enter_context(path.open("w"))
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
