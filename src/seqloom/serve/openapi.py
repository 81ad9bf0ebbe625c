"""OpenAPI: the document of all APIs. Its schemas are generated from the pydantic models of requests and responses."""

from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from seqloom.explain.explanation import Explanations
from seqloom.serve.completion_models import CompletionAnswer, CompletionRequest, ModelAnswer
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
from seqloom.serve.run_registry import RunRegistry


class Error(BaseModel):
    """The error of a request."""

    error: str


class OpenAIErrorDetail(BaseModel):
    """The error of a request under /v1, in OpenAI's format."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """The response for an error under /v1."""

    error: OpenAIErrorDetail


class Health(BaseModel):
    """Whether the server accepts requests."""

    status: Literal["ok", "closing"]


class Models(BaseModel):
    """All runs, in OpenAI's format of models."""

    object: Literal["list"]
    data: list[ModelAnswer]


class Runs(BaseModel):
    """All runs, and the limits of requests."""

    runs: list[RunAnswer]
    limits: Limits


class CodeAndName(BaseModel):
    """A language."""

    code: str
    name: str


class Chosen(BaseModel):
    """The languages that LibreTranslate's page selects at its start."""

    source: CodeAndName
    target: CodeAndName


class FrontendSettings(BaseModel):
    """Settings that LibreTranslate's own page reads when it starts."""

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
    400: "the request is not valid, or exceeds a limit",
    401: "a key is required, and it is missing or wrong",
    403: "a key is required, and it is missing or wrong",
    404: "there is no such model",
    408: "the body arrived too slowly",
    413: "the body is too large",
    415: "the content type of the body is not supported",
    500: "a bug, or a run whose weights are damaged",
    503: "busy or shutting down: try again after Retry-After seconds",
}
_BODY = (400, 408, 413, 415)


def openapi_document(registry: RunRegistry) -> dict[str, Any]:
    """The OpenAPI document of a server; it lists the names of the runs and the codes of their languages."""
    models = (
        *(Error, OpenAIError, Health, Models, Runs, FrontendSettings, ModelAnswer, LanguageAnswer, DetectedLanguage),
        *(TranslateRequest, TranslateAnswer, DetectRequest, CompletionRequest, CompletionAnswer),
        *(GenerateRequest, GenerateAnswer, ExplainRequest, Explanations),
    )
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas = definitions["$defs"]
    names = [run.name for run in registry.runs]
    schemas["GenerateRequest"]["properties"]["run"]["enum"] = names
    schemas["ExplainRequest"]["properties"]["runs"]["items"]["enum"] = names
    schemas["CompletionRequest"]["properties"]["model"]["enum"] = names
    if codes := [language.code for language in registry.languages]:
        schemas["TranslateRequest"]["properties"]["source"]["enum"] = ["auto", *codes]
        schemas["TranslateRequest"]["properties"]["target"]["enum"] = codes
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seqloom",
            "version": version("seqloom"),
            "description": "Trained runs over HTTP. /translate, /languages, /detect and /frontend/settings speak LibreTranslate's "
            "API, /v1 OpenAI's; /runs, /generate and /explain are seqloom's own. A body that is too large is 413, any other "
            "value above its limit 400.",
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
                "Detect the language of a text",
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
        "/frontend/settings": {"get": _operation("Settings for LibreTranslate's page", FrontendSettings, ())},
        "/v1/models": {"get": _operation("List models", Models, (401,), error=OpenAIError)},
        "/v1/models/{name}": {
            "get": _operation("Describe a model", ModelAnswer, (401, 404), error=OpenAIError) | {"parameters": [name]}
        },
        "/v1/completions": {"post": completion},
        "/runs": {"get": _operation("List runs, and the limits", Runs, (401,))},
        "/generate": {
            "post": _operation(
                "Decode texts with any settings; n-best lists with scores",
                GenerateAnswer,
                (*_BODY, 401, 404),
                body=(GenerateRequest, (_JSON,)),
            )
        },
        "/explain": {
            "post": _operation(
                "Explain how runs process a text, step by step: alignments, distributions, beam search, what if",
                Explanations,
                (*_BODY, 401, 404),
                body=(ExplainRequest, (_JSON,)),
            )
        },
        "/health": {"get": _operation("Whether the server accepts requests", Health, (), busy=Health)},
        "/metrics": {
            "get": {
                "summary": "Metrics in Prometheus's text format",
                "responses": {
                    "200": {"description": "the metrics", "content": {"text/plain": {"schema": {"type": "string"}}}},
                    "401": _answer(_WHY[401], Error),
                },
            }
        },
    }


def _operation(
    summary: str,
    answer: "type[BaseModel] | dict[str, Any]",
    errors: tuple[int, ...],
    *,
    body: tuple[type[BaseModel], tuple[str, ...]] | None = None,
    error: type[BaseModel] = Error,
    busy: type[BaseModel] | None = None,
    tag: str | None = None,
) -> dict[str, Any]:
    responses = {"200": _answer("done", answer)}
    for status in (*errors, 500, 503):
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
