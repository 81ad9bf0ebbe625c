import json
from typing import Any

import pytest
from pydantic import ValidationError

from seqloom.serve import intake
from seqloom.serve.completion_models import CompletionRequest
from seqloom.serve.generation import GenerateRequest
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


def test_a_form_in_parts() -> None:
    body = part("q", "ä\r\n\r\nb") + part("source", "de") + b"--b--\r\n"
    assert intake._multipart('multipart/form-data; boundary="b"', body) == [("q", "ä\r\n\r\nb"), ("source", "de")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        part("q", "a"),
        b"--b\r\n\r\nno name\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="q"\r\n\r\n\xff\r\n--b--',
        part("q", "a") * 1_001 + b"--b--",
        b"--b\r\nContent-Disposition: form-data; " + b'x="' * 500 + b"\r\n\r\n\r\n--b--",
    ],
    ids=range(7),
)
def test_a_broken_form_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, StopIteration)):
        intake._multipart("multipart/form-data; boundary=b", body)
