"""Explainer: computes explanations one after another on its own thread.

The thread uses one core and, on Linux, has a lower priority than the decoding threads, so that explanations do not delay
translations. Each task explains a text with a run; its future receives JSON. This module does not know HTTP.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from seqloom import machine
from seqloom.serve.batcher import ClosedError, QueueFullError


class TaskCancelledError(Exception):
    """The explanation is no longer needed: cancelled, or past its deadline."""


class ExplanationTask:
    """An explanation to compute.

    Attributes:
        run: the name of the run.
        deadline: the time after which the result is not needed (`time.monotonic`, in seconds).
        future: receives the JSON; `Explainer.submit` replaces it.
    """

    def __init__(self, run: str, work: Callable[[Callable[[], None]], bytes], *, deadline: float) -> None:
        """Creates a task.

        Args:
            work: computes the explanation. Its argument is `check_cancelled`, which it must call between its steps.
        """
        self.run = run
        self.deadline = deadline
        self.future: Future[bytes] = Future()
        self._work = work
        self._cancelled = False

    def cancel(self) -> None:
        """Marks the explanation as no longer needed."""
        self._cancelled = True
        self.future.cancel()

    def check_cancelled(self) -> None:
        """Checks that the explanation is still needed.

        Raises:
            TaskCancelledError: the task was cancelled, or its deadline has passed.
        """
        if self._cancelled or time.monotonic() > self.deadline:
            raise TaskCancelledError

    def compute(self) -> bytes:
        """Computes the explanation, as JSON.

        Raises:
            TaskCancelledError: the task was cancelled, or its deadline has passed.
        """
        self.check_cancelled()
        return self._work(self.check_cancelled)


class Explainer:
    """A bounded queue of tasks, and the thread that computes them."""

    def __init__(self, *, queue: int, on_explanation: Callable[[str, float], None] = lambda run, seconds: None) -> None:
        """Starts the thread.

        Args:
            queue: maximum number of tasks that wait or are being computed.
            on_explanation: called after each task with the name of the run and the duration in seconds.
        """
        self._on_explanation = on_explanation
        self._capacity = queue
        # Reentrant: a future that is already cancelled calls `_on_done` within `submit`, on the same thread.
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(1, "explainer", initializer=_prepare_thread)
        self._num_tasks = 0
        self._closed = False

    def __len__(self) -> int:
        """The number of tasks that wait or are being computed."""
        return self._num_tasks

    def submit(self, tasks: Sequence[ExplanationTask]) -> None:
        """Puts all tasks into the queue, or none of them.

        Raises:
            QueueFullError: the queue cannot take all of them.
            ClosedError: the explainer is closed.
        """
        with self._lock:
            if self._closed:
                raise ClosedError
            if self._num_tasks + len(tasks) > self._capacity:
                raise QueueFullError
            self._num_tasks += len(tasks)
            for task in tasks:
                task.future = self._pool.submit(self._compute, task)
                task.future.add_done_callback(self._on_done)

    def close(self) -> None:
        """Accepts no more tasks; waiting tasks are still computed."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False)

    def _compute(self, task: ExplanationTask) -> bytes:
        begin = time.perf_counter()
        try:
            return task.compute()
        finally:
            self._on_explanation(task.run, time.perf_counter() - begin)

    def _on_done(self, future: Future[bytes]) -> None:
        with self._lock:
            self._num_tasks -= 1


def _prepare_thread() -> None:
    machine.set_threads(1)
    machine.stand_back()
