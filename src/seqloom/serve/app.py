"""App: the routes of all APIs around one desk, as an ASGI application."""

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
from seqloom.serve.description import describe
from seqloom.serve.desk import Desk
from seqloom.serve.door import Door, Gate
from seqloom.serve.explanation import ExplanationAPI
from seqloom.serve.generation import GenerationAPI
from seqloom.serve.http_errors import HTTPErrors
from seqloom.serve.libretranslate import LibreTranslate
from seqloom.serve.measures import CONTENT_TYPE
from seqloom.serve.origins import cors_options
from seqloom.serve.page import Page
from seqloom.serve.spec import spec


def make_app(desk: Desk, *, origins: Sequence[str] = ()) -> Starlette:
    """The application.

    Args:
        origins: sites whose pages may read answers in a browser (CORS); none by default.

    Raises:
        ConfigError: an origin is none.
    """
    libre, completions, page = LibreTranslate(desk), Completions(desk), Page()
    own, explanations = GenerationAPI(desk), ExplanationAPI(desk)

    async def health(request: Request) -> JSONResponse:
        closed = desk.batcher.closed
        return JSONResponse({"status": "closing" if closed else "ok"}, status_code=503 if closed else 200)

    async def metrics(request: Request) -> Response:
        desk.keys.check(request)
        return Response(desk.measures.page(), headers={"content-type": CONTENT_TYPE})

    document = describe(desk.directory)

    async def description(request: Request) -> JSONResponse:
        return JSONResponse(document)

    async def libre_spec(request: Request) -> JSONResponse:
        return JSONResponse(spec(desk.directory))

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
        Route("/runs", own.runs),
        Route("/generate", own.generate, methods=["POST"]),
        Route("/explain", explanations.explain, methods=["POST"]),
    ]
    gate = Gate(desk.limits.max_requests, lambda: desk.batcher.closed)
    layers = [Middleware(Door, journal=desk.journal, measures=desk.measures, gate=gate)]
    if origins:
        layers.append(Middleware(CORSMiddleware, **cors_options(origins)))
    layers.append(Middleware(HTTPErrors, journal=desk.journal, refuse=gate.refusal))
    app = Starlette(routes=routes, middleware=layers, exception_handlers={HTTPException: _pass_on})
    # A redirect would name a host that the request chose.
    app.router.redirect_slashes = False
    return app


async def _pass_on(request: Request, error: Any) -> Response:
    """Leaves the answer to `HTTPErrors`."""
    raise error
