"""HTTP errors: exceptions that `error_middleware` turns into responses, in the error format of the called API."""

from typing import Any


class HTTPError(Exception):
    """Ends a request with an error status.

    Attributes:
        status: the HTTP status.
        message: what is wrong and what was expected, for the client.
        code: a machine-readable code, such as "model_not_found".
        param: the field of the request that is wrong.
        retry_after: the number of seconds after which the client may try again, for status 503.
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


class ClientDisconnectedError(Exception):
    """The client closed the connection before the response was complete."""


def busy(reason: str) -> HTTPError:
    """A 503 error that tells the client to try again later."""
    return HTTPError(503, f"{reason}; try again in a moment", retry_after=1)


def error_body(path: str, problem: HTTPError) -> dict[str, Any]:
    """The JSON body of an error, in the format of the API that the path belongs to."""
    if not path.startswith("/v1/"):
        return {"error": problem.message}
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    return {"error": {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code}}
