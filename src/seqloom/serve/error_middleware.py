"""Error middleware: turns exceptions into responses in the format of the API: OpenAI's under /v1, LibreTranslate's elsewhere.

It is inside the CORS middleware, so that pages of other sites can read errors too.
"""

import json
from collections.abc import Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqloom.serve.access_log import AccessLog
from seqloom.serve.http_errors import ClientDisconnectedError, HTTPError, error_body
from seqloom.serve.routes import ANSWERED_WHILE_BUSY, ROUTES, route_of

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class ErrorMiddleware:
    """ASGI middleware that catches the exceptions of the routes."""

    def __init__(self, app: ASGIApp, *, access_log: AccessLog, reject: Callable[[], HTTPError | None]) -> None:
        """Wraps an application.

        Args:
            reject: returns the error for a request that arrives now, or None if it may continue.
        """
        self._app, self._access_log, self._reject = app, access_log, reject

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request to the routes, and sends an error response if they raise an exception.

        Raises:
            ClientDisconnectedError: the client closed the connection.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, route = scope["path"], route_of(scope["path"])
        has_started = False

        async def send_and_note_start(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            if route not in ANSWERED_WHILE_BUSY and (problem := self._reject()):
                raise problem
            await self._app(scope, receive, send_and_note_start)
        except ClientDisconnectedError:
            raise
        except HTTPError as problem:
            if has_started:
                raise
            await _answer(send, path, problem)
        except HTTPException as error:
            await _answer(send, path, _explain(error, scope), error.headers)
        except Exception as error:
            self._access_log.failure(error, route=route)
            if not has_started:
                await _answer(
                    send, path, HTTPError(500, "internal error; the log of the server shows where it occurred")
                )


def _explain(error: HTTPException, scope: Scope) -> HTTPError:
    """An error of the router (unknown path, wrong method) as an HTTPError that says what to use instead."""
    if error.status_code == 405:
        method = scope["method"] if scope["method"] in _METHODS else "this method"
        allowed = next((value for name, value in (error.headers or {}).items() if name.lower() == "allow"), "another")
        return HTTPError(405, f"{method} is not allowed here; use {allowed}")
    if error.status_code != 404:
        return HTTPError(error.status_code, error.detail)
    path = "/" + "/".join(part for part in scope["path"].split("/") if part)
    suggestion = next((name for name in (path, f"/v1{path}") if name in ROUTES), None)
    if suggestion is not None:
        return HTTPError(404, f"there is nothing at this path; did you mean {suggestion} ?")
    if path.startswith("/v1/"):
        return HTTPError(
            404,
            "this path is not supported here; of OpenAI's API, only /v1/models and /v1/completions are. "
            "Runs complete texts; there is no chat: send the text as the prompt of /v1/completions",
        )
    return HTTPError(404, "there is nothing at this path; GET /openapi.json lists all paths")


async def _answer(send: Send, path: str, problem: HTTPError, more: Mapping[str, str] | None = None) -> None:
    body = json.dumps(error_body(path, problem), ensure_ascii=False).encode("utf-8", "replace")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (more or {}).items()]
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if problem.status in (408, 413):
        # The rest of the body is not read.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
