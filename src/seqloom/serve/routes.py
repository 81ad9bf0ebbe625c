"""Routes: the names of all routes, for the log, the metrics and error messages."""

ROUTES = frozenset(
    (
        *("/", "/health", "/metrics", "/openapi.json", "/runs", "/generate", "/explain"),
        *("/translate", "/languages", "/detect", "/frontend/settings", "/spec", "/translate_file", "/suggest"),
        *("/v1/models", "/v1/completions"),
    )
)

ALWAYS_ANSWERED = frozenset(("/health", "/metrics"))
"""Routes for monitoring, which are answered even if the server is busy or shutting down."""


def route_of(path: str) -> str:
    """The route of a path; an unknown path is "other", so the result never contains a client's input."""
    if path in ROUTES:
        return path
    return next((name for name in ("/v1/models", "/assets") if path.startswith(f"{name}/")), "other")
