"""API keys that clients need to use the server. They are compared in constant time."""

import hashlib
import hmac
from collections.abc import Sequence

from starlette.requests import Request

from seqloom.serve.http_errors import HTTPError


class Keys:
    """The accepted keys. If there are none, every request is accepted."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        # Digests have equal lengths, so the time of a comparison does not show the length of a key.
        self._digests = [_digest(key) for key in keys]

    @property
    def required(self) -> bool:
        """Whether requests need a key."""
        return bool(self._digests)

    def check(self, request: Request, body_key: str | None = None, *, status: int = 401) -> None:
        """Checks the key in the header `Authorization: Bearer KEY`, or the key in the body.

        Args:
            body_key: the key in the body, if any.
            status: HTTP status of the error; clients of LibreTranslate expect 403.

        Raises:
            HTTPError: the server has keys, and the request contains none of them.
        """
        if not self._digests:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        matches = [
            hmac.compare_digest(digest, _digest(key)) for digest in self._digests for key in (bearer, body_key or "")
        ]
        if not any(matches):
            message = (
                "Invalid API key" if bearer or body_key else "This server needs an API key, but the request has none"
            )
            raise HTTPError(status, message)

    def has_header(self, request: Request) -> bool:
        """Whether keys are required and the request has an Authorization header, which can be checked before the body is read."""
        return self.required and "authorization" in request.headers


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
