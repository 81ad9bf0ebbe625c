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

from seqloom.serve.completions import Completions
from seqloom.serve.error_middleware import ErrorMiddleware
from seqloom.serve.explanation import ExplanationAPI
from seqloom.serve.generation import GenerationAPI
from seqloom.serve.libretranslate import LibreTranslate
from seqloom.serve.metrics import CONTENT_TYPE
from seqloom.serve.middleware import AccessMiddleware, RequestLimiter
from seqloom.serve.openapi import openapi_document
from seqloom.serve.origins import cors_options
from seqloom.serve.page import Page
from seqloom.serve.state import ServerState
from seqloom.serve.swagger import swagger_document


def make_app(state: ServerState, *, origins: Sequence[str] = ()) -> Starlette:
    """Creates the application around a state that all endpoints share.

    Args:
        origins: sites whose pages may read responses in a browser (CORS); none by default.

    Raises:
        ConfigError: an item of `origins` is not an origin.
    """
    libre, completions, page = LibreTranslate(state), Completions(state), Page()
    generation, explanations = GenerationAPI(state), ExplanationAPI(state)

    async def health(request: Request) -> JSONResponse:
        closed = state.batcher.closed
        return JSONResponse({"status": "closing" if closed else "ok"}, status_code=503 if closed else 200)

    async def metrics(request: Request) -> Response:
        state.keys.check(request)
        return Response(state.metrics.page(), headers={"content-type": CONTENT_TYPE})

    document = openapi_document(state.registry)

    async def description(request: Request) -> JSONResponse:
        return JSONResponse(document)

    async def libre_spec(request: Request) -> JSONResponse:
        return JSONResponse(swagger_document(state.registry))

    routes = [
        Route("/", page.index),
        Route("/assets/{name}", page.asset),
        Route("/openapi.json", description),
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/translate", libre.translate, methods=["POST"]),
        Route("/languages", libre.languages),
        Route("/detect", libre.detect, methods=["POST"]),
        Route("/frontend/settings", libre.settings),
        Route("/spec", libre_spec),
        Route("/translate_file", libre.translate_file, methods=["POST"]),
        Route("/suggest", libre.suggest, methods=["POST"]),
        Route("/v1/models", completions.models),
        Route("/v1/models/{name:path}", completions.model),
        Route("/v1/completions", completions.complete, methods=["POST"]),
        Route("/runs", generation.runs),
        Route("/generate", generation.generate, methods=["POST"]),
        Route("/explain", explanations.explain, methods=["POST"]),
    ]
    limiter = RequestLimiter(state.limits.max_requests, lambda: state.batcher.closed)
    layers = [Middleware(AccessMiddleware, access_log=state.access_log, metrics=state.metrics, limiter=limiter)]
    if origins:
        layers.append(Middleware(CORSMiddleware, **cors_options(origins)))
    layers.append(Middleware(ErrorMiddleware, access_log=state.access_log, reject=limiter.rejection))
    app = Starlette(routes=routes, middleware=layers, exception_handlers={HTTPException: _raise_again})
    # A redirect would name a host that the request chose.
    app.router.redirect_slashes = False
    return app


async def _raise_again(request: Request, error: Any) -> Response:
    """Raises the error again, so that `ErrorMiddleware` writes the response."""
    raise error
