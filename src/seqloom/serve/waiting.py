"""Waiting: tickets -> what becomes of them, as long as the client waits and no longer than a request may take."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from seqloom.decoding.hypothesis import Generation
from seqloom.errors import SeqloomError
from seqloom.serve.batcher import Batcher, ClosedError, QueueFullError, Ticket
from seqloom.serve.refusals import ClientLeftError, RefusedError, busy

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


class Awaited(Protocol[_Result]):
    """Work that was handed in: a ticket, or the task of an explanation."""

    @property
    def future(self) -> Future[_Result]:
        """Where its result arrives."""

    @property
    def deadline(self) -> float:
        """Until when somebody waits (`time.monotonic`)."""

    def abandon(self) -> None:
        """Says that nobody waits any more."""


def submit(take: Callable[[Sequence[_Item]], None], items: Sequence[_Item]) -> None:
    """Hands work in.

    Raises:
        RefusedError: 503 where there is no room for it, or the server ends.
    """
    try:
        take(items)
    except QueueFullError:
        raise busy("too many texts are waiting") from None
    except ClosedError:
        raise busy("the server is shutting down") from None


async def answers(batcher: Batcher, request: Request, tickets: Sequence[Ticket]) -> list[Generation]:
    """The generations of tickets, in their order; nothing of them goes on when this ends.

    Raises:
        RefusedError: 503 where the queue is full or time is up.
        ClientLeftError: nobody waits any more.
    """
    submit(batcher.submit, tickets)
    return [outcome(result) for result in await outcomes(request, tickets)]


async def outcomes(request: Request, items: Sequence[Awaited[_Result]]) -> list[_Result | BaseException]:
    """The results of work that was handed in, in its order; nothing of it goes on when this ends.

    Raises:
        RefusedError: 503 where time is up.
        ClientLeftError: nobody waits any more.
    """
    left = asyncio.ensure_future(departure(request.receive))
    found = asyncio.gather(*(asyncio.wrap_future(item.future) for item in items), return_exceptions=True)
    # Where nobody waits any more, nobody looks at what is cancelled.
    found.add_done_callback(lambda future: future.cancelled() or future.exception())
    try:
        patience = min((item.deadline for item in items), default=time.monotonic()) - time.monotonic()
        both: set[asyncio.Future[Any]] = {left, found}
        await asyncio.wait(both, timeout=max(0.0, patience), return_when=asyncio.FIRST_COMPLETED)
        if found.done():
            return found.result()
        if left.done():
            raise ClientLeftError
        raise busy("the answer did not come within the time that a request may take")
    finally:
        left.cancel()
        found.cancel()
        for item in items:
            item.abandon()


def outcome(result: Generation | BaseException) -> Generation:
    """A generation, or why there is none.

    Raises:
        RefusedError: the run cannot write what was asked for.
    """
    if isinstance(result, asyncio.CancelledError):
        raise busy("the answer did not come within the time that a request may take")
    if isinstance(result, SeqloomError):
        raise RefusedError(500, f"the run cannot decode this: {result}") from result
    if isinstance(result, BaseException):
        raise result
    return result


async def departure(receive: Receive) -> None:
    """Returns when the client has gone. The body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
