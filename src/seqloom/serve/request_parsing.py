"""Request parsing: reads a body (JSON or a form) into a pydantic model, with limits on its size, duration and depth.

URL-encoded forms are parsed by `urllib`, because Starlette reads raw UTF-8 in them, as `curl -d q=...` sends it, as Latin-1.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from email.message import Message
from typing import Any, Never, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from seqloom.serve.http_errors import ClientDisconnectedError, HTTPError
from seqloom.serve.validation import safe_name, to_http_error

_MAX_BODY_SECONDS = 20.0
"""A body that takes longer to arrive is rejected with 408."""

_MAX_FIELDS = 1_000
_MAX_HEADER = 500
_MAX_DEPTH = 64
"""The largest depth of nested objects and lists; valid requests need four levels."""

_CHARSETS = ("", "utf-8", "utf8", "us-ascii")

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

_Model = TypeVar("_Model", bound=BaseModel)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Reads the whole body.

    Raises:
        HTTPError: 413 if the body is too large, 408 if it arrives too slowly, 415 if it is compressed.
        ClientDisconnectedError: the client closed the connection.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise HTTPError(415, "a body with Content-Encoding is not supported here; send it uncompressed")
    content_length = request.headers.get("content-length", "0")
    if (
        not content_length.isascii()
        or not content_length.isdigit()
        or len(content_length) > 15
        or int(content_length) > max_bytes
    ):
        raise _too_large(max_bytes)
    parts, size = [], 0
    try:
        async with asyncio.timeout(_MAX_BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                parts.append(part)
    except TimeoutError:
        raise HTTPError(408, f"the body did not arrive within {_MAX_BODY_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise ClientDisconnectedError from None
    return b"".join(parts)


async def read_json(request: Request, model: type[_Model], max_bytes: int) -> _Model:
    """Reads a JSON body into a model.

    Raises:
        HTTPError: 415 if the content type is not JSON, 400 if the body does not fit the model; or as `read_body`.
    """
    if not _is_json(request):
        raise HTTPError(415, "expected a JSON body with Content-Type: application/json")
    return _check(parse_object(await read_body(request, max_bytes)), model, strict=True)


async def read_fields(request: Request, model: type[_Model], max_bytes: int, *, lists: tuple[str, ...] = ()) -> _Model:
    """Reads a JSON body, or the fields of a form and of the query of the URL, into a model.

    A field that is null or empty counts as missing.

    Args:
        lists: names of fields that may occur several times in a form.

    Raises:
        HTTPError: as `read_json`.
    """
    if _is_json(request):
        # JSON has types, so they are checked strictly; the fields of a form are strings, which are converted.
        return _check(_without_empty(parse_object(await read_body(request, max_bytes))), model, strict=True)
    kind = _content_type(request)
    body = await read_body(request, max_bytes)
    fields = request.query_params.multi_items()
    try:
        if kind == "multipart/form-data":
            fields += await _multipart(request.headers, body)
        elif kind == "application/x-www-form-urlencoded":
            text = body.decode("utf-8")
            fields += parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
        elif body:
            raise HTTPError(
                415, "expected a JSON body (application/json) or a form (application/x-www-form-urlencoded)"
            )
    except (ValueError, LookupError):
        raise HTTPError(400, "the form cannot be read: expected fields in UTF-8") from None
    values: dict[str, Any] = {}
    for name, value in fields:
        if name in lists and name in values:
            values[name] = [*values[name], value] if isinstance(values[name], list) else [values[name], value]
        elif values.setdefault(name, value) != value:
            raise _duplicate(name)
    return _check(_without_empty(values), model, strict=False)


def parse_object(body: bytes) -> dict[str, Any]:
    """Parses a JSON object.

    Raises:
        HTTPError: 400: the body is not UTF-8, not JSON, not an object, nested too deeply, or has a duplicate name. The message
            gives the position of the error if it is known.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HTTPError(400, f"the body is not UTF-8 text (byte {error.start + 1:,} is not)") from None
    try:
        value = json.loads(text, object_pairs_hook=_to_dict, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        position = f"line {error.lineno:,}, column {error.colno:,}"
        raise HTTPError(400, f"the body is not JSON: {error.msg} ({position})") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise HTTPError(400, "the body is not JSON that can be read: a number has too many digits") from None
    if not isinstance(value, dict):
        raise HTTPError(400, "Invalid JSON format: expected an object, {...}")
    if _is_deeper(value, _MAX_DEPTH):
        raise _too_deep()
    if _SURROGATE.search(text):
        for name, part in value.items():
            try:
                json.dumps([name, part], ensure_ascii=False).encode("utf-8")
            except UnicodeEncodeError:
                raise HTTPError(
                    400,
                    f"Invalid request: {safe_name(name)} holds a lone surrogate (half of a UTF-16 pair), which is not Unicode text",
                    param=safe_name(name),
                ) from None
    return value


def _to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of the pairs; raises an HTTPError if a name is repeated."""
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise _duplicate(counts.most_common(1)[0][0])
    return value


def _reject_constant(word: str) -> Never:
    """Rejects NaN and infinities, which Python's parser accepts."""
    raise HTTPError(400, f"the body is not JSON: {word} is not a JSON number")


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether objects and lists are nested more deeply than `depth`. It is not recursive, because the input may be hostile."""
    level = [value]
    for _ in range(depth):
        level = [
            part
            for item in level
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return False
    return True


def _check(values: Mapping[str, Any], model: type[_Model], *, strict: bool) -> _Model:
    try:
        return model.model_validate(values, strict=strict)
    except ValidationError as error:
        raise to_http_error(error, model) from None


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ("", [])}


def _is_json(request: Request) -> bool:
    kind = _content_type(request)
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _content_type(request: Request) -> str:
    """The media type of the body, in lower case.

    Raises:
        HTTPError: 415 if it names an encoding other than UTF-8.
    """
    header = request.headers.get("content-type", "")
    message = Message()
    message["content-type"] = header[:_MAX_HEADER]
    charset = message.get_param("charset", "")
    if not isinstance(charset, str) or charset.strip().lower() not in _CHARSETS:
        raise HTTPError(415, "the charset of the body is not supported here; send UTF-8")
    return header.partition(";")[0].strip().lower()


class _StrictMultiPartParser(MultiPartParser):
    """Starlette's parser, with a flag that the last part was complete. Starlette drops an incomplete part without an error."""

    complete = False

    def on_end(self) -> None:
        self.complete = True


async def _multipart(headers: Headers, body: bytes) -> list[tuple[str, str]]:
    """The fields of a multipart form. The content of a file is the text of its field.

    Raises:
        ValueError: the form is not complete, not UTF-8, or has too many fields.
    """
    # This raises an error for bytes that are not UTF-8, which Starlette would read as Latin-1.
    _, parameters = parse_options_header(headers["content-type"])
    body.decode(parameters.get(b"charset", b"utf-8").decode("ascii") or "utf-8")

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _StrictMultiPartParser(
        headers, chunks(), max_files=_MAX_FIELDS, max_fields=_MAX_FIELDS, max_part_size=len(body) + 1
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise ValueError(error.message) from None
    if not parser.complete:
        raise ValueError("the last part is not complete")
    fields = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            fields.append((name, (await value.read()).decode("utf-8")))
            await value.close()
        else:
            fields.append((name, value))
    return fields


def _duplicate(name: str) -> HTTPError:
    return HTTPError(400, f"Invalid request: {safe_name(name)} is given twice", param=safe_name(name))


def _too_deep() -> HTTPError:
    return HTTPError(400, f"the body is nested too deeply: more than {_MAX_DEPTH} levels")


def _too_large(max_bytes: int) -> HTTPError:
    return HTTPError(413, f"the body is larger than {max_bytes:,} bytes, the limit of this server")
