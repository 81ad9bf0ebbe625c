"""Explainer: looks inside runs for requests, one after another, beside the batcher and behind it.

Tasks enter, each of one run; JSON leaves through their futures. A thread of its own does the work, on one core at most and, where
the system can, with less right to it than the threads that decode: explanations keep no translation waiting. It does not know HTTP.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from seqloom import machine
from seqloom.serve.batcher import ClosedError, QueueFullError


class GoneError(Exception):
    """Nobody waits for the explanation any more."""


class Task:
    """An explanation on its way.

    Attributes:
        run: the run's name.
        deadline: when nobody will wait for it any more (`time.monotonic`).
        future: where the JSON arrives, once it was handed in.
    """

    def __init__(self, run: str, work: Callable[[Callable[[], None]], bytes], *, deadline: float) -> None:
        """Makes it.

        Args:
            work: explains; what it is given raises GoneError as soon as nobody waits any more.
        """
        self.run = run
        self.deadline = deadline
        self.future: Future[bytes] = Future()
        self._work = work
        self._abandoned = False

    def abandon(self) -> None:
        """Says that nobody waits any more."""
        self._abandoned = True
        self.future.cancel()

    def goes_on(self) -> None:
        """Says whether to go on.

        Raises:
            GoneError: nobody waits.
        """
        if self._abandoned or time.monotonic() > self.deadline:
            raise GoneError

    def do(self) -> bytes:
        """Does the work."""
        self.goes_on()
        return self._work(self.goes_on)


class Explainer:
    """A bounded queue of tasks, and the thread that does them."""

    def __init__(self, *, queue: int, watch: Callable[[str, float], None] = lambda run, seconds: None) -> None:
        """Starts it.

        Args:
            queue: the most tasks that wait or are being done.
            watch: told of each explanation: run, seconds.
        """
        self._watch = watch
        self._room = queue
        # Leaving may happen while a task is handed in, on the same thread.
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(1, "explainer", initializer=_settle)
        self._waiting = 0
        self._closed = False

    def __len__(self) -> int:
        """How many tasks wait or are being done."""
        return self._waiting

    def submit(self, tasks: Sequence[Task]) -> None:
        """Takes all of the tasks, or none.

        Raises:
            QueueFullError: there is no room for them.
            ClosedError: no more are taken.
        """
        with self._lock:
            if self._closed:
                raise ClosedError
            if self._waiting + len(tasks) > self._room:
                raise QueueFullError
            self._waiting += len(tasks)
            for task in tasks:
                task.future = self._pool.submit(self._do, task)
                task.future.add_done_callback(self._leave)

    def close(self) -> None:
        """Takes no more tasks; what waits is still done."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False)

    def _do(self, task: Task) -> bytes:
        begin = time.perf_counter()
        try:
            return task.do()
        finally:
            self._watch(task.run, time.perf_counter() - begin)

    def _leave(self, future: Future[bytes]) -> None:
        with self._lock:
            self._waiting -= 1


def _settle() -> None:
    machine.set_threads(1)
    machine.stand_back()
