"""Batcher: texts of many requests -> the same results as one at a time, decoded together.

Tickets enter from any thread, each with a text and the manner in which it is to be written; generations leave through their
futures. A few threads decode. Whatever waits while they work goes into the next batch, so batches grow with the load. It does not
know HTTP, and it does not know how a run writes.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from seqloom.decoding.hypothesis import Generation


class Manner(Protocol):
    """How a text is to be written. Texts of the very same manner (the same object) are decoded together."""

    @property
    def run(self) -> str:
        """Which run writes."""

    def write(self, tickets: Sequence["Ticket"]) -> list[Generation]:
        """One generation for each ticket."""


class Ticket:
    """A text on its way through the batcher.

    Attributes:
        draw_key: what its random numbers follow from, where it is sampled.
        hear: told of each token as it is written (a `decoding.generator.Hear`), on the thread that decodes; None for no such wish.
        deadline: when nobody will wait for it any more (`time.monotonic`).
        future: where the generation arrives.
        abandoned: whether nobody waits any more; what has not begun is dropped, what is listened to stops.
    """

    def __init__(
        self,
        manner: Manner,
        text: str,
        *,
        draw_key: Sequence[int] = (0, 0, 0),
        hear: Callable[..., bool] | None = None,
        deadline: float = float("inf"),
    ) -> None:
        self.manner = manner
        self.text = text
        self.draw_key = tuple(draw_key)
        self.hear = hear
        self.deadline = deadline
        self.future: Future[Generation] = Future()
        self.abandoned = False
        self.since = time.monotonic()

    @property
    def dead(self) -> bool:
        """Whether nobody waits for it."""
        return self.abandoned or self.future.cancelled() or time.monotonic() > self.deadline

    def abandon(self) -> None:
        """Says that nobody waits any more."""
        self.abandoned = True
        self.future.cancel()


class QueueFullError(Exception):
    """There is no room for so many texts."""


class ClosedError(Exception):
    """The batcher takes no more texts."""


class Batcher:
    """A bounded queue of tickets, and the threads that decode them."""

    def __init__(
        self,
        *,
        queue: int = 512,
        batch: int = 32,
        wait_ms: float = 2.0,
        workers: int = 1,
        prepare: Callable[[], object] = lambda: None,
        watch: Callable[[str, int, float], None] = lambda run, size, seconds: None,
    ) -> None:
        """Starts the threads.

        Args:
            queue: the most texts that wait.
            batch: the most texts that are decoded together.
            wait_ms: how long a text waits for others when no thread is busy.
            prepare: called once on each thread.
            watch: told of each batch: run, texts, seconds.
        """
        self.queue, self.batch, self.wait = queue, batch, wait_ms / 1000
        self._prepare, self._watch = prepare, watch
        self._waiting: deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"decoder-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """How many texts wait."""
        return len(self._waiting)

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Takes all of the tickets, or none.

        Raises:
            QueueFullError: there is no room for them.
            ClosedError: no more texts are taken.
        """
        with self._changed:
            if self._closed:
                raise ClosedError
            if len(self._waiting) + len(tickets) > self.queue:
                # Those that nobody waits for should keep nobody out.
                self._waiting = deque(ticket for ticket in self._waiting if not ticket.dead)
            if len(self._waiting) + len(tickets) > self.queue:
                raise QueueFullError
            self._waiting.extend(tickets)
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether no more texts are taken."""
        return self._closed

    def close(self) -> None:
        """Takes no more texts; what waits is still decoded."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, seconds: float | None = None) -> bool:
        """Waits until all is decoded, after `close`; whether it is."""
        until = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        self._prepare()
        while batch := self._take():
            start = time.perf_counter()
            _write(batch)
            self._watch(batch[0].manner.run, len(batch), time.perf_counter() - start)

    def _take(self) -> list[Ticket]:
        """The next batch, as soon as there is one; empty when all is done."""
        with self._changed:
            while True:
                while self._waiting and self._waiting[0].dead:
                    self._waiting.popleft().future.cancel()
                if self._waiting:
                    first = self._waiting[0]
                    patience = first.since + self.wait - time.monotonic()
                    if patience <= 0 or self._closed or self._alike(first) >= self.batch:
                        chosen = self._choose(first)
                        if chosen:
                            return chosen
                    else:
                        self._changed.wait(patience)
                elif self._closed:
                    return []
                else:
                    self._changed.wait()

    def _alike(self, first: Ticket) -> int:
        return sum(ticket.manner is first.manner for ticket in self._waiting)

    def _choose(self, first: Ticket) -> list[Ticket]:
        """Takes those of one manner out of the queue, in their order."""
        chosen: list[Ticket] = []
        left: deque[Ticket] = deque()
        for ticket in self._waiting:
            if ticket.manner is not first.manner or len(chosen) == self.batch:
                left.append(ticket)
            # From here on it cannot be cancelled.
            elif not ticket.dead and ticket.future.set_running_or_notify_cancel():
                chosen.append(ticket)
        self._waiting = left
        return chosen


def _write(batch: Sequence[Ticket]) -> None:
    try:
        found = batch[0].manner.write(batch)
    except BaseException as error:
        if len(batch) == 1 or any(ticket.hear is not None for ticket in batch):
            for ticket in batch:
                ticket.future.set_exception(error)
        else:
            # What is wrong with one must not be the others' loss.
            for ticket in batch:
                _write([ticket])
    else:
        for ticket, generation in zip(batch, found, strict=True):
            ticket.future.set_result(generation)
