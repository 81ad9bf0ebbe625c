"""HTTP errors: what a request raises -> an answer in the shape of its API: OpenAI's under /v1, LibreTranslate's elsewhere.

A plain ASGI application around the routes. It stands inside CORS, so that pages of other sites can read errors too.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqloom.serve.journal import Journal
from seqloom.serve.paths import ALWAYS_ANSWERED, ROUTES, route_of
from seqloom.serve.refusals import ClientLeftError, RefusedError

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class HTTPErrors:
    """Wraps the routes."""

    def __init__(self, app: ASGIApp, *, journal: Journal, refuse: Callable[[], RefusedError | None]) -> None:
        """Keeps what it needs.

        Args:
            refuse: why the server answers no requests now, or None.
        """
        self._app, self._journal, self._refuse = app, journal, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request.

        Raises:
            ClientLeftError: the client has gone.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, route = scope["path"], route_of(scope["path"])
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            if route not in ALWAYS_ANSWERED and (problem := self._refuse()):
                raise problem
            await self._app(scope, receive, watched)
        except ClientLeftError:
            raise
        except RefusedError as problem:
            if begun:
                raise
            await _answer(send, path, problem)
        except HTTPException as error:
            await _answer(send, path, _explain(error, scope), error.headers)
        except Exception as error:
            self._journal.failure(error, route=route)
            if not begun:
                await _answer(send, path, RefusedError(500, "internal error; the server's log says where"))


def error_body(path: str, problem: RefusedError) -> dict[str, Any]:
    """A problem in the shape that clients of an API know: OpenAI's under /v1, LibreTranslate's elsewhere."""
    if not path.startswith("/v1/"):
        return {"error": problem.message}
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    return {"error": {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code}}


def _explain(error: HTTPException, scope: Scope) -> RefusedError:
    """What the router found wrong with a path or a method."""
    if error.status_code == 405:
        method = scope["method"] if scope["method"] in _METHODS else "this method"
        allowed = next((value for name, value in (error.headers or {}).items() if name.lower() == "allow"), "another")
        return RefusedError(405, f"{method} is not allowed here; use {allowed}")
    if error.status_code != 404:
        return RefusedError(error.status_code, error.detail)
    path = "/" + "/".join(part for part in scope["path"].split("/") if part)
    meant = next((name for name in (path, f"/v1{path}") if name in ROUTES), None)
    if meant is not None:
        return RefusedError(404, f"there is nothing at this path; did you mean {meant} ?")
    if path.startswith("/v1/"):
        return RefusedError(
            404,
            "this path is not supported here; of OpenAI's API there are /v1/models and /v1/completions. "
            "Runs complete texts and know no chat: send the text as the prompt of /v1/completions",
        )
    return RefusedError(404, "there is nothing at this path; GET /openapi.json lists what there is")


async def _answer(send: Send, path: str, problem: RefusedError, more: Mapping[str, str] | None = None) -> None:
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
