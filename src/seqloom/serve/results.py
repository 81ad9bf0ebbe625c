"""Submits work to a queue, and awaits its results until the deadline or until the client disconnects."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from seqloom.decoding.hypothesis import Generation
from seqloom.errors import PromptTooLongError, SeqloomError
from seqloom.serve.batcher import Batcher, ClosedError, QueueFullError, TextRequest
from seqloom.serve.http_errors import ClientDisconnectedError, HTTPError, busy

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


class PendingResult(Protocol[_Result]):
    """Submitted work: a text request or an explanation task."""

    @property
    def future(self) -> Future[_Result]:
        """Receives the result."""

    @property
    def deadline(self) -> float:
        """The time after which the result is not needed (`time.monotonic`, in seconds)."""

    def cancel(self) -> None:
        """Marks the work as no longer needed."""


def submit(enqueue: Callable[[Sequence[_Item]], None], items: Sequence[_Item]) -> None:
    """Puts work into a queue.

    Raises:
        HTTPError: 503 if the queue is full or the server is shutting down.
    """
    try:
        enqueue(items)
    except QueueFullError:
        raise busy("too many texts are waiting") from None
    except ClosedError:
        raise busy("the server is shutting down") from None


async def await_generations(
    batcher: Batcher, request: Request, text_requests: Sequence[TextRequest]
) -> list[Generation]:
    """Submits text requests and returns their generations, in order. All requests are cancelled when it returns or raises.

    Raises:
        HTTPError: 503 if the queue is full or the deadline has passed.
        ClientDisconnectedError: the client closed the connection.
    """
    submit(batcher.submit, text_requests)
    return [generation_of(result) for result in await await_results(request, text_requests)]


async def await_results(request: Request, items: Sequence[PendingResult[_Result]]) -> list[_Result | BaseException]:
    """The results of submitted work, in order; an exception is returned as a result. All work is cancelled at the end.

    Raises:
        HTTPError: 503 if the deadline has passed.
        ClientDisconnectedError: the client closed the connection.
    """
    disconnected = asyncio.ensure_future(wait_for_disconnect(request.receive))
    results = asyncio.gather(*(asyncio.wrap_future(item.future) for item in items), return_exceptions=True)
    # Reading the exception of a cancelled or failed gather prevents a message of asyncio that it was never retrieved.
    results.add_done_callback(lambda future: future.cancelled() or future.exception())
    try:
        timeout = min((item.deadline for item in items), default=time.monotonic()) - time.monotonic()
        both: set[asyncio.Future[Any]] = {disconnected, results}
        await asyncio.wait(both, timeout=max(0.0, timeout), return_when=asyncio.FIRST_COMPLETED)
        if results.done():
            return results.result()
        if disconnected.done():
            raise ClientDisconnectedError
        raise busy("the answer took longer than the time limit of a request")
    finally:
        disconnected.cancel()
        results.cancel()
        for item in items:
            item.cancel()


def generation_of(result: Generation | BaseException) -> Generation:
    """The generation of a text request, or the HTTP error for an exception.

    Raises:
        HTTPError: 503 if the request was cancelled, 400 if the prompt does not fit into the context, 500 if the run cannot decode
            the text.
    """
    if isinstance(result, asyncio.CancelledError):
        raise busy("the answer took longer than the time limit of a request")
    if isinstance(result, PromptTooLongError):
        raise HTTPError(400, f"Invalid request: {result}", code="context_length_exceeded", param="prompt") from result
    if isinstance(result, SeqloomError):
        raise HTTPError(500, f"the run cannot decode this: {result}") from result
    if isinstance(result, BaseException):
        raise result
    return result


async def wait_for_disconnect(receive: Receive) -> None:
    """Waits until the client disconnects. The body must have been read before."""
    while (await receive())["type"] != "http.disconnect":
        pass
