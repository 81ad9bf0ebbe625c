"""Core sharing: while other programs use the processor, this program's threads run on the cores that those programs do not use.

torch divides each operation evenly among its OpenMP threads and waits for the slowest one. A thread that shares its core with
another program is delayed by whole time slices, and all others wait. So two threads that compete with one busy program are slower
than one thread (benchmarks/README.md). The number of threads must not change during a run, since the last bits of the results
depend on it. So the number stays, and the threads share fewer cores: results are the same bits, and no thread waits for
another program.
"""

import contextlib
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

_INTERVAL_SECONDS = 0.25
# Shares of a core: other programs count as busy above the first, and as not busy below the second; between them nothing changes.
_BUSY, _QUIET = 0.4, 0.2
# This number of checks in a row must agree, so that short work of other programs changes nothing.
_CHECKS_TO_NARROW, _CHECKS_TO_WIDEN = 2, 4
# The most cores that other programs may use while times are measured; above it, the machine does not count as idle.
MOST_OTHER_CORES = 0.15
# The shortest time to measure, in seconds: the counters have steps of 10 milliseconds.
_LEAST_SECONDS = 0.5
# Settings by which users bind OpenMP's threads themselves.
_BINDINGS = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")


@dataclass(frozen=True)
class ProcessorTimes:
    """Processor time since the system and this process began, in seconds.

    Attributes:
        cores: for each core that this process may use, what all programs used of it (see `read`).
        own: what this process used.
    """

    cores: tuple[float, ...]
    own: float

    @classmethod
    def read(cls, cores: tuple[int, ...], *, for_report: bool = False) -> "ProcessorTimes":
        """Reads the system's counters.

        Args:
            cores: numbers of the cores.
            for_report: whether programs of low priority and the host of a virtual machine count too, and the time of child
                processes as this process's own. That takes longer to read.
        """
        process = psutil.Process()
        times = psutil.cpu_times(percpu=True)
        names = ["user", "system", "irq", "softirq", "interrupt", "dpc"]
        # Programs of low priority give way to others; among themselves they are equals.
        if for_report or (sys.platform != "win32" and process.nice() > 0):
            names.append("nice")
        if for_report:
            names.append("steal")
        busy = tuple(
            float(sum(getattr(times[core], name, 0.0) for name in names)) for core in cores if core < len(times)
        )
        own = process.cpu_times()
        seconds = own.user + own.system
        if for_report:
            seconds += getattr(own, "children_user", 0.0) + getattr(own, "children_system", 0.0)
            seconds += sum(map(_seconds_of, process.children(recursive=True)))
        return cls(busy, seconds)


def _seconds_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:  # it has ended meanwhile
        return 0.0
    return float(times.user + times.system)


def usable_cores() -> tuple[int, ...]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


class OtherWork:
    """Measures how many cores other programs, and the host of a virtual machine, take from its creation on."""

    def __init__(self) -> None:
        self._cores = usable_cores()
        self._begin = self._read()

    def mean_cores(self) -> float:
        """Cores that others used on average so far, of those that this process may use; 0 over too short a time. The time of
        child processes is our own."""
        begin, now = self._begin, self._read()
        seconds = now[0] - begin[0]
        if seconds < _LEAST_SECONDS:
            return 0.0
        used = sum(now[1].cores) - sum(begin[1].cores) - (now[1].own - begin[1].own)
        return max(0.0, used / seconds)

    def _read(self) -> tuple[float, ProcessorTimes]:
        return time.monotonic(), ProcessorTimes.read(self._cores, for_report=True)


