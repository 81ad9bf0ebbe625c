"""Origins: the sites whose pages may read responses (CORS). Checked at the start; a wrong one would fail in browsers only."""

import re
from collections.abc import Sequence
from typing import Any

from seqloom.errors import ConfigError

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#@\s]+)/?", re.IGNORECASE)


def parse_origins(origins: Sequence[str]) -> list[str]:
    """Origins as browsers send them: scheme, host and port in lower case, without a path; or "*" for any site.

    Raises:
        ConfigError: an item is not an origin, so no browser would ever send it.
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

    All request headers are allowed: OpenAI's JavaScript client sends a dozen of its own, and access is protected by keys.
    """
    return {
        "allow_origins": parse_origins(origins),
        "allow_methods": ("GET", "POST", "OPTIONS"),
        "allow_headers": ("*",),
        "expose_headers": ("retry-after", "www-authenticate"),
        "max_age": 600,
    }
