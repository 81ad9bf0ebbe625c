"""Batches beside each other: in order, in threads or processes, whatever goes wrong in them."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch

from seqloom.decoding.workers import in_parallel
from seqloom.errors import DecodingError

APART = pytest.param(
    True, marks=pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
)


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def who(batch: int) -> tuple[int, int, str, int, bool]:
    # The later batches are done first.
    time.sleep(0.02 * (5 - batch))
    return (
        batch,
        os.getpid(),
        threading.current_thread().name,
        torch.get_num_threads(),
        torch.is_inference_mode_enabled(),
    )


@pytest.mark.parametrize("in_processes", [False, APART])
def test_results_come_in_order_from_workers_with_one_thread_each(in_processes: bool) -> None:
    found = list(in_parallel(range(6), who, in_processes=in_processes))
    assert [batch for batch, *_ in found] == list(range(6))
    assert len({(process, name) for _, process, name, _, _ in found}) > 1
    assert all((process != os.getpid()) == in_processes for _, process, *_ in found)
    assert {(threads, inference) for *_, threads, inference in found} == {(1, True)}
    assert torch.get_num_threads() == 3


def test_a_single_batch_has_all_threads_and_no_worker() -> None:
    assert list(in_parallel([7], lambda _: (os.getpid(), torch.get_num_threads()), in_processes=True)) == [
        (os.getpid(), 3)
    ]


def test_outside_the_main_thread_no_process_is_copied() -> None:
    found: list[int] = []
    thread = threading.Thread(
        target=lambda: found.extend(in_parallel(range(4), lambda _: os.getpid(), in_processes=True))
    )
    thread.start()
    thread.join()
    assert found == [os.getpid()] * 4


@pytest.mark.parametrize("in_processes", [False, APART])
def test_an_error_is_told_and_the_threads_are_as_they_were(in_processes: bool) -> None:
    def fail(batch: int) -> int:
        if batch == 2:
            raise DecodingError("batch 2 cannot be decoded")
        return batch

    with pytest.raises(DecodingError, match="batch 2 cannot"):
        list(in_parallel(range(50), fail, in_processes=in_processes))
    assert torch.get_num_threads() == 3


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
def test_a_process_that_is_killed_is_told_of() -> None:
    def die(batch: int) -> int:
        if batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return batch

    with pytest.raises(DecodingError, match=r"memory ran out.*--threads"):
        list(in_parallel(range(6), die, in_processes=True))
    assert torch.get_num_threads() == 3


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
def test_a_process_leaves_ctrl_c_to_the_first_one() -> None:
    def hit(batch: int) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return batch

    assert list(in_parallel(range(6), hit, in_processes=True)) == list(range(6))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")
@pytest.mark.parametrize("reason", ["Ctrl-C", "closed"])
def test_processes_stop_where_they_are_when_nobody_waits_for_them(tmp_path: Path, reason: str) -> None:
    def sleep(batch: int) -> int:
        (tmp_path / f"begun-{batch}").touch()
        if batch:
            time.sleep(20)
            (tmp_path / "slept").touch()
        return batch

    found = in_parallel(range(3), sleep, in_processes=True)
    assert isinstance(found, Generator)
    assert next(found) == 0
    while not (tmp_path / "begun-1").exists():
        time.sleep(0.01)
    if reason == "closed":
        found.close()
    else:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            next(found)
    assert not multiprocessing.active_children()
    assert not (tmp_path / "slept").exists()
    assert torch.get_num_threads() == 3
