"""Event stream: a response of server-sent events that ends early when the client disconnects."""

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.types import Receive, Scope, Send

from seqloom.serve.http_errors import ClientDisconnectedError
from seqloom.serve.results import wait_for_disconnect

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Asks proxies such as nginx not to buffer the response.
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """An ASGI response that sends server-sent events. `close` is always called: at the end, on an error and on a disconnect."""

    def __init__(self, events: AsyncIterator[bytes], close: Callable[[], None]) -> None:
        self._events, self._close = events, close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events.

        Raises:
            ClientDisconnectedError: the client closed the connection.
        """
        disconnected = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while True:
                next_event = asyncio.ensure_future(anext(self._events, None))
                await asyncio.wait({disconnected, next_event}, return_when=asyncio.FIRST_COMPLETED)
                if disconnected.done():
                    next_event.cancel()
                    await asyncio.wait({next_event})
                    raise ClientDisconnectedError
                event = next_event.result()
                if event is None:
                    break
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            raise ClientDisconnectedError from None
        finally:
            disconnected.cancel()
            self._close()
