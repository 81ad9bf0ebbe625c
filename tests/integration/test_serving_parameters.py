"""What clients of OpenAI's and LibreTranslate's APIs may send, and what they are told where something is not supported."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

import seqloom
from seqloom.serve.limits import RequestLimits
from tests.serving import Reply, Running, running

ORIGIN = "https://example.org"
# What OpenAI's JavaScript client sends, and pages of its users.
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,openai-organization,openai-project,user-agent,"
    "x-stainless-arch,x-stainless-lang,x-stainless-os,x-stainless-package-version,x-stainless-retry-count,"
    "x-stainless-runtime,x-stainless-runtime-version,x-stainless-timeout",
}


@pytest.fixture(scope="module")
def server(translator: Path, language_model: Path) -> Iterator[Running]:
    limits = RequestLimits(max_chars=4_000, max_tokens=30, max_beam=4, max_body_bytes=50_000)
    with running([translator, language_model], limits, origins=[f"{ORIGIN}/"]) as found:
        yield found


def complete(server: Running, **body: Any) -> Reply:
    return server.ask("/v1/completions", {"model": "de-en", "prompt": "rot Hund", "temperature": 0, **body})


def translate(server: Running, **body: Any) -> Reply:
    return server.ask("/translate", {"q": "rot Hund", "source": "de", "target": "en", **body})


def test_a_stream_tells_that_its_source_was_cut_and_counts_what_was_read(server: Running) -> None:
    model = "de-en"
    body = {"model": model, "prompt": "Katze " * 600, "max_tokens": 5}
    whole = complete(server, **body).json
    assert any("tokens" in note for note in whole["notes"])
    read = server.state.registry.run(model)
    assert whole["usage"]["prompt_tokens"] < read.num_tokens(body["prompt"])
    assert str(whole["usage"]["prompt_tokens"]) in whole["notes"][0]
    events = complete(server, **body, stream=True, stream_options={"include_usage": True}).events
    assert [event["notes"] for event in events if "notes" in event] == [whole["notes"]]
    assert events[-1]["usage"] == whole["usage"]
    assert whole["usage"]["total_tokens"] == sum(
        whole["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )


def test_a_prompt_that_does_not_fit_is_refused_before_a_stream_begins(server: Running) -> None:
    for stream in (False, True):
        found = complete(server, model="lm", prompt="Katze " * 600, stream=stream)
        assert (found.status, found.json["error"]["code"]) == (400, "context_length_exceeded")


def test_no_prompt_is_an_empty_one(server: Running) -> None:
    empty = complete(server, model="lm", prompt="").json["choices"]
    assert complete(server, model="lm", prompt=None).json["choices"] == empty
    assert server.ask("/v1/completions", {"model": "lm", "temperature": 0}).json["choices"] == empty
    assert complete(server, prompt=None).json["choices"][0]["text"] == ""


@pytest.mark.parametrize("model", ["de-en", "lm"])
def test_a_prompt_may_be_token_ids(server: Running, model: str, translator: Path, language_model: Path) -> None:
    run = seqloom.load(translator if model == "de-en" else language_model, device="cpu", threads=1)
    encode = run.tokenizer.encode_src if model == "de-en" else run.tokenizer.encode_tgt
    ids = [one.tolist() for one in encode(["rot Hund", "klein Haus"])]
    texts = complete(server, model=model, prompt=["rot Hund", "klein Haus"]).json
    found = complete(server, model=model, prompt=ids).json
    assert (found["choices"], found["usage"]) == (texts["choices"], texts["usage"])
    assert complete(server, model=model, prompt=ids[0]).json["choices"] == texts["choices"][:1]
    for wrong in ([0, 1], [10**6], [ids[0], [2]]):
        refused = complete(server, model=model, prompt=wrong)
        assert (refused.status, refused.json["error"]["param"]) == (400, "prompt")
        assert "token ids" in refused.json["error"]["message"]
    assert complete(server, model=model, prompt=ids[0] * 4_000).status == 400


def test_the_chosen_token_is_among_the_likeliest(server: Running) -> None:
    for count in (0, 1, 3):
        body = {"model": "lm", "temperature": 1.5, "seed": 3, "max_tokens": 20, "logprobs": count}
        told = complete(server, **body).json["choices"][0]["logprobs"]
        for token, log_prob, best in zip(told["tokens"], told["token_logprobs"], told["top_logprobs"], strict=True):
            assert best[token] == log_prob
            assert count <= len(best) <= count + 1 or token == ""
            assert list(best.values()) == sorted(best.values(), reverse=True)


def test_top_p_of_zero_takes_the_likeliest(server: Running) -> None:
    greedy = complete(server, model="lm").json["choices"]
    assert complete(server, model="lm", temperature=1, top_p=0).json["choices"] == greedy


def test_stream_options_without_a_stream_are_refused(server: Running) -> None:
    for more in ({}, {"stream": False}, {"stream": None}):
        found = complete(server, stream_options={"include_usage": True}, **more)
        assert (found.status, found.json["error"]["param"]) == (400, "stream_options")
    assert complete(server, stream_options=None).status == 200


@pytest.mark.parametrize(
    "name",
    [
        *("messages", "tools", "tool_choice", "functions", "response_format", "top_logprobs", "max_completion_tokens"),
        *("metadata", "store", "service_tier", "reasoning_effort", "modalities", "prediction", "verbosity"),
        *("top_k", "min_p", "repetition_penalty", "best_of", "suffix", "logit_bias"),
        *("presence_penalty", "frequency_penalty"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(server: Running, name: str) -> None:
    value: Any = {"suffix": "x", "logit_bias": {"5": 1}}.get(name, 2)
    found = complete(server, **{name: value})
    error = found.json["error"]
    assert (found.status, error["param"], error["type"]) == (400, name, "invalid_request_error")
    assert f"{name} is not supported here" in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("POST", "/v1/chat/completions", 404, "no chat"),
        ("POST", "/v1/embeddings", 404, "not supported here"),
        ("POST", "/completions", 404, "did you mean /v1/completions"),
        ("POST", "/translate/", 404, "did you mean /translate"),
        ("POST", "//translate", 404, "did you mean /translate"),
        ("POST", "/v1/completions/", 404, "did you mean /v1/completions"),
        ("GET", "/nothing", 404, "GET /openapi.json"),
        ("POST", "/languages", 405, "POST is not allowed here"),
        ("POST", "/health", 405, "POST is not allowed here"),
        ("POST", "/spec", 405, "POST is not allowed here"),
        ("GET", "/translate", 405, "use POST"),
        ("OPTIONS", "/translate", 405, "use POST"),
        ("BREW", "/translate", 405, "use POST"),
        ("POST", "/translate_file", 403, "not supported here"),
        ("POST", "/suggest", 403, "not supported here"),
    ],
)
def test_paths_and_methods(server: Running, method: str, path: str, status: int, told: str) -> None:
    found = server.ask(path, method=method)
    error = found.json["error"]
    assert found.status == status
    assert told in (error["message"] if path.startswith("/v1/") else error)


@pytest.mark.parametrize(
    "body",
    [
        {"format": None, "alternatives": None, "api_key": None, "secret": ""},
        {"format": "", "alternatives": ""},
        {"alternatives": "0", "format": "text"},
        {"source": "DE", "target": "EN"},
        {"source": "deu", "target": "eng"},
    ],
    ids=str,
)
def test_what_libretranslate_takes(server: Running, body: dict[str, Any]) -> None:
    plain = translate(server).json["translatedText"]
    found = translate(server, **body)
    assert (found.status, found.json["translatedText"]) == (200, plain)
    form = {"q": "rot Hund", "source": "de", "target": "en"} | {name: value or "" for name, value in body.items()}
    assert server.ask("/translate", form, form=True).json["translatedText"] == plain


def test_alternatives_may_be_digits_in_a_string(server: Running) -> None:
    assert translate(server, alternatives="2").json == translate(server, alternatives=2).json


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"q": ""}, "Invalid request: missing q parameter"),
        ({"q": None}, "Invalid request: missing q parameter"),
        ({"q": []}, "Invalid request: missing q parameter"),
        ({"source": ""}, "Invalid request: missing source parameter"),
        ({"target": None}, "Invalid request: missing target parameter"),
        ({"source": "zz"}, "zz is not supported"),
        ({"target": "zz"}, "zz is not supported"),
        ({"target": "z" * 3_000}, f"{'z' * 60} is not supported"),
        ({"source": "en", "target": "de"}, "German (de) is not available as a target language from English (en)"),
        ({"format": "xml"}, "xml format is not supported; use text"),
        ({"format": "html"}, "html format is not supported; use text"),
        ({"alternatives": 9}, "Invalid request: alternatives parameter must be <= 3"),
        ({"q": "a" * 4_001}, "Invalid request: request (4001) exceeds text limit (4000)"),
    ],
    ids=str,
)
def test_errors_are_libretranslates(server: Running, body: dict[str, Any], message: str) -> None:
    found = translate(server, **body)
    assert (found.status, found.json) == (400, {"error": message})


def test_a_language_that_is_another_than_was_asked_for_is_told(server: Running) -> None:
    found = translate(server, source="de-AT", target="en_GB").json
    assert found["notes"][:2] == ["source de-AT was taken as de", "target en_GB was taken as en"]
    assert translate(server, source="AUTO").json["detectedLanguage"]["language"] == "de"


def test_a_parameter_that_has_no_effect_is_told(server: Running) -> None:
    found = translate(server, glossary="x", domain="y")
    assert found.json["notes"][:2] == [
        "domain is not supported here and had no effect",
        "glossary is not supported here and had no effect",
    ]


def test_detecting_the_language_of_nothing(server: Running) -> None:
    for body in ({}, {"q": ""}, {"q": None}, {"q": []}):
        found = server.ask("/detect", body)
        assert (found.status, found.json) == (400, {"error": "Invalid request: missing q parameter"})
    assert server.ask("/detect", method="POST").status == 400
    for text in ("  ", "123", "\U0001f600"):
        assert server.ask("/detect", {"q": text}).json == [{"confidence": 0.0, "language": "en"}]


def test_the_specification_is_swagger(server: Running) -> None:
    found = server.ask("/spec").json
    assert found["swagger"] == "2.0"
    assert set(found["paths"]) == {"/translate", "/detect", "/languages", "/frontend/settings", "/health"}
    fields = {one["name"]: one for one in found["paths"]["/translate"]["post"]["parameters"]}
    assert fields["target"]["enum"] == ["de", "en"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        (b"{}", {"content-type": "text/plain"}, 415, "application/json"),
        (b"{}", {"content-type": "application/json; charset=latin-1"}, 415, "send UTF-8"),
        (b"{}", {"content-type": "application/json", "content-encoding": "gzip"}, 415, "uncompressed"),
        (b"{", {"content-type": "application/json"}, 400, "line 1, column 2"),
        (b'{"q": "a", "q": "b"}', {"content-type": "application/json"}, 400, "q is given twice"),
        (b"x" * 50_001, {"content-type": "application/json"}, 413, "50,000 bytes"),
    ],
    ids=range(6),
)
@pytest.mark.parametrize("path", ["/translate", "/detect", "/v1/completions", "/generate", "/explain"])
def test_bodies_that_cannot_be_read(
    server: Running, path: str, body: bytes, headers: dict[str, str], status: int, told: str
) -> None:
    found = server.ask(path, body, method="POST", headers=headers)
    error = found.json["error"]
    assert found.status == status
    assert told in (error["message"] if path.startswith("/v1/") else error)


def test_a_form_that_says_two_things(server: Running) -> None:
    found = server.ask("/translate?target=en", {"q": "rot", "source": "de", "target": "fr"}, form=True)
    assert (found.status, found.json["error"]) == (400, "Invalid request: target is given twice")
    assert server.ask("/translate?target=en", {"q": "rot", "source": "de"}, form=True).status == 200


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/models", "/translate", "/detect", "/generate", "/explain"])
def test_a_preflight_allows_what_clients_send(server: Running, path: str) -> None:
    found = server.ask(path, method="OPTIONS", headers=PREFLIGHT)
    assert (found.status, found.headers["access-control-allow-origin"]) == (200, ORIGIN)
    allowed = {name.strip() for name in found.headers["access-control-allow-headers"].split(",")}
    assert set(PREFLIGHT["access-control-request-headers"].split(",")) <= allowed
    assert "POST" in found.headers["access-control-allow-methods"]
    other = server.ask(path, method="OPTIONS", headers=PREFLIGHT | {"origin": "https://evil.example"})
    assert other.status == 400
    assert "access-control-allow-origin" not in other.headers


def test_pages_of_other_sites_can_read_errors_and_streams(translator: Path) -> None:
    headers = {"origin": ORIGIN}
    limits = RequestLimits(max_body_bytes=100, max_requests=1)
    with running([translator], limits, origins=[ORIGIN], keys=["right"]) as server:
        sent = headers | {"authorization": "Bearer right"}
        body = {"model": "de-en", "prompt": "rot", "temperature": 0, "stream": True}

        def broken() -> None:
            raise KeyError("a bug")

        found = [
            server.ask("/v1/models", headers=headers),
            server.ask("/nothing", headers=headers),
            server.ask("/translate", headers=headers),
            server.ask("/v1/completions", {"prompt": "x" * 200}, headers=sent),
            server.ask("/v1/completions", {}, headers=sent),
            server.ask("/v1/completions", body, headers=sent),
        ]
        server.state.metrics.page = broken  # type: ignore[assignment, method-assign]
        found.append(server.ask("/metrics", headers=sent))
        server.state.close()
        found.append(server.ask("/v1/models", headers=sent))
    assert [one.status for one in found] == [401, 404, 405, 413, 400, 200, 500, 503]
    assert {one.headers["access-control-allow-origin"] for one in found} == {ORIGIN}
    assert "retry-after" in found[-1].headers["access-control-expose-headers"]
