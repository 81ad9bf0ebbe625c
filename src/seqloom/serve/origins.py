"""Origins: the sites whose pages may read responses (CORS). They are checked at the start, because a wrong one has no effect."""

import re
from collections.abc import Sequence
from typing import Any

from seqloom.errors import ConfigError

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#@\s]+)/?", re.IGNORECASE)


def parse_origins(origins: Sequence[str]) -> list[str]:
    """Origins in the form that browsers send: scheme, host and port in lower case, without a path; or "*" for any site.

    Raises:
        ConfigError: an item is not an origin.
    """
    parsed = []
    for origin in origins:
        word = origin.strip()
        if word not in ("*", "null") and _ORIGIN.fullmatch(word) is None:
            raise ConfigError(
                f"--cors {origin}: expected an origin such as https://example.org or http://localhost:3000 "
                "(scheme, host and port, no path), or * for any site"
            )
        parsed.append(word.rstrip("/").lower())
    return parsed


def cors_options(origins: Sequence[str]) -> dict[str, Any]:
    """The arguments of Starlette's CORSMiddleware.

    All request headers are allowed, because OpenAI's JavaScript client sends many of its own, and keys protect the access.
    """
    return {
        "allow_origins": parse_origins(origins),
        "allow_methods": ("GET", "POST", "OPTIONS"),
        "allow_headers": ("*",),
        "expose_headers": ("retry-after", "www-authenticate"),
        "max_age": 600,
    }