def cores_to_use(num_cores: int, num_threads: int, others: float) -> int:
    """On how many cores our threads should run, so that none of them shares its core with another program.

    Threads share operations evenly, so with fewer cores than threads an operation takes at least twice as long. It is still
    faster where other programs leave half of the cores or less.

    Args:
        num_cores: cores that this process may use.
        num_threads: threads that share each operation.
        others: how many cores other programs keep busy.
    """
    free = max(1, num_cores - round(others + 0.1))
    if num_threads <= free or 2 * free > num_cores:
        return num_cores
    rounds = -(-num_threads // free)
    return -(-num_threads // rounds)


class CoreWatch:
    """Measures the processor time of other programs, and decides on which cores this program's threads should run.

    Args:
        cores: numbers of the cores that this process may use.
        num_threads: threads that share each operation.
        read: reads the counters; tests replace it.
    """

    def __init__(self, cores: tuple[int, ...], num_threads: int, read: Callable[[], ProcessorTimes]) -> None:
        self._all = cores
        self._num_threads = num_threads
        self._read = read
        self._last: tuple[float, ProcessorTimes] | None = None
        self._current = cores
        self._votes = 0

    @property
    def is_narrow(self) -> bool:
        """Whether the threads should run on some of the cores only."""
        return self._current != self._all

    def check(self, now: float) -> tuple[int, ...]:
        """Measures other programs since the last check, and returns the cores for our threads.

        Args:
            now: a clock's reading in seconds.
        """
        times = self._read()
        last, self._last = self._last, (now, times)
        if last is None or now <= last[0]:
            return self._current
        seconds = now - last[0]
        used = [(after - before) / seconds for before, after in zip(last[1].cores, times.cores, strict=True)]
        own = (times.own - last[1].own) / seconds
        others = max(0.0, sum(used) - own)
        limit = _QUIET if self.is_narrow else _BUSY
        wanted = cores_to_use(len(self._all), self._num_threads, max(others, 0.5) if others > limit else 0.0)
        if wanted == len(self._current):
            self._votes = 0
            if self.is_narrow:
                self._move_if_shared(dict(zip(self._all, used, strict=True)), own)
            return self._current
        self._votes += 1
        if self._votes >= (_CHECKS_TO_NARROW if wanted < len(self._current) else _CHECKS_TO_WIDEN):
            self._votes = 0
            # The cores are drawn at random, so that two such programs that start together do not choose the same core.
            self._current = self._all if wanted == len(self._all) else tuple(random.sample(self._all, wanted))
        return self._current

    def _move_if_shared(self, used: dict[int, float], own: float) -> None:
        """Chooses other cores if another program stays on ours while other cores are idle."""
        on_ours = sum(used[core] for core in self._current) - own
        elsewhere = {core: share for core, share in used.items() if core not in self._current}
        idle = sum(1 - share for share in elsewhere.values())
        # At random, so that two such programs do not always move at the same time.
        if on_ours > _BUSY and idle > on_ours and len(elsewhere) >= len(self._current) and random.random() < 0.5:
            self._current = tuple(sorted(elsewhere, key=elsewhere.__getitem__)[: len(self._current)])


class _Sharing:
    """The `CoreWatch` of this process. It runs from the begin of the first `share_cores` block to the end of the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.cores = usable_cores()

    def begin(self, num_threads: int, say: Callable[[str], None]) -> None:
        with self._lock:
            self._count += 1
            if self._count == 1 and num_threads > 1 and _can_share():
                self.cores = usable_cores()
                self._ended = threading.Event()
                watch = CoreWatch(self.cores, num_threads, lambda: ProcessorTimes.read(self.cores))
                self._thread = threading.Thread(
                    target=self._run, args=(watch, self._ended, num_threads, say), name="core-sharing", daemon=True
                )
                self._thread.start()

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0 and self._thread is not None:
                self._ended.set()
                self._thread.join()
                self._thread = None

    def _run(self, watch: CoreWatch, ended: threading.Event, num_threads: int, say: Callable[[str], None]) -> None:
        short_waits: _ShortWaits | None = None
        current = self.cores
        try:
            # At irregular times, so that two programs that measure each other do not act at the same time.
            while not ended.wait(_INTERVAL_SECONDS * random.uniform(0.8, 1.2)):
                wanted = watch.check(time.monotonic())
                if wanted == current:
                    continue
                if watch.is_narrow and short_waits is None:
                    short_waits = _ShortWaits()
                    say(
                        f"Other programs use the processor: {num_threads} threads share {len(wanted)} of "
                        f"{len(self.cores)} cores meanwhile. Results stay the same."
                    )
                bind_threads(wanted)
                current = wanted
                if not watch.is_narrow and short_waits is not None:
                    short_waits.end()
                    short_waits = None
        finally:
            if current != self.cores:
                bind_threads(self.cores)
            if short_waits is not None:
                short_waits.end()


class _ShortWaits:
    """While this object exists, OpenMP's waiting threads sleep instead of spinning.

    libgomp spins for 1 microsecond instead of up to 3 milliseconds while it manages more threads than the process has cores
    (`gomp_throttled_spin_count_var` in its env.c). An additional team of idle threads raises the number above that. Without it,
    a waiting thread would occupy the core that the other thread needs.
    """

    def __init__(self) -> None:
        self._ended = threading.Event()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(ready,), name="openmp-team", daemon=True)
        self._thread.start()
        ready.wait()

    def _hold(self, ready: threading.Event) -> None:
        # The tensor is large enough for torch to divide the operation among threads, which creates the team.
        torch.zeros(1 << 18).add_(1.0)
        ready.set()
        self._ended.wait()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


def _can_share() -> bool:
    """Whether threads can be moved, and moving them helps: several cores, Linux, GNU's OpenMP, nothing bound by the user."""
    if sys.platform != "linux" or len(usable_cores()) < 2:
        return False
    if any(name in os.environ for name in _BINDINGS):
        return False
    try:
        libraries = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "libgomp" in libraries and "libiomp5" not in libraries


def bind_threads(cores: tuple[int, ...]) -> None:
    """Lets all threads of this process run on these cores only (Linux)."""
    if sys.platform != "linux":
        return
    for thread in os.listdir("/proc/self/task"):
        # A thread may have ended meanwhile, and another program may have narrowed what is allowed.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(thread), cores)


_SHARING = _Sharing()


@contextlib.contextmanager
def share_cores(say: Callable[[str], None] = lambda _: None, *, num_threads: int | None = None) -> Iterator[None]:
    """Within the block, this process's threads leave cores to other programs if this process is then faster. Results do not change.

    Args:
        say: called with a sentence for users when threads keep to fewer cores.
        num_threads: threads that share each operation; by default torch's setting.
    """
    _SHARING.begin(num_threads or torch.get_num_threads(), say)
    try:
        yield
    finally:
        _SHARING.end()


def use_all_cores() -> None:
    """Lets the threads of a child process run on all cores again, after its parent restricted the threads that were copied."""
    if sys.platform == "linux" and set(usable_cores()) < set(_SHARING.cores):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, _SHARING.cores)
