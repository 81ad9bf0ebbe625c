"""Core sharing: what is decided from counters, and that results do not change."""

import os
import subprocess
import sys
import threading
import time

import pytest
import torch

from seqloom.core_sharing import (
    MOST_OTHER_CORES,
    CoreWatch,
    OtherWork,
    ProcessorTimes,
    bind_threads,
    cores_to_use,
    share_cores,
    usable_cores,
)

LINUX = sys.platform == "linux"


@pytest.mark.parametrize(
    ("num_cores", "num_threads", "others", "expected"),
    [
        (2, 2, 0.0, 2),
        (2, 2, 1.0, 1),
        (2, 2, 2.0, 1),
        # A thread of its own for each operation has room beside one other program.
        (2, 1, 1.0, 2),
        # Four threads on three cores take as long as on two, and the fourth shares its core no worse than before.
        (4, 4, 1.0, 4),
        (4, 4, 2.0, 2),
        (4, 3, 2.0, 2),
        (8, 8, 5.0, 3),
        (8, 8, 8.0, 1),
    ],
)
def test_threads_keep_to_cores_that_others_leave(
    num_cores: int, num_threads: int, others: float, expected: int
) -> None:
    assert cores_to_use(num_cores, num_threads, others) == expected


class Machine:
    """Counters of two cores that tests set."""

    def __init__(self) -> None:
        self.busy = [0.0, 0.0]
        self.own = 0.0
        self.now = 0.0

    def spend(self, own: float, *busy: float) -> None:
        self.now += 1.0
        self.own += own
        self.busy = [before + more for before, more in zip(self.busy, busy, strict=True)]

    def read(self) -> ProcessorTimes:
        return ProcessorTimes(tuple(self.busy), self.own)


def watched(machine: Machine) -> CoreWatch:
    watch = CoreWatch((0, 1), 2, machine.read)
    watch.check(machine.now)
    return watch


def looks(watch: CoreWatch, machine: Machine, times: int, own: float, *busy: float) -> list[tuple[int, ...]]:
    found = []
    for _ in range(times):
        machine.spend(own, *busy)
        found.append(watch.check(machine.now))
    return found


def test_own_work_alone_changes_nothing() -> None:
    machine = Machine()
    watch = watched(machine)
    assert set(looks(watch, machine, 10, 2.0, 1.0, 1.0)) == {(0, 1)}
    assert not watch.is_narrow


def test_short_work_of_others_changes_nothing() -> None:
    machine = Machine()
    watch = watched(machine)
    for _ in range(5):
        assert looks(watch, machine, 1, 1.2, 1.0, 1.0) == [(0, 1)]
        assert looks(watch, machine, 1, 1.9, 1.0, 1.0) == [(0, 1)]


def test_threads_go_to_one_core_and_come_back() -> None:
    machine = Machine()
    watch = watched(machine)
    first, second = looks(watch, machine, 2, 1.3, 1.0, 1.0)
    assert first == (0, 1)
    assert second in {(0,), (1,)}
    assert watch.is_narrow
    # It stays, as long as the other program does.
    assert set(looks(watch, machine, 20, 1.0, 1.0, 1.0)) == {second}
    ours, theirs = (1.0, 0.0) if second == (0,) else (0.0, 1.0)
    assert looks(watch, machine, 4, 1.0, ours, theirs)[-1] == (0, 1)
    assert not watch.is_narrow


def test_threads_leave_a_core_that_another_program_stays_on() -> None:
    machine = Machine()
    watch = watched(machine)
    (mine,) = looks(watch, machine, 2, 1.3, 1.0, 1.0)[-1]
    busy = (1.0, 0.0) if mine == 0 else (0.0, 1.0)
    # By chance, with one half at each look.
    assert (1 - mine,) in looks(watch, machine, 60, 0.5, *busy)


@pytest.mark.skipif(not LINUX or len(usable_cores()) < 2, reason="threads are moved on Linux, between several cores")
def test_threads_share_a_core_beside_a_busy_process_and_results_stay() -> None:
    def result() -> torch.Tensor:
        torch.manual_seed(0)
        left, right = torch.randn(512, 512), torch.randn(512, 512)
        for _ in range(40):
            left = torch.tanh(left @ right / 20) + torch.tanh(left.sum(0))
        return left

    threads, cores = torch.get_num_threads(), usable_cores()
    torch.set_num_threads(len(cores))
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in cores]
    said = threading.Event()
    messages: list[str] = []

    def say(message: str) -> None:
        messages.append(message)
        said.set()

    try:
        expected = result()
        with share_cores(say):
            # Someone has to use the processor for it to be shared.
            end = time.monotonic() + 30
            while not said.is_set() and time.monotonic() < end:
                result()
            time.sleep(0.1)
            narrowed = os.sched_getaffinity(0)
            torch.testing.assert_close(result(), expected, rtol=0, atol=0)
        assert set(narrowed) < set(cores)
        assert "Results stay the same" in messages[0]
    finally:
        for process in busy:
            process.kill()
            process.wait()
        torch.set_num_threads(threads)
        bind_threads(cores)
    assert usable_cores() == cores


def test_other_work_is_measured_without_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter(
        [(0.0, ProcessorTimes((5.0, 5.0), 1.0)), (10.0, ProcessorTimes((15.0, 12.0), 11.0))] * 2
        + [(0.0, ProcessorTimes((0.0, 0.0), 0.0)), (0.1, ProcessorTimes((1.0, 1.0), 0.0))]
    )
    monkeypatch.setattr(OtherWork, "_read", lambda _: next(readings))
    # Both cores worked for 17 seconds within 10, of which 10 are ours.
    assert OtherWork().mean_cores() == pytest.approx(0.7)
    assert OtherWork().mean_cores() > MOST_OTHER_CORES
    # A tenth of a second tells nothing.
    assert OtherWork().mean_cores() == 0.0


def test_a_busy_child_is_our_own_work_and_another_program_is_not() -> None:
    code = "import time\nwhile time.process_time() < 0.6: pass"
    other_work = OtherWork()
    begin = ProcessorTimes.read(usable_cores(), for_report=True)
    subprocess.run([sys.executable, "-c", code], check=True)
    end = ProcessorTimes.read(usable_cores(), for_report=True)
    assert end.own - begin.own > 0.3
    assert sum(end.cores) - sum(begin.cores) > 0.3
    assert 0 <= other_work.mean_cores() <= len(usable_cores())


@pytest.mark.skipif(not LINUX, reason="threads are moved on Linux only")
def test_all_cores_come_back_to_threads_that_ended_the_block() -> None:
    cores = usable_cores()
    with share_cores(), share_cores():
        pass
    assert usable_cores() == cores
    assert not any(thread.name in ("core-sharing", "openmp-team") for thread in threading.enumerate())
