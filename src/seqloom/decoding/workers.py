"""Workers: process batches in parallel on a CPU. Each worker uses one thread, because the operations of a step are small.

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
    batches: Sequence[_Batch], process_batch: Callable[[_Batch], _Result], *, in_processes: bool
) -> Iterator[_Result]:
    """Yields `process_batch(batch)` for each batch, in order. The number of workers is torch's number of threads.

    Args:
        in_processes: whether workers may be forked processes, of which only the results come back; otherwise they are threads.
            Only one thread at a time can run Python code (the GIL): two threads decode 1.6 to 1.75 times as fast as one, two
            processes 1.9 times (benchmarks/README.md).

    Raises:
        DecodingError: a process ended before it finished its batch.
    """
    threads = torch.get_num_threads()
    workers = min(threads, len(batches))
    if workers <= 1:
        # The only worker uses all of torch's threads. If other programs are busy, these threads leave them their cores.
        with share_cores():
            yield from map(process_batch, batches)
        return
    try:
        with _pool(workers, batches, process_batch, in_processes=in_processes and _may_fork()) as (pool, work):
            yield from pool.map(work, range(len(batches)))
    except BrokenProcessPool:
        raise DecodingError(
            "a decoding process was ended from outside, perhaps because memory ran out. Try fewer --threads, or a smaller "
            "decoding.batch_tokens."
        ) from None
    finally:
        # The thread pool set the number to 1. New threads take the number that was set last, so it is set back.
        torch.set_num_threads(threads)


def _may_fork() -> bool:
    """Whether workers may be forked processes. A lock that another thread holds during the fork stays locked in the copy.

    In the main thread this is safe: decoding in the copy takes no lock that other threads of this program hold. In a server it is
    not: it decodes outside the main thread, and threads of its libraries may hold any lock.
    """
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


@contextmanager
def _pool(
    workers: int, batches: Sequence[_Batch], process_batch: Callable[[_Batch], _Result], *, in_processes: bool
) -> Iterator[tuple[Executor, Callable[[int], _Result]]]:
    """A pool, and the function to submit to it with the index of each batch.

    After Ctrl-C or an error, batches that have not begun are cancelled. Processes are killed; threads finish their batch.
    """

    def work(index: int) -> _Result:
        with torch.inference_mode():
            return process_batch(batches[index])

    if not in_processes:
        threads = ThreadPoolExecutor(workers, "decoding", initializer=torch.set_num_threads, initargs=(1,))
        with _ending(threads):
            yield threads, work
        return
    earlier_children = set(active_children())
    with warnings.catch_warnings():
        # Python 3.12 warns whenever a process with threads is copied, and torch always has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        # The copies inherit `work`, so it is not pickled. They are made when the first batch is submitted.
        processes = ProcessPoolExecutor(workers, get_context("fork"), _begin, (work,))
        with _ending(processes):
            try:
                yield processes, _work
            except BaseException:
                for child in set(active_children()) - earlier_children:
                    child.kill()
                raise


@contextmanager
def _ending(pool: Executor) -> Iterator[None]:
    try:
        yield
    finally:
        pool.shutdown(cancel_futures=True)


# In a forked process: the parent's streams, which it must neither write to nor close; and the `work` of its pool.
_kept: dict[str, Any] = {}
_inherited: Callable[[int], Any] | None = None


def _begin(work: Callable[[int], Any]) -> None:
    """Prepares a new process: its streams, signals and threads."""
    global _inherited
    _inherited = work
    # The copy of the parent's buffer may hold text, which must not be written twice.
    sys.stdout, _kept["stdout"] = io.StringIO(), sys.stdout
    # Ctrl-C reaches all processes; only the parent handles it. If the parent is killed, its copies are killed too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    torch.set_num_threads(1)
    # `share_cores` may have restricted the parent to some cores, and nothing would lift that restriction in the copy.
    use_all_cores()


def _work(index: int) -> Any:
    assert _inherited is not None
    return _inherited(index)
