"""Workers: batches in parallel on a CPU, one thread each, because the operations of a step are too small for several threads.

Input: batches and a function; output: results in order. Workers do not know models, texts or search.
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


def in_parallel(
    batches: Sequence[_Batch], finish: Callable[[_Batch], _Result], *, in_processes: bool
) -> Iterator[_Result]:
    """Yields `finish(batch)` for each batch, in order; as many batches at a time as torch has threads.

    Args:
        in_processes: whether copies of this process may do the work; they return results only. Threads wait for each other while
            Python code runs: two threads decode 1.6 to 1.75 times as fast as one, two processes 1.9 (benchmarks/README.md).

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
        with _pool(workers, batches, finish, in_processes=in_processes and _may_fork()) as (pool, work):
            yield from pool.map(work, range(len(batches)))
    except BrokenProcessPool:
        raise DecodingError(
            "a decoding process was ended from outside, perhaps because memory ran out. Try fewer --threads, or a smaller "
            "decoding.batch_tokens."
        ) from None
    finally:
        # Threads that are made later begin with the setting of this thread.
        torch.set_num_threads(threads)


def _may_fork() -> bool:
    """Whether this process may be copied. A lock that another thread holds at that time would stay locked in the copy.

    The copies take no lock that this program holds outside its main thread. A server's threads are many and not ours alone.
    """
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


@contextmanager
def _pool(
    workers: int, batches: Sequence[_Batch], finish: Callable[[_Batch], _Result], *, in_processes: bool
) -> Iterator[tuple[Executor, Callable[[int], _Result]]]:
    """A pool, and the function that it calls with the number of a batch.

    After Ctrl-C or an error, batches that have not begun are left out. Processes stop at once; threads finish their batch.
    """

    def work(number: int) -> _Result:
        with torch.inference_mode():
            return finish(batches[number])

    if not in_processes:
        threads = ThreadPoolExecutor(workers, "decoding", initializer=torch.set_num_threads, initargs=(1,))
        with _ending(threads):
            yield threads, work
        return
    others = set(active_children())
    with warnings.catch_warnings():
        # Python 3.12 warns whenever a process with threads is copied, and torch always has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        # The copies inherit `work`, so it is not pickled. They are made when the first batch is submitted.
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


# Streams of the first process, which a copy must neither write to nor close.
_kept: dict[str, Any] = {}
_inherited: Callable[[int], Any] | None = None


def _begin(work: Callable[[int], Any]) -> None:
    """Prepares a new process: its streams, signals and threads."""
    global _inherited
    _inherited = work
    # The copies must not write what the first process has in its buffer.
    sys.stdout, _kept["stdout"] = io.StringIO(), sys.stdout
    # Ctrl-C reaches all processes, and the first process handles it. If the first process is killed, the copies end too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    torch.set_num_threads(1)
    use_all_cores()


def _work(number: int) -> Any:
    assert _inherited is not None
    return _inherited(number)
