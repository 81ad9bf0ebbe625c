"""API keys: which clients may use the server. Keys are compared in constant time."""

import hashlib
import hmac
from collections.abc import Sequence

from starlette.requests import Request

from seqloom.serve.http_errors import HTTPError


class Keys:
    """The accepted keys; without any, every request is accepted."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        # Digests have one length, so the time of a comparison does not depend on a key's length either.
        self._digests = [_digest(key) for key in keys]

    @property
    def required(self) -> bool:
        """Whether a key is needed."""
        return bool(self._digests)

    def check(self, request: Request, body_key: str | None = None, *, status: int = 401) -> None:
        """Checks the key in the header `Authorization: Bearer KEY`, or the key in the body.

        Args:
            body_key: the key that the body gives, if any.
            status: HTTP status of the error; LibreTranslate's clients expect 403.

        Raises:
            HTTPError: the server has keys, and the request gives none of them.
        """
        if not self._digests:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        matches = [
            hmac.compare_digest(digest, _digest(key)) for digest in self._digests for key in (bearer, body_key or "")
        ]
        if not any(matches):
            message = "Invalid API key" if bearer or body_key else "This server needs an API key, and none was given"
            raise HTTPError(status, message)

    def has_header(self, request: Request) -> bool:
        """Whether the request has an Authorization header to check before its body is read."""
        return self.required and "authorization" in request.headers


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
