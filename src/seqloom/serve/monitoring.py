"""Endpoints for monitoring: /health and /metrics."""

from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seqloom.serve.endpoint import Endpoint
from seqloom.serve.metrics import CONTENT_TYPE
from seqloom.serve.state import ServerState


class Health(BaseModel):
    """Whether the server accepts requests."""

    status: Literal["ok", "closing"]


class Monitoring:
    """Endpoints for monitoring, which respond even if the server is busy or shutting down."""

    ENDPOINTS = (
        Endpoint(
            "/health",
            "health",
            summary="Whether the server accepts requests",
            answer=Health,
            busy=Health,
            while_busy=True,
        ),
        Endpoint(
            "/metrics",
            "metrics",
            summary="Metrics in Prometheus's text format",
            more_answers={"text/plain": {"type": "string"}},
            errors=(401,),
            while_busy=True,
        ),
    )

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def health(self, request: Request) -> JSONResponse:
        """Status 200; 503 if the server is shutting down."""
        closed = self._state.batcher.closed
        return JSONResponse({"status": "closing" if closed else "ok"}, status_code=503 if closed else 200)

    async def metrics(self, request: Request) -> Response:
        """The metrics in Prometheus's text format."""
        self._state.keys.check(request)
        return Response(self._state.metrics.page(), headers={"content-type": CONTENT_TYPE})
