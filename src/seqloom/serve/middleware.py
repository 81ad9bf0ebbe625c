"""Middleware around all routes: counts requests, writes the access log, adds security headers.

The log contains only the route, never the path, the query or a text.
"""

import secrets
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqloom.serve.access_log import AccessLog
from seqloom.serve.http_errors import ClientDisconnectedError, HTTPError, busy
from seqloom.serve.metrics import Metrics
from seqloom.serve.routes import route_of

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class RequestLimiter:
    """Counts the requests in progress and rejects new ones above a limit."""

    def __init__(self, max_requests: int, closing: Callable[[], bool]) -> None:
        """Starts with no request in progress.

        Args:
            closing: returns whether the server is shutting down; all new requests are then rejected.
        """
        self.active = 0
        self._max_requests, self._closing = max_requests, closing

    def rejection(self) -> HTTPError | None:
        """The 503 error for a request that arrives now, or None if it may continue."""
        if self._closing():
            return busy("the server is shutting down")
        return busy("too many requests are being answered") if self.active > self._max_requests else None


class AccessMiddleware:
    """ASGI middleware that counts and logs each request."""

    def __init__(self, app: ASGIApp, *, access_log: AccessLog, metrics: Metrics, limiter: RequestLimiter) -> None:
        self._app = app
        self._access_log, self._metrics, self._limiter = access_log, metrics, limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the application and counts it when its response has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        route, log_fields = route_of(scope["path"]), scope.setdefault("state", {}).setdefault("log_fields", {})
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                extra = [(name, value) for name, value in _SECURITY if name not in present]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        self._limiter.active += 1
        self._metrics.active.inc()
        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnectedError:
            status = 499
        finally:
            self._limiter.active -= 1
            self._metrics.active.dec()
            seconds = time.perf_counter() - begin
            self._metrics.requests.labels(route, str(status or 499)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            self._access_log.write(
                "request",
                id=secrets.token_hex(4),
                method=scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS") else "other",
                route=route,
                status=status or 499,
                milliseconds=round(seconds * 1000, 1),
                **log_fields,
            )
