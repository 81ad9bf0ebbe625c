"""Intake: the body of a request -> checked values, with bounds on its size, its time and its depth.

Bytes enter, pydantic models leave. Nothing is evaluated, and no name in it is looked up.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping
from email.message import Message
from typing import Any, Never, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from seqloom.serve.refusals import ClientLeftError, RefusedError
from seqloom.serve.validation import shown, validation_refusal

_BODY_SECONDS = 20.0
"""A body that trickles in more slowly than this is not waited for."""

_FIELDS = 1_000
_HEADER = 500
_DEPTH = 64
"""Objects and lists inside each other; requests need four."""

_CHARSETS = ("", "utf-8", "utf8", "us-ascii")

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

_Model = TypeVar("_Model", bound=BaseModel)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        RefusedError: 413 where it is too large, 408 where it comes too slowly, 415 where it is compressed.
        ClientLeftError: the client has gone.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise RefusedError(415, "a body with Content-Encoding is not supported here; send it uncompressed")
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
    if not _is_json(request):
        raise RefusedError(415, "expected a JSON body with Content-Type: application/json")
    return _check(parse_object(await read_body(request, max_bytes)), model, strict=True)


async def read_fields(request: Request, model: type[_Model], max_bytes: int, *, lists: tuple[str, ...] = ()) -> _Model:
    """A JSON body, or the fields of a form and of the URL's query, checked.

    A field that is null or empty counts as one that was left out.

    Args:
        lists: fields that may stand several times in a form.

    Raises:
        RefusedError: as `read_json`.
    """
    if _is_json(request):
        # JSON has types of its own; the fields of forms are all strings.
        return _check(_without_empty(parse_object(await read_body(request, max_bytes))), model, strict=True)
    kind = _content_type(request)
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
        raise RefusedError(400, "the form cannot be read: expected fields in UTF-8") from None
    values: dict[str, Any] = {}
    for name, value in fields:
        if name in lists and name in values:
            values[name] = [*values[name], value] if isinstance(values[name], list) else [values[name], value]
        elif values.setdefault(name, value) != value:
            raise _given_twice(name)
    return _check(_without_empty(values), model, strict=False)


def parse_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RefusedError: 400 with the place of the mistake: not UTF-8, not JSON, no object, nested too deeply, or a name given twice.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"the body is not UTF-8 text (byte {error.start + 1:,} is not)") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno:,}, column {error.colno:,}"
        raise RefusedError(400, f"the body is not JSON: {error.msg} ({place})") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise RefusedError(400, "the body is not JSON that can be read: a number has too many digits") from None
    if not isinstance(value, dict):
        raise RefusedError(400, "Invalid JSON format: expected an object, {...}")
    if _deeper(value, _DEPTH):
        raise _too_deep()
    if _SURROGATE.search(text):
        for name, part in value.items():
            try:
                json.dumps([name, part], ensure_ascii=False).encode("utf-8")
            except UnicodeEncodeError:
                raise RefusedError(
                    400,
                    f"Invalid request: {shown(name)} holds a lone surrogate (half of a UTF-16 pair), which is not Unicode text",
                    param=shown(name),
                ) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise _given_twice(counts.most_common(1)[0][0])
    return found


def _no_constant(word: str) -> Never:
    raise RefusedError(400, f"the body is not JSON: {word} is not a JSON number")


def _deeper(value: Any, depth: int) -> bool:
    """Whether objects and lists are nested more deeply than `depth`, without recursion."""
    level = [value]
    for _ in range(depth):
        level = [
            part
            for one in level
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return False
    return True


def _check(values: Mapping[str, Any], model: type[_Model], *, strict: bool) -> _Model:
    try:
        return model.model_validate(values, strict=strict)
    except ValidationError as error:
        raise validation_refusal(error, model) from None


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ("", [])}


def _is_json(request: Request) -> bool:
    kind = _content_type(request)
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _content_type(request: Request) -> str:
    """The media type of the body.

    Raises:
        RefusedError: 415 where it names another encoding than UTF-8.
    """
    header = request.headers.get("content-type", "")
    message = Message()
    message["content-type"] = header[:_HEADER]
    charset = message.get_param("charset", "")
    if not isinstance(charset, str) or charset.strip().lower() not in _CHARSETS:
        raise RefusedError(415, "the charset of the body is not supported here; send UTF-8")
    return header.partition(";")[0].strip().lower()


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


def _given_twice(name: str) -> RefusedError:
    return RefusedError(400, f"Invalid request: {shown(name)} is given twice", param=shown(name))


def _too_deep() -> RefusedError:
    return RefusedError(400, f"the body is nested too deeply: more than {_DEPTH} levels")


def _too_large(max_bytes: int) -> RefusedError:
    return RefusedError(413, f"the body is larger than the {max_bytes:,} bytes that this server reads")
