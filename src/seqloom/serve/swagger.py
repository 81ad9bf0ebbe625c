"""The Swagger 2.0 document of LibreTranslate's API (/spec), for its clients. /openapi.json describes all APIs."""

from importlib.metadata import version
from typing import Any

from seqloom.serve.run_registry import RunRegistry

_TEXT = {"type": "string"}
_ERROR = {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}
_LANGUAGE = {
    "type": "object",
    "properties": {"code": _TEXT, "name": _TEXT, "targets": {"type": "array", "items": _TEXT}},
}
_DETECTED = {"type": "object", "properties": {"confidence": {"type": "number"}, "language": _TEXT}}
_TRANSLATED = {
    "type": "object",
    "properties": {
        "translatedText": {"description": "a string, or a list of strings if q is a list"},
        "alternatives": {"type": "array", "items": {}},
        "detectedLanguage": {"description": "an object, or a list of objects if q is a list"},
        "notes": {"type": "array", "items": _TEXT},
    },
    "required": ["translatedText"],
}
_KEY = {
    "name": "api_key",
    "in": "formData",
    "type": "string",
    "required": False,
    "description": "an API key, if the server requires it",
}


def swagger_document(registry: RunRegistry) -> dict[str, Any]:
    """The document, with the codes of the served languages."""
    codes = [language.code for language in registry.languages]
    choices: dict[str, Any] = {"enum": codes} if codes else {}
    source: dict[str, Any] = {"enum": ["auto", *codes]} if codes else {}
    text = _field("q", "the text; a list of texts in JSON")
    translate = [
        text,
        _field("source", 'the code of its language, or "auto"', **source),
        _field("target", "the code of the language to translate into", **choices),
        _field("format", "text; html is not supported", required=False, enum=["text"]),
        _field("alternatives", "number of alternative translations", required=False, type="integer"),
        _KEY,
    ]
    listed = {"type": "array", "items": _LANGUAGE}
    detected = {"type": "array", "items": _DETECTED}
    settings = {"type": "object", "description": "limits, and the languages that a page selects when it starts"}
    health = {"type": "object", "properties": {"status": _TEXT}}
    return {
        "swagger": "2.0",
        "info": {"title": "seqloom", "version": version("seqloom"), "description": "LibreTranslate's API."},
        "basePath": "/",
        "consumes": ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
        "produces": ["application/json"],
        "paths": {
            "/translate": {"post": _operation("Translate texts", _TRANSLATED, translate)},
            "/detect": {"post": _operation("Detect the language of a text", detected, [text, _KEY])},
            "/languages": {"get": _operation("List languages", listed)},
            "/frontend/settings": {"get": _operation("Settings for a page", settings)},
            "/health": {"get": _operation("Whether the server accepts requests", health)},
        },
    }


def _field(name: str, description: str, *, required: bool = True, **extra: Any) -> dict[str, Any]:
    return {"name": name, "in": "formData", "type": "string", "required": required, "description": description, **extra}


def _operation(summary: str, answer: dict[str, Any], parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    responses = {"200": {"description": "done", "schema": answer}}
    if parameters:
        responses |= {str(status): {"description": words, "schema": _ERROR} for status, words in _ERRORS.items()}
    return {"summary": summary, "tags": ["translate"], "parameters": parameters or [], "responses": responses}


_ERRORS = {400: "the request is not valid", 403: "an API key is required", 503: "too busy; try again"}
