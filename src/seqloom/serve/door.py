"""Door: what every request passes on its way in and out: counting, journal, headers for browsers.

A plain ASGI application around the others. What goes into the journal is the route, never the path, the query or a text.
"""

import secrets
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqloom.serve.journal import Journal
from seqloom.serve.measures import Measures
from seqloom.serve.paths import route_of
from seqloom.serve.refusals import ClientLeftError, RefusedError, busy

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Gate:
    """Counts the requests that are being answered, and says when there are too many."""

    def __init__(self, max_requests: int, closing: Callable[[], bool]) -> None:
        """Starts at none.

        Args:
            closing: whether the server ends, and takes no new requests.
        """
        self.active = 0
        self._max_requests, self._closing = max_requests, closing

    def refusal(self) -> RefusedError | None:
        """Why no request is answered now, or None."""
        if self._closing():
            return busy("the server is shutting down")
        return busy("too many requests are being answered") if self.active > self._max_requests else None


class Door:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, journal: Journal, measures: Measures, gate: Gate) -> None:
        self._app = app
        self._journal, self._measures, self._gate = journal, measures, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on, and counts it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        route, facts = route_of(scope["path"]), scope.setdefault("state", {}).setdefault("facts", {})
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message["headers"]}
                extra = [(name, value) for name, value in _SECURITY if name not in given]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        self._gate.active += 1
        self._measures.active.inc()
        try:
            await self._app(scope, receive, watched)
        except ClientLeftError:
            status = 499
        finally:
            self._gate.active -= 1
            self._measures.active.dec()
            seconds = time.perf_counter() - begin
            self._measures.requests.labels(route, str(status or 499)).inc()
            self._measures.seconds.labels(route).observe(seconds)
            self._journal.write(
                "request",
                id=secrets.token_hex(4),
                method=scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS") else "other",
                route=route,
                status=status or 499,
                milliseconds=round(seconds * 1000, 1),
                **facts,
            )
