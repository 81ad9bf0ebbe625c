"""Workers: batches are handled beside each other on a CPU, one thread each, because a step's operations are too small to share.

Batches and what to make of one enter, results leave in order. Workers do not know models, texts or search.
"""

import ctypes
import io
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

import torch

from seqloom.core_sharing import share_cores, use_all_cores
from seqloom.errors import DecodingError

_Batch = TypeVar("_Batch")
_Result = TypeVar("_Result")

# prctl's option (linux/prctl.h).
_PR_SET_PDEATHSIG = 1


def beside_each_other(
    batches: Sequence[_Batch], finish: Callable[[_Batch], _Result], *, apart: bool
) -> Iterator[_Result]:
    """What `finish` makes of each batch, in order; as many are under way as torch has threads.

    Args:
        apart: whether copies of this process may do it, which hand back nothing but results. Threads wait for each other whenever
            Python is at work: two of them decode 1.6 to 1.75 times as fast as one, two processes 1.9 (benchmarks/README.md).

    Raises:
        DecodingError: a process ended before its work did.
    """
    threads = torch.get_num_threads()
    workers = min(threads, len(batches))
    if workers <= 1:
        with share_cores():
            yield from map(finish, batches)
        return
    try:
        with _pool(workers, batches, finish, apart=apart and _may_fork()) as (pool, work):
            yield from pool.map(work, range(len(batches)))
    except BrokenProcessPool:
        raise DecodingError(
            "a process that decoded was ended from outside, perhaps for want of memory. Try fewer --threads, or a smaller "
            "decoding.batch_tokens."
        ) from None
    finally:
        # A thread's setting is also what threads that are made later begin with.
        torch.set_num_threads(threads)


def _may_fork() -> bool:
    """Whether this process may be copied: a lock that another thread holds meanwhile would stay closed in the copy for ever.

    The copies take no lock that this program holds outside its main thread, but a server's threads are many and not ours alone.
    """
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


@contextmanager
def _pool(
    workers: int, batches: Sequence[_Batch], finish: Callable[[_Batch], _Result], *, apart: bool
) -> Iterator[tuple[Executor, Callable[[int], _Result]]]:
    """A pool, and what it can be asked to do with the number of a batch.

    After Ctrl-C or an error what has not begun is not begun any more, and processes stop where they are; threads cannot.
    """

    def work(number: int) -> _Result:
        with torch.inference_mode():
            return finish(batches[number])

    if not apart:
        threads = ThreadPoolExecutor(workers, "decoding", initializer=torch.set_num_threads, initargs=(1,))
        with _ending(threads):
            yield threads, work
        return
    others = set(active_children())
    with warnings.catch_warnings():
        # Python 3.12 warns of every copy of a process with threads, and torch's own are always there.
        warnings.simplefilter("ignore", DeprecationWarning)
        # What the copies inherit needs no pickling; they are made when the first batch is handed in.
        processes = ProcessPoolExecutor(workers, get_context("fork"), _begin, (work,))
        with _ending(processes):
            try:
                yield processes, _work
            except BaseException:
                for child in set(active_children()) - others:
                    child.kill()
                raise


@contextmanager
def _ending(pool: Executor) -> Iterator[None]:
    try:
        yield
    finally:
        pool.shutdown(cancel_futures=True)


# Streams that a copy must neither write to nor close.
_kept: dict[str, Any] = {}
_inherited: Callable[[int], Any] | None = None


def _begin(work: Callable[[int], Any]) -> None:
    """A process begins."""
    global _inherited
    _inherited = work
    # What the first process has not written yet must not be written by its copies too.
    sys.stdout, _kept["stdout"] = io.StringIO(), sys.stdout
    # Ctrl-C reaches all processes; the first one says what then happens. If it is killed, nobody is left behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    torch.set_num_threads(1)
    use_all_cores()


def _work(number: int) -> Any:
    assert _inherited is not None
    return _inherited(number)
