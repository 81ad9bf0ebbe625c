"""Endpoint: a route of the server and its description for the OpenAPI document. Each API lists its endpoints in `ENDPOINTS`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

JSON = "application/json"
FORMS = (JSON, "application/x-www-form-urlencoded", "multipart/form-data")
BODY_ERRORS = (400, 408, 413, 415)
"""Error statuses of every endpoint with a body."""


class Error(BaseModel):
    """The error of a request."""

    error: str


@dataclass(frozen=True)
class Endpoint:
    """A route of the server.

    Attributes:
        path: the route in Starlette's notation.
        handler: the name of the method of the API that handles requests.
        summary: one line for the OpenAPI document; None if the document does not contain the route.
        answer: the model of the response, or a JSON schema; None if no response is JSON.
        is_list: whether the response is a list of `answer`.
        body: the model of the body.
        content_types: the content types that the body may have.
        errors: statuses of its errors, in addition to 500 and 503.
        error: the model of its errors.
        busy: the model of the response if the server is busy or shutting down; None: the same as `error`.
        more_answers: JSON schemas of responses of other content types, by content type.
        while_busy: whether requests are handled even if the server is busy or shutting down, as monitoring needs.
    """

    path: str
    handler: str
    method: Literal["GET", "POST"] = "GET"
    summary: str | None = None
    answer: type[BaseModel] | Mapping[str, Any] | None = None
    is_list: bool = False
    body: type[BaseModel] | None = None
    content_types: tuple[str, ...] = (JSON,)
    errors: tuple[int, ...] = ()
    error: type[BaseModel] = Error
    busy: type[BaseModel] | None = None
    more_answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tag: str | None = None
    while_busy: bool = False

    @property
    def documented_path(self) -> str:
        """The path in OpenAPI's notation."""
        return self.path.replace(":path", "")

    @property
    def name(self) -> str:
        """The path without its parameter, for the log and the metrics."""
        return self.path.partition("/{")[0]
