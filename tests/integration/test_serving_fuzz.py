"""Requests that no client would send: each is answered, and none with a bug."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqloom.serve.completion_models import CompletionRequest
from seqloom.serve.explanation import ExplainRequest
from seqloom.serve.generation import GenerateRequest
from seqloom.serve.libretranslate import DetectRequest, TranslateRequest
from seqloom.serve.limits import RequestLimits
from seqloom.serve.surprise import SurpriseRequest
from tests.serving import Running, running

MODELS = {
    "/v1/completions": CompletionRequest,
    "/generate": GenerateRequest,
    "/explain": ExplainRequest,
    "/surprise": SurpriseRequest,
    "/translate": TranslateRequest,
    "/detect": DetectRequest,
}
GOOD: dict[str, dict[str, Any]] = {
    "/v1/completions": {"model": "lm", "prompt": "a", "max_tokens": 2},
    "/generate": {"run": "de-en", "texts": ["a"], "max_tokens": 2},
    "/explain": {"text": "a", "runs": ["de-en"], "max_tokens": 2},
    "/surprise": {"text": "a", "runs": ["lm"]},
    "/translate": {"q": "a", "source": "de", "target": "en"},
    "/detect": {"q": "a"},
}

TEXTS = st.sampled_from(
    [
        "",
        "a",
        "\0",
        "\ufeff",
        "\u2028",
        "\ud800",
        "de",
        "auto",
        "html",
        "2",
        "-1",
        "1e9",
        "NaN",
        "🏳️‍🌈",
        "a\r\nb",
        "x" * 300,
    ]
) | st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def server(translator: Path, language_model: Path) -> Iterator[Running]:
    with running(
        [translator, language_model], RequestLimits(max_chars=200, max_texts=4, max_tokens=4, max_beam=2)
    ) as found:
        yield found


@pytest.mark.parametrize("path", sorted(MODELS))
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_request_finds_a_bug(server: Running, path: str, data: st.DataObject) -> None:
    names = st.sampled_from(sorted(MODELS[path].model_fields)) | TEXTS
    body = GOOD[path] | data.draw(st.dictionaries(names, VALUES, min_size=1, max_size=3))
    as_form = path in ("/translate", "/detect") and data.draw(st.booleans())
    if as_form:
        fields = {
            str(name).encode("utf-8", "replace"): str(value).encode("utf-8", "replace") for name, value in body.items()
        }
        found = server.ask(path, fields, form=True)
    else:
        found = server.ask(path, body)
    assert found.status == 200 or 400 <= found.status < 500, (body, found.body)
    if found.status != 200:
        error = found.json["error"]
        message = error["message"] if path.startswith("/v1/") else error
        assert message
        assert not any(word in message for word in ("Input should", "constrained-", "Traceback"))


def test_nothing_of_it_was_a_bug(server: Running) -> None:
    assert not [line for line in server.access_log() if line["event"] == "failure"]
