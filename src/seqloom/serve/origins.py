"""Origins: which sites' pages may read answers (CORS), checked when the server starts and not when a browser fails."""

import re
from collections.abc import Sequence
from typing import Any

from seqloom.errors import ConfigError

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#@\s]+)/?", re.IGNORECASE)


def parse_origins(origins: Sequence[str]) -> list[str]:
    """Origins as browsers send them: scheme, host and port in lower case, without a path; or "*" for any site.

    Raises:
        ConfigError: one of them is no origin, so that no browser would ever send it.
    """
    found = []
    for origin in origins:
        word = origin.strip()
        if word not in ("*", "null") and _ORIGIN.fullmatch(word) is None:
            raise ConfigError(
                f"--cors {origin}: expected an origin such as https://example.org or http://localhost:3000 "
                "(scheme, host and port, no path), or * for any site"
            )
        found.append(word.rstrip("/").lower())
    return found


def cors_options(origins: Sequence[str]) -> dict[str, Any]:
    """What Starlette's CORSMiddleware needs.

    Any header may be sent: OpenAI's JavaScript client sends a dozen of its own, and a key is what keeps others out.
    """
    return {
        "allow_origins": parse_origins(origins),
        "allow_methods": ("GET", "POST", "OPTIONS"),
        "allow_headers": ("*",),
        "expose_headers": ("retry-after", "www-authenticate"),
        "max_age": 600,
    }
