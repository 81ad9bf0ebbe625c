"""Waiting: tickets -> their generations, as long as the client waits and no longer than a request may take."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.types import Receive

from seqloom.decoding.hypothesis import Generation
from seqloom.errors import SeqloomError
from seqloom.serve.batcher import Batcher, ClosedError, QueueFullError, Ticket
from seqloom.serve.refusals import ClientLeftError, RefusedError, busy


def submit(batcher: Batcher, tickets: Sequence[Ticket]) -> None:
    """Hands tickets in.

    Raises:
        RefusedError: 503 where there is no room for them, or the server ends.
    """
    try:
        batcher.submit(tickets)
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
    submit(batcher, tickets)
    left = asyncio.ensure_future(departure(request.receive))
    found = asyncio.gather(*(asyncio.wrap_future(ticket.future) for ticket in tickets), return_exceptions=True)
    # Where nobody waits any more, nobody looks at what is cancelled.
    found.add_done_callback(lambda future: future.cancelled() or future.exception())
    try:
        patience = min((ticket.deadline for ticket in tickets), default=time.monotonic()) - time.monotonic()
        both: set[asyncio.Future[Any]] = {left, found}
        await asyncio.wait(both, timeout=max(0.0, patience), return_when=asyncio.FIRST_COMPLETED)
        if found.done():
            return [outcome(result) for result in found.result()]
        if left.done():
            raise ClientLeftError
        raise busy("the answer did not come within the time that a request may take")
    finally:
        left.cancel()
        found.cancel()
        for ticket in tickets:
            ticket.abandon()


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
