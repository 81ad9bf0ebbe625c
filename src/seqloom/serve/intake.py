"""Intake: the body of a request -> checked values, with bounds on its size, its time and its depth.

Bytes enter, pydantic models leave. Nothing is evaluated, and no name in it is looked up.
"""

import asyncio
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from seqloom.serve.refusals import ClientLeftError, RefusedError

_BODY_SECONDS = 20.0
"""A body that trickles in more slowly than this is not waited for."""

_FIELDS = 1_000
_HEADER = 500

_Model = TypeVar("_Model", bound=BaseModel)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        RefusedError: 413 where it is too large, 408 where it comes too slowly.
        ClientLeftError: the client has gone.
    """
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit() or len(announced) > 15 or int(announced) > max_bytes:
        raise _too_large(max_bytes)
    parts, size = [], 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                parts.append(part)
    except TimeoutError:
        raise RefusedError(408, f"the body did not arrive within {_BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise ClientLeftError from None
    return b"".join(parts)


async def read_json(request: Request, model: type[_Model], max_bytes: int) -> _Model:
    """A JSON body, checked.

    Raises:
        RefusedError: 415 where it does not say that it is JSON, 400 where it is not what it should be, and as `read_body`.
    """
    if _content_type(request) != "application/json":
        raise RefusedError(415, "expected a JSON body with Content-Type: application/json")
    body = await read_body(request, max_bytes)
    try:
        # JSON has types of its own; the fields of forms are all strings.
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _explain(error) from None
    except (RecursionError, ValueError):
        raise RefusedError(400, "the body is not JSON that can be read") from None


async def read_fields(request: Request, model: type[_Model], max_bytes: int, *, lists: tuple[str, ...] = ()) -> _Model:
    """A JSON body, or the fields of a form and of the URL's query, checked.

    Args:
        lists: fields that may stand several times in a form.

    Raises:
        RefusedError: as `read_json`.
    """
    kind = _content_type(request)
    if kind == "application/json":
        return await read_json(request, model, max_bytes)
    body = await read_body(request, max_bytes)
    fields = request.query_params.multi_items()
    try:
        if kind == "multipart/form-data":
            fields += _multipart(request.headers["content-type"], body)
        elif kind == "application/x-www-form-urlencoded":
            text = body.decode("utf-8")
            fields += parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
        elif body:
            raise RefusedError(
                415, "expected a JSON body (application/json) or a form (application/x-www-form-urlencoded)"
            )
    except (ValueError, StopIteration, LookupError):
        raise RefusedError(400, "the form cannot be read") from None
    values: dict[str, Any] = {}
    for name, value in fields:
        if name in lists and name in values:
            values[name] = [*values[name], value] if isinstance(values[name], list) else [values[name], value]
        else:
            values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _explain(error) from None


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in parts. Every step goes over the body once, whatever stands in it."""
    boundary = _parameter("content-type", content_type, "boundary").encode("latin-1")
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _FIELDS + 1)
    if not boundary or len(parts) < 2 or len(parts) > _FIELDS + 1:
        raise ValueError("no parts, or too many")
    fields: list[tuple[str, str]] = []
    for part in parts[1:]:
        if part.startswith(b"--"):
            return fields
        head, _, content = part.partition(b"\r\n\r\n")
        lines = head.decode("utf-8").split("\r\n", 10)
        disposition = next(line for line in lines if line.lower().startswith("content-disposition:"))
        name = _parameter("content-disposition", disposition.partition(":")[2].strip(), "name")
        fields.append((name, content.decode("utf-8")))
    raise ValueError("the last part does not end")


def _parameter(header: str, value: str, name: str) -> str:
    if len(value) > _HEADER:
        raise ValueError("a header that is too long")
    message = Message()
    message[header] = value
    found = message.get_param(name, header=header)
    if not isinstance(found, str):
        raise ValueError(f"no {name}")
    return found


def _too_large(max_bytes: int) -> RefusedError:
    return RefusedError(413, f"the body is larger than the {max_bytes:,} bytes that this server reads")


def _explain(error: ValidationError) -> RefusedError:
    """What is wrong, without what was given: a message need not carry a text back."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, (int, str)))[:80]
    said = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])[:80] or 'body'}: {one['msg'].removeprefix('Value error, ')}"
        for one in problems[:5]
    )
    return RefusedError(400, f"Invalid request: {said}", param=where or None)
