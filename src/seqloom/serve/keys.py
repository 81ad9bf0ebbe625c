"""Keys: who may use the server. Keys are compared in constant time, whatever is given."""

import hashlib
import hmac
from collections.abc import Sequence

from starlette.requests import Request

from seqloom.serve.refusals import RefusedError


class Keys:
    """The keys that are accepted; without any, everybody is."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        # Digests are of one length, so comparing them tells nothing about a key's length either.
        self._digests = [_digest(key) for key in keys]

    @property
    def required(self) -> bool:
        """Whether a key is needed."""
        return bool(self._digests)

    def check(self, request: Request, given: str | None = None, *, status: int = 401) -> None:
        """Accepts a request by its `Authorization: Bearer KEY`, or by a key that its body gave.

        Args:
            status: of the refusal; LibreTranslate's clients know 403.

        Raises:
            RefusedError: a key is needed, and none or a wrong one was given.
        """
        if not self._digests:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        found = [hmac.compare_digest(known, _digest(key)) for known in self._digests for key in (bearer, given or "")]
        if not any(found):
            message = "Invalid API key" if bearer or given else "This server needs an API key, and none was given"
            raise RefusedError(status, message)

    def has_header(self, request: Request) -> bool:
        """Whether a key stands in the header, so that a wrong one can be refused before the body is read."""
        return self.required and "authorization" in request.headers


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
