"""Routes: the endpoints of all APIs, and their names for the log, the metrics and error messages."""

from seqloom.serve.completions import Completions
from seqloom.serve.explanation import ExplanationAPI
from seqloom.serve.generation import GenerationAPI
from seqloom.serve.libretranslate import LibreTranslate
from seqloom.serve.monitoring import Monitoring
from seqloom.serve.page import Page
from seqloom.serve.surprise import SurpriseAPI
from seqloom.serve.tokenization import TokenizationAPI

APIS = (LibreTranslate, Completions, GenerationAPI, TokenizationAPI, ExplanationAPI, SurpriseAPI, Monitoring, Page)
"""The classes of all APIs. Add the class of a new API here."""

ENDPOINTS = tuple(endpoint for api in APIS for endpoint in api.ENDPOINTS)

OPENAPI_PATH = "/openapi.json"

ROUTES = frozenset((OPENAPI_PATH, *(endpoint.path for endpoint in ENDPOINTS if "{" not in endpoint.path)))
"""Paths without parameters."""

ANSWERED_WHILE_BUSY = frozenset(endpoint.path for endpoint in ENDPOINTS if endpoint.while_busy)
"""Routes for monitoring, which respond even if the server is busy or shutting down."""

_PARAMETRISED = frozenset(endpoint.name for endpoint in ENDPOINTS if "{" in endpoint.path)


def route_of(path: str) -> str:
    """The route of a path; "other" for an unknown path, so that the result never contains input of clients."""
    if path in ROUTES:
        return path
    return next((name for name in _PARAMETRISED if path.startswith(f"{name}/")), "other")
