"""Batcher: decodes texts of many HTTP requests in batches. The result of a text does not depend on its batch.

Any thread may submit text requests, each with a text and its decoder. Their futures receive the results. A few threads decode.
Requests that arrive while these threads are busy form the next batch, so batches grow with the load. This module knows neither
HTTP nor search.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from seqloom.decoding.hypothesis import Generation

if TYPE_CHECKING:
    from seqloom.serve.prompt_scores import PromptScores


class BatchDecoder(Protocol):
    """Decodes texts with a run and its decoding settings. Only requests with the same decoder object share batches."""

    @property
    def run(self) -> str:
        """The name of the run."""

    def decode(self, text_requests: Sequence["TextRequest"]) -> list[Generation]:
        """A generation for each text request, in order."""


class TextRequest:
    """A text to decode, and the future that receives its generation.

    Attributes:
        draw_key: the key of its random numbers, for sampling.
        on_token: called with each new token on the decoding thread; returns whether to continue. None if the caller needs no
            tokens.
        deadline: the time after which the result is not needed (`time.monotonic`, in seconds).
        prompt_ids: the ids of a prompt to score instead of continuing it.
        prompt_scores: the scores of `prompt_ids`; the decoder sets them before it sets `future`. None without `prompt_ids`.
        future: receives the generation.
        cancelled: whether the result is no longer needed. A waiting request is then dropped; a request with `on_token` stops at
            its next token.
        submitted: the time of creation (`time.monotonic`, in seconds).
    """

    def __init__(
        self,
        decoder: BatchDecoder,
        text: str,
        *,
        draw_key: Sequence[int] = (0, 0, 0),
        on_token: Callable[..., bool] | None = None,
        deadline: float = float("inf"),
        prompt_ids: Sequence[int] = (),
    ) -> None:
        self.decoder = decoder
        self.text = text
        self.draw_key = tuple(draw_key)
        self.on_token = on_token
        self.deadline = deadline
        self.prompt_ids = tuple(prompt_ids)
        self.prompt_scores: PromptScores | None = None
        self.future: Future[Generation] = Future()
        self.cancelled = False
        self.submitted = time.monotonic()

    @property
    def expired(self) -> bool:
        """Whether the result is no longer needed: cancelled, or past its deadline."""
        return self.cancelled or self.future.cancelled() or time.monotonic() > self.deadline

    def cancel(self) -> None:
        """Marks the result as no longer needed."""
        self.cancelled = True
        self.future.cancel()


class QueueFullError(Exception):
    """The queue cannot take all submitted text requests."""


class ClosedError(Exception):
    """The queue is closed: the server is shutting down."""


class Batcher:
    """A bounded queue of text requests, and the threads that decode them."""

    def __init__(
        self,
        *,
        queue: int = 512,
        batch: int = 32,
        wait_ms: float = 2.0,
        workers: int = 1,
        prepare: Callable[[], object] = lambda: None,
        on_batch: Callable[[str, int, float], None] = lambda run, size, seconds: None,
    ) -> None:
        """Starts the threads.

        Args:
            queue: maximum number of waiting texts.
            batch: maximum number of texts in a batch.
            wait_ms: how long a free thread waits for more texts before it decodes, in milliseconds.
            workers: number of decoding threads.
            prepare: called once on each thread before it decodes.
            on_batch: called after each batch with the name of the run, the number of texts and the duration in seconds.
        """
        self.queue, self.batch, self.wait = queue, batch, wait_ms / 1000
        self._prepare, self._on_batch = prepare, on_batch
        self._pending: deque[TextRequest] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"decoder-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """The number of waiting texts."""
        return len(self._pending)

    def submit(self, text_requests: Sequence[TextRequest]) -> None:
        """Puts all text requests into the queue, or none of them.

        Raises:
            QueueFullError: the queue cannot take all of them.
            ClosedError: the batcher is closed.
        """
        with self._changed:
            if self._closed:
                raise ClosedError
            if len(self._pending) + len(text_requests) > self.queue:
                # Expired requests must not take capacity from new ones.
                self._pending = deque(text_request for text_request in self._pending if not text_request.expired)
            if len(self._pending) + len(text_requests) > self.queue:
                raise QueueFullError
            self._pending.extend(text_requests)
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the batcher accepts no more texts."""
        return self._closed

    def close(self) -> None:
        """Accepts no more texts; waiting texts are still decoded."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, seconds: float | None = None) -> bool:
        """After `close`, waits at most `seconds` until all texts are decoded. Returns whether all are."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        self._prepare()
        while batch := self._take():
            start = time.perf_counter()
            _decode(batch)
            self._on_batch(batch[0].decoder.run, len(batch), time.perf_counter() - start)

    def _take(self) -> list[TextRequest]:
        """Waits for the next batch and removes it from the queue; [] if the batcher is closed and the queue is empty."""
        with self._changed:
            while True:
                while self._pending and self._pending[0].expired:
                    self._pending.popleft().future.cancel()
                if self._pending:
                    first = self._pending[0]
                    remaining = first.submitted + self.wait - time.monotonic()
                    if remaining <= 0 or self._closed or self._num_matching(first) >= self.batch:
                        chosen = self._choose(first)
                        if chosen:
                            return chosen
                    else:
                        self._changed.wait(remaining)
                elif self._closed:
                    return []
                else:
                    self._changed.wait()

    def _num_matching(self, first: TextRequest) -> int:
        return sum(text_request.decoder is first.decoder for text_request in self._pending)

    def _choose(self, first: TextRequest) -> list[TextRequest]:
        """Removes a batch of requests with the decoder of `first` from the queue, in order."""
        chosen: list[TextRequest] = []
        rest: deque[TextRequest] = deque()
        for text_request in self._pending:
            if text_request.decoder is not first.decoder or len(chosen) == self.batch:
                rest.append(text_request)
            # This call marks the future as running; after it, `future.cancel` has no effect.
            elif not text_request.expired and text_request.future.set_running_or_notify_cancel():
                chosen.append(text_request)
        self._pending = rest
        return chosen


def _decode(batch: Sequence[TextRequest]) -> None:
    try:
        generations = batch[0].decoder.decode(batch)
    except BaseException as error:
        if len(batch) == 1 or any(text_request.on_token is not None for text_request in batch):
            for text_request in batch:
                text_request.future.set_exception(error)
        else:
            # Decode each request alone, so that only those that fail get the error.
            for text_request in batch:
                _decode([text_request])
    else:
        for text_request, generation in zip(batch, generations, strict=True):
            text_request.future.set_result(generation)
