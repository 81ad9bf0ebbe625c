"""Refusals: what is answered to a request that is not served, whatever shape its API gives to errors."""


class RefusedError(Exception):
    """A request that is refused.

    Attributes:
        status: the HTTP status.
        message: what was wrong and what is expected; it goes to the client.
        code: a word for programs, such as "model_not_found".
        param: the field that is wrong.
        retry_after: after how many seconds to try again; for 503.
    """

    def __init__(
        self, status: int, message: str, *, code: str = "", param: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or _CODES.get(status, "invalid_request")
        self.param = param
        self.retry_after = retry_after


_CODES = {
    401: "invalid_api_key",
    403: "invalid_api_key",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    415: "unsupported_media_type",
    500: "internal_error",
    503: "overloaded",
}


class ClientLeftError(Exception):
    """Nobody waits for the answer any more."""


def busy(what: str) -> RefusedError:
    """503: come back later."""
    return RefusedError(503, f"{what}; try again in a moment", retry_after=1)
