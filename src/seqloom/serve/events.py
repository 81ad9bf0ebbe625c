"""Events: an answer that is sent piece by piece (server-sent events), as long as somebody reads it."""

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.types import Receive, Scope, Send

from seqloom.serve.refusals import ClientLeftError
from seqloom.serve.waiting import departure

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Proxies that would collect the answer before they pass it on.
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """An ASGI answer. However it ends, `close` is called."""

    def __init__(self, events: AsyncIterator[bytes], close: Callable[[], None]) -> None:
        self._events, self._close = events, close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events.

        Raises:
            ClientLeftError: nobody reads them any more.
        """
        left = asyncio.ensure_future(departure(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while True:
                coming = asyncio.ensure_future(anext(self._events, None))
                await asyncio.wait({left, coming}, return_when=asyncio.FIRST_COMPLETED)
                if left.done():
                    coming.cancel()
                    await asyncio.wait({coming})
                    raise ClientLeftError
                event = coming.result()
                if event is None:
                    break
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            raise ClientLeftError from None
        finally:
            left.cancel()
            self._close()
