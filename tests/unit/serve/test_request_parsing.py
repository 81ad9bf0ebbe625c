import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.datastructures import Headers

from seqloom.serve import request_parsing
from seqloom.serve.completion_models import CompletionRequest
from seqloom.serve.generation import GenerateRequest
from seqloom.serve.http_errors import HTTPError
from seqloom.serve.libretranslate import DetectRequest, TranslateRequest


@pytest.mark.parametrize(
    ("model", "field"),
    [(TranslateRequest, "q"), (DetectRequest, "q"), (CompletionRequest, "prompt"), (GenerateRequest, "texts")],
)
def test_a_long_list_of_mistakes_is_one_mistake(model: Any, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps({field: [1] * 5_000}), strict=True)
    assert caught.value.error_count() < 10


def part(name: str, value: str) -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def parse_form(body: bytes, content_type: str = "multipart/form-data; boundary=b") -> list[tuple[str, str]]:
    return asyncio.run(request_parsing._multipart(Headers({"content-type": content_type}), body))


def test_a_form_in_parts() -> None:
    body = part("q", "ä\r\n\r\nb") + part("source", "de") + b"--b--\r\n"
    fields = [("q", "ä\r\n\r\nb"), ("source", "de")]
    assert parse_form(body, 'multipart/form-data; boundary="b"') == fields
    assert parse_form(body, "multipart/form-data; charset=utf-8; boundary=b") == fields
    with pytest.raises(ValueError, match="ascii"):
        parse_form(body, "multipart/form-data; charset=us-ascii; boundary=b")


def test_the_content_of_a_file_is_the_text_of_its_field() -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="q"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    assert parse_form(head + "zwölf".encode() + b"\r\n--b--\r\n") == [("q", "zwölf")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        part("q", "a"),
        part("q", "a") + part("source", "de")[:-6],
        b"--b\r\n\r\nno name\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="q"\r\n\r\n\xff\r\n--b--',
        part("q", "a") * 1_001 + b"--b--",
        b"--b\r\nContent-Disposition: form-data; " + b'x="' * 500 + b"\r\n\r\n\r\n--b--",
    ],
    ids=range(8),
)
def test_a_broken_form_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_form(body)


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_form(part("q", "a") + b"--b--", content_type)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON: Expecting value \\(line 1, column 1\\)"),
        (b'{\n"q": }', "line 2, column 6"),
        (b'{"q": "\xff"}', "not UTF-8 text \\(byte 8 is not\\)"),
        (b"[1]", "expected an object"),
        (b"null", "expected an object"),
        (b'{"q": 1, "q": 2}', "q is given twice"),
        (b'{"a": {"b": 1, "b": 2}}', "b is given twice"),
        (b'{"q": NaN}', "NaN is not a JSON number"),
        (b'{"q": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"q": ' + b"9" * 5_000 + b"}", "too many digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested too deeply: more than 64 levels"),
        (b'{"q": ["a", "\\ud83d"]}', "q holds a lone surrogate"),
        (b'{"\\udc00": 1}', "\\? holds a lone surrogate"),
    ],
    ids=range(14),
)
def test_a_body_that_is_no_json_object_is_refused_with_the_place(body: bytes, message: str) -> None:
    with pytest.raises(HTTPError, match=message) as caught:
        request_parsing.parse_object(body)
    assert caught.value.status == 400


def test_json_objects_are_read() -> None:
    assert request_parsing.parse_object(b'\xef\xbb\xbf{"q": "\\ud83d\\ude00 \\u0000", "n": 1e3}') == {
        "q": "\U0001f600 \0",
        "n": 1000.0,
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_json_value_is_read_or_refused(value: Any) -> None:
    if isinstance(value, dict):
        assert request_parsing.parse_object(json.dumps(value).encode()) == value
    else:
        with pytest.raises(HTTPError, match="expected an object"):
            request_parsing.parse_object(json.dumps(value).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(HTTPError):
        assert isinstance(request_parsing.parse_object(body), dict)
