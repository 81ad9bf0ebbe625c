"""App: the ASGI application with the routes of all APIs."""

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seqloom.serve.error_middleware import ErrorMiddleware
from seqloom.serve.middleware import AccessMiddleware, RequestLimiter
from seqloom.serve.openapi import openapi_document
from seqloom.serve.origins import cors_options
from seqloom.serve.routes import APIS, ENDPOINTS, OPENAPI_PATH
from seqloom.serve.state import ServerState


def make_app(state: ServerState, *, origins: Sequence[str] = ()) -> Starlette:
    """Creates the application.

    Args:
        state: the state that all endpoints share.
        origins: sites whose pages may read responses in a browser (CORS); none by default.

    Raises:
        ConfigError: an item of `origins` is not an origin.
    """
    document = openapi_document(state.registry, ENDPOINTS)

    async def describe(request: Request) -> JSONResponse:
        return JSONResponse(document)

    routes = [Route(OPENAPI_PATH, describe)]
    for api in (make(state) for make in APIS):
        routes += [Route(item.path, getattr(api, item.handler), methods=[item.method]) for item in api.ENDPOINTS]
    limiter = RequestLimiter(state.limits.max_requests, lambda: state.batcher.closed)
    layers = [Middleware(AccessMiddleware, access_log=state.access_log, metrics=state.metrics, limiter=limiter)]
    if origins:
        layers.append(Middleware(CORSMiddleware, **cors_options(origins)))
    layers.append(Middleware(ErrorMiddleware, access_log=state.access_log, reject=limiter.rejection))
    app = Starlette(routes=routes, middleware=layers, exception_handlers={HTTPException: _raise_again})
    # A redirect would contain the host name that the request sent.
    app.router.redirect_slashes = False
    return app


async def _raise_again(request: Request, error: Any) -> Response:
    """Raises the error again, so that `ErrorMiddleware` writes the response."""
    raise error
