"""Paths: which routes there are, as the log, the metrics and messages name them."""

ROUTES = frozenset(
    (
        *("/", "/health", "/metrics", "/openapi.json", "/runs", "/generate", "/explain"),
        *("/translate", "/languages", "/detect", "/frontend/settings", "/spec", "/translate_file", "/suggest"),
        *("/v1/models", "/v1/completions"),
    )
)

ALWAYS_ANSWERED = frozenset(("/health", "/metrics"))
"""Answered even when the server is busy or ends, for programs that watch it."""


def route_of(path: str) -> str:
    """The route of a path; it holds nothing that a client chose."""
    if path in ROUTES:
        return path
    return next((name for name in ("/v1/models", "/assets") if path.startswith(f"{name}/")), "other")
