"""Door: what every request passes on its way in and out: counting, journal, CORS, too many at once, the shape of errors.

A plain ASGI application around the others. What goes into the journal is the route, never the path, the query or a text.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqloom.serve.journal import Journal
from seqloom.serve.measures import Measures
from seqloom.serve.refusals import ClientLeftError, RefusedError, busy

ROUTES = frozenset(
    (
        *("/", "/health", "/metrics", "/openapi.json", "/runs", "/generate", "/explain"),
        *("/translate", "/languages", "/detect", "/frontend/settings"),
        *("/v1/models", "/v1/completions"),
    )
)

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
# Answered by whoever is asked, so that what watches over the server sees it even when it is busy.
_ALWAYS = frozenset(("/health", "/metrics"))


class Door:
    """Wraps the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        journal: Journal,
        measures: Measures,
        max_requests: int,
        origins: frozenset[str],
        closing: Callable[[], bool],
    ) -> None:
        """Makes it.

        Args:
            origins: whom browsers may let read answers: origins such as https://example.org, or "*".
            closing: whether the server ends, and takes no new requests.
        """
        self._app = app
        self._journal, self._measures = journal, measures
        self._max_requests, self._origins, self._closing = max_requests, origins, closing
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        route, facts = _route(scope["path"]), scope.setdefault("state", {}).setdefault("facts", {})
        status = 0
        cors = self._cors(scope)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message["headers"]}
                extra = [(name, value) for name, value in _SECURITY if name not in given]
                message = {**message, "headers": [*message["headers"], *extra, *cors]}
            await send(message)

        self._active += 1
        self._measures.active.inc()
        try:
            if cors and scope["method"] == "OPTIONS" and route != "other":
                await _respond(watched, 204, b"", [])
            elif route not in _ALWAYS and (busy_now := self._refusal()):
                await _tell(watched, scope["path"], busy_now)
            else:
                await self._app(scope, receive, watched)
        except ClientLeftError:
            status = 499
        except RefusedError as problem:
            if status:
                raise
            await _tell(watched, scope["path"], problem)
        except HTTPException as error:
            message = {404: "there is nothing here", 405: "this method is not allowed here"}.get(error.status_code)
            refusal = RefusedError(error.status_code, message or error.detail)
            await _tell(watched, scope["path"], refusal, error.headers or {})
        except Exception as error:
            self._journal.failure(error, route=route)
            if not status:
                await _tell(watched, scope["path"], RefusedError(500, "internal error; the server's log says where"))
        finally:
            self._active -= 1
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

    def _refusal(self) -> RefusedError | None:
        if self._closing():
            return busy("the server is shutting down")
        return busy("too many requests are being answered") if self._active > self._max_requests else None

    def _cors(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"").decode("latin-1")
        if not origin or not ({origin, "*"} & self._origins):
            return []
        allowed = "*" if "*" in self._origins else origin
        return [
            (b"access-control-allow-origin", allowed.encode("latin-1")),
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", b"authorization, content-type"),
            (b"access-control-max-age", b"600"),
            (b"vary", b"origin"),
        ]


def _route(path: str) -> str:
    if path in ROUTES:
        return path
    return next((name for name in ("/v1/models", "/assets") if path.startswith(f"{name}/")), "other")


def error_body(path: str, problem: RefusedError) -> dict[str, Any]:
    """A problem in the shape that clients of an API know: OpenAI's under /v1, LibreTranslate's elsewhere."""
    if not path.startswith("/v1/"):
        return {"error": problem.message}
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    return {"error": {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code}}


async def _tell(send: Send, path: str, problem: RefusedError, more: Mapping[str, str] | None = None) -> None:
    body = json.dumps(error_body(path, problem), ensure_ascii=False).encode("utf-8", "replace")
    headers = [(b"content-type", b"application/json")]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (more or {}).items()]
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if problem.status in (408, 413):
        # The rest of the body is not read.
        headers.append((b"connection", b"close"))
    await _respond(send, problem.status, body, headers)


async def _respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = [(b"content-length", str(len(body)).encode())] if status != 204 else []
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
