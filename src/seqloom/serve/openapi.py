"""The OpenAPI document of all APIs, generated from their endpoints and the pydantic models of requests and responses."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from seqloom.serve.endpoint import JSON, Endpoint
from seqloom.serve.run_registry import RunRegistry

_REASONS = {
    400: "the request is not valid, or exceeds a limit",
    401: "an API key is required, but it is missing or wrong",
    403: "an API key is required, but it is missing or wrong",
    404: "there is no such model",
    408: "the body arrived too slowly",
    413: "the body is too large",
    415: "the content type of the body is not supported",
    500: "a bug, or a run whose weights are damaged",
    503: "busy or shutting down: try again after Retry-After seconds",
}


def openapi_document(registry: RunRegistry, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The OpenAPI document of a server, with the names of its runs and the codes of their languages.

    Args:
        endpoints: all endpoints; those without a summary are left out.
    """
    documented = [endpoint for endpoint in endpoints if endpoint.summary is not None]
    models = dict.fromkeys(model for endpoint in documented for model in _models_of(endpoint))
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas = definitions["$defs"]
    names = [run.name for run in registry.runs]
    schemas["GenerateRequest"]["properties"]["run"]["enum"] = names
    for name in ("ExplainRequest", "SurpriseRequest"):
        schemas[name]["properties"]["runs"]["items"]["enum"] = names
    schemas["CompletionRequest"]["properties"]["model"]["enum"] = names
    if codes := [language.code for language in registry.languages]:
        schemas["TranslateRequest"]["properties"]["source"]["enum"] = ["auto", *codes]
        schemas["TranslateRequest"]["properties"]["target"]["enum"] = codes
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seqloom",
            "version": version("seqloom"),
            "description": "Trained runs over HTTP. /translate, /languages, /detect and /frontend/settings are LibreTranslate's "
            "API, /v1 is OpenAI's; /runs, /generate, /explain and /surprise are seqloom's own. A body that is too large gets "
            "status 413, any other value above its limit 400.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"key": []}],
        "paths": {endpoint.documented_path: _path(endpoint) for endpoint in documented},
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _models_of(endpoint: Endpoint) -> list[type[BaseModel]]:
    models = (endpoint.answer, endpoint.body, endpoint.error, endpoint.busy)
    return [model for model in models if isinstance(model, type)]


def _path(endpoint: Endpoint) -> dict[str, Any]:
    """The path item of an endpoint."""
    content = {kind: {"schema": dict(schema)} for kind, schema in endpoint.more_answers.items()}
    if endpoint.answer is not None:
        schema = _schema(endpoint.answer)
        content = {JSON: {"schema": {"type": "array", "items": schema} if endpoint.is_list else schema}} | content
    responses: dict[str, Any] = {"200": {"description": "done", "content": content}}
    for status in (*endpoint.errors, 500):
        responses[str(status)] = _error(status, endpoint.error)
    if endpoint.busy is not None or not endpoint.while_busy:
        seconds = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
        responses["503"] = _error(503, endpoint.busy or endpoint.error) | {"headers": seconds}
    operation: dict[str, Any] = {"summary": endpoint.summary, "responses": responses}
    if endpoint.body is not None:
        body = {kind: {"schema": _schema(endpoint.body)} for kind in endpoint.content_types}
        operation["requestBody"] = {"required": True, "content": body}
    if endpoint.tag is not None:
        operation["tags"] = [endpoint.tag]
    item: dict[str, Any] = {endpoint.method.lower(): operation}
    if "{name" in endpoint.path:
        name = {"name": "name", "in": "path", "required": True, "description": "the name of a model"}
        item["parameters"] = [name | {"schema": {"type": "string"}}]
    return item


def _error(status: int, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": _REASONS[status], "content": {JSON: {"schema": _schema(model)}}}


def _schema(model: type[BaseModel] | Mapping[str, Any]) -> dict[str, Any]:
    return dict(model) if isinstance(model, Mapping) else {"$ref": f"#/components/schemas/{model.__name__}"}
