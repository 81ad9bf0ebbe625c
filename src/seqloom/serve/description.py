"""Description: all APIs as one OpenAPI document, made of the models by which requests are checked."""

from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from seqloom.explain.explanation import Explanations
from seqloom.serve.completion_models import CompletionAnswer, CompletionRequest, ModelAnswer
from seqloom.serve.directory import Directory
from seqloom.serve.explanation import ExplainRequest
from seqloom.serve.generation import GenerateAnswer, GenerateRequest, RunAnswer
from seqloom.serve.libretranslate import (
    DetectedLanguage,
    DetectRequest,
    LanguageAnswer,
    TranslateAnswer,
    TranslateRequest,
)
from seqloom.serve.limits import Limits


class Error(BaseModel):
    """Why a request is refused."""

    error: str


class OpenAIErrorDetail(BaseModel):
    """Why a request under /v1 is refused."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """Why a request under /v1 is refused."""

    error: OpenAIErrorDetail


class Health(BaseModel):
    """Whether the server takes requests."""

    status: Literal["ok", "closing"]


class Models(BaseModel):
    """All runs, as OpenAI's clients know models."""

    object: Literal["list"]
    data: list[ModelAnswer]


class Runs(BaseModel):
    """All runs, and what may be asked of them."""

    runs: list[RunAnswer]
    limits: Limits


class CodeAndName(BaseModel):
    """A language."""

    code: str
    name: str


class Chosen(BaseModel):
    """The languages that a page begins with."""

    source: CodeAndName
    target: CodeAndName


class FrontendSettings(BaseModel):
    """What LibreTranslate's own page asks for when it starts."""

    apiKeys: bool  # noqa: N815 (the API's own names)
    charLimit: int = Field(description="characters of a text")  # noqa: N815
    filesTranslation: bool  # noqa: N815
    frontendTimeout: int  # noqa: N815
    keyRequired: bool  # noqa: N815
    language: Chosen
    suggestions: bool
    supportedFilesFormat: list[str]  # noqa: N815


_JSON = "application/json"
_FORMS = (_JSON, "application/x-www-form-urlencoded", "multipart/form-data")
_WHY = {
    400: "the request is not what it should be, or asks for more than the limits allow",
    401: "a key is needed, and none or a wrong one was given",
    403: "a key is needed, and none or a wrong one was given",
    404: "there is no such model",
    408: "the body came too slowly",
    413: "the body is too large",
    415: "the body is of another type than those that are read",
    500: "a bug, or a run whose weights are damaged",
    503: "busy or shutting down: try again after Retry-After seconds",
}
_BODY = (400, 408, 413, 415)


def describe(directory: Directory) -> dict[str, Any]:
    """The OpenAPI document of a server: the names of its runs and the codes of its languages are part of it."""
    used = (
        *(Error, OpenAIError, Health, Models, Runs, FrontendSettings, ModelAnswer, LanguageAnswer, DetectedLanguage),
        *(TranslateRequest, TranslateAnswer, DetectRequest, CompletionRequest, CompletionAnswer),
        *(GenerateRequest, GenerateAnswer, ExplainRequest, Explanations),
    )
    _, definitions = models_json_schema(
        [(model, "validation") for model in used], ref_template="#/components/schemas/{model}"
    )
    schemas = definitions["$defs"]
    names = [run.name for run in directory.runs]
    schemas["GenerateRequest"]["properties"]["run"]["enum"] = names
    schemas["ExplainRequest"]["properties"]["runs"]["items"]["enum"] = names
    schemas["CompletionRequest"]["properties"]["model"]["enum"] = names
    if codes := [one.code for one in directory.languages]:
        schemas["TranslateRequest"]["properties"]["source"]["enum"] = ["auto", *codes]
        schemas["TranslateRequest"]["properties"]["target"]["enum"] = codes
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seqloom",
            "version": version("seqloom"),
            "description": "Trained runs over HTTP. /translate, /languages, /detect and /frontend/settings speak LibreTranslate's "
            "API, /v1 OpenAI's; /runs, /generate and /explain are seqloom's own. A body that is too large is 413, what is beyond "
            "any other limit 400.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _paths() -> dict[str, Any]:
    languages = _operation("Languages, with what each can be translated into", _list(LanguageAnswer), ())
    name = {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "a model's name",
    }
    completion = _operation(
        "Complete prompts: for a model of pairs, the targets of sources",
        CompletionAnswer,
        (*_BODY, 401, 404),
        body=(CompletionRequest, (_JSON,)),
        error=OpenAIError,
    )
    event = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
    completion["responses"]["200"]["content"]["text/event-stream"] = {"schema": event}
    return {
        "/translate": {
            "post": _operation(
                "Translate texts", TranslateAnswer, (*_BODY, 403), body=(TranslateRequest, _FORMS), tag="LibreTranslate"
            )
        },
        "/detect": {
            "post": _operation(
                "Tell which of the runs' languages a text is of",
                _list(DetectedLanguage),
                (*_BODY, 403),
                body=(DetectRequest, _FORMS),
                tag="LibreTranslate",
            )
        },
        "/languages": {
            "get": languages,
        },
        "/spec": {"get": _operation("LibreTranslate's API as Swagger 2.0", {"type": "object"}, ())},
        "/frontend/settings": {"get": _operation("What LibreTranslate's page asks for", FrontendSettings, ())},
        "/v1/models": {"get": _operation("List models", Models, (401,), error=OpenAIError)},
        "/v1/models/{name}": {
            "get": _operation("Describe a model", ModelAnswer, (401, 404), error=OpenAIError) | {"parameters": [name]}
        },
        "/v1/completions": {"post": completion},
        "/runs": {"get": _operation("List runs, and the limits", Runs, (401,))},
        "/generate": {
            "post": _operation(
                "Write by any decoding setting, and tell all that search found",
                GenerateAnswer,
                (*_BODY, 401, 404),
                body=(GenerateRequest, (_JSON,)),
            )
        },
        "/explain": {
            "post": _operation(
                "Tell what runs do with a text, step by step: where words come from, distributions, the beam, what if",
                Explanations,
                (*_BODY, 401, 404),
                body=(ExplainRequest, (_JSON,)),
            )
        },
        "/health": {"get": _operation("Whether the server takes requests", Health, (), busy=Health)},
        "/metrics": {
            "get": {
                "summary": "Counts, in Prometheus's text format",
                "responses": {
                    "200": {"description": "the counts", "content": {"text/plain": {"schema": {"type": "string"}}}},
                    "401": _answer(_WHY[401], Error),
                },
            }
        },
    }


def _operation(
    summary: str,
    answer: "type[BaseModel] | dict[str, Any]",
    refusals: tuple[int, ...],
    *,
    body: tuple[type[BaseModel], tuple[str, ...]] | None = None,
    error: type[BaseModel] = Error,
    busy: type[BaseModel] | None = None,
    tag: str | None = None,
) -> dict[str, Any]:
    responses = {"200": _answer("done", answer)}
    for status in (*refusals, 500, 503):
        responses[str(status)] = _answer(_WHY[status], busy if busy and status == 503 else error)
    responses["503"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if body is not None:
        model, kinds = body
        content = {kind: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}} for kind in kinds}
        operation["requestBody"] = {"required": True, "content": content}
    return operation | ({"tags": [tag]} if tag else {})


def _answer(description: str, model: "type[BaseModel] | dict[str, Any]") -> dict[str, Any]:
    schema = model if isinstance(model, dict) else {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _list(model: type[BaseModel]) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{model.__name__}"}}
