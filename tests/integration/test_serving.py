"""A server that really runs, and what it answers."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

import seqloom
from seqloom.serve.limits import RequestLimits
from tests.integration.conftest import Cli
from tests.serving import Reply, Running, running

Trained = Callable[[str], Path]
LIMITS = RequestLimits(max_chars=400, max_texts=40, max_beam=4, max_tokens=30, max_body_bytes=20_000)


@pytest.fixture(scope="module")
def server(translator: Path, language_model: Path, trained: Trained) -> Iterator[Running]:
    with running([translator, trained("rnn-tiny"), language_model], LIMITS) as found:
        yield found


def sources(corpus_folder: Path) -> list[str]:
    return (corpus_folder / "sources.txt").read_text(encoding="utf-8").splitlines()


def test_translations_are_those_of_the_command_line(
    server: Running, translator: Path, corpus_folder: Path, cli: Cli
) -> None:
    expected = cli("translate", translator, "--input", corpus_folder / "sources.txt").splitlines()
    texts = sources(corpus_folder)
    one = server.ask("/translate", {"q": texts[0], "source": "de", "target": "en"})
    assert (one.status, one.json["translatedText"]) == (200, expected[0])
    several = server.ask("/translate", {"q": texts, "source": "de", "target": "en", "format": "text"})
    assert several.json["translatedText"] == expected
    form = server.ask("/translate", {"q": texts[0], "source": "de", "target": "en"}, form=True)
    assert form.json == one.json
    twice = server.ask("/translate", {"q": texts[:2], "source": "de", "target": "en"}, form=True)
    assert twice.json["translatedText"] == expected[:2]
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("q", texts[0]), ("source", "de"), ("target", "en"))
    )
    sent = {"content-type": "multipart/form-data; boundary=x"}
    assert server.ask("/translate", f"{parts}--x--\r\n".encode(), headers=sent).json == one.json


def test_lines_and_blanks_stay_where_they_are(server: Running, translator: Path) -> None:
    run = seqloom.load(translator, device="cpu", threads=1)
    first, second = (one.text for one in run.translate(["rot Hund", "klein Haus"]))
    for text, expected in (
        ("rot Hund\n\n  \r\nklein Haus\n", f"{first}\n\n  \r\n{second}\n"),
        (" \n", " \n"),
    ):
        found = server.ask("/translate", {"q": text, "source": "de", "target": "en"})
        assert found.json["translatedText"] == expected


def test_alternatives_are_the_beam(server: Running, translator: Path) -> None:
    asked = {"q": "rot Hund klein", "source": "de", "target": "en", "alternatives": 2}
    found = server.ask("/translate", asked).json
    generation = seqloom.load(translator, device="cpu", threads=1).translate("rot Hund klein", nbest=3)[0]
    best, *others = dict.fromkeys(generation.texts)
    assert (found["translatedText"], found["alternatives"]) == (best, others)


def test_languages_are_the_runs_own_or_made_of_their_names(server: Running) -> None:
    found = server.ask("/languages")
    assert {one["code"]: (one["name"], one["targets"]) for one in found.json} == {
        "de": ("German", ["en"]),
        "en": ("English", []),
        "rnn-tiny-src": ("Source language of rnn-tiny", ["rnn-tiny-tgt"]),
        "rnn-tiny-tgt": ("Target language of rnn-tiny", []),
    }
    pseudo = server.ask("/translate", {"q": "rot", "source": "rnn-tiny-src", "target": "rnn-tiny-tgt"})
    assert pseudo.status == 200
    settings = server.ask("/frontend/settings").json
    assert settings["charLimit"] == 400
    assert settings["language"]["target"]["code"] in ("en", "rnn-tiny-tgt")
    assert not settings["keyRequired"]


def test_a_language_is_detected_and_what_is_in_the_target_language_stays(server: Running) -> None:
    (best, *others) = server.ask("/detect", {"q": "klein Katze groß Haus"}).json
    assert best["language"] in ("de", "rnn-tiny-src")  # trained on the same
    assert sum(one["confidence"] for one in [best, *others]) == pytest.approx(100, abs=0.5)
    asked = {"q": ["klein Katze groß", "small cat big"], "source": "auto", "target": "en"}
    found = server.ask("/translate", asked).json
    assert [one["language"] for one in found["detectedLanguage"]] == ["de", "en"]
    assert found["translatedText"][1] == "small cat big"
    known = server.ask("/translate", asked | {"q": asked["q"][0], "source": "de"}).json
    assert found["translatedText"][0] == known["translatedText"]
    same = server.ask("/translate", {"q": "Haus", "source": "de", "target": "de"})
    assert same.json == {"translatedText": "Haus"}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 400, "Invalid request: missing q parameter"),
        ({"q": "a", "source": "de"}, 400, "Invalid request: missing target parameter"),
        ({"q": 7, "source": "de", "target": "en"}, 400, "q"),
        ({"q": "a", "source": "xx", "target": "en"}, 400, "xx is not supported"),
        ({"q": "a", "source": "en", "target": "de"}, 400, "not available as a target"),
        ({"q": "a", "source": "auto", "target": "xx"}, 400, "xx is not supported"),
        ({"q": "a", "source": "de", "target": "en", "format": "html"}, 400, "html"),
        ({"q": "a" * 401, "source": "de", "target": "en"}, 400, "text limit"),
        ({"q": ["a"] * 41, "source": "de", "target": "en"}, 400, "41 texts"),
        ({"q": "a\n" * 41, "source": "de", "target": "en"}, 400, "41 texts"),
        ({"q": "a", "source": "de", "target": "en", "alternatives": 4}, 400, "alternatives"),
        ({"q": "a", "source": "de", "target": "en", "alternatives": -1}, 400, "alternatives"),
    ],
)
def test_wrong_requests_to_translate(server: Running, body: dict[str, Any], status: int, told: str) -> None:
    found = server.ask("/translate", body)
    assert found.status == status
    assert set(found.json) == {"error"}
    assert told in found.json["error"]


def complete(server: Running, **body: Any) -> Reply:
    return server.ask("/v1/completions", {"model": "de-en", "prompt": "rot Hund", "temperature": 0, **body})


def text_of(reply: Reply, index: int = 0) -> str:
    return "".join(choice["text"] for event in reply.events for choice in event["choices"] if choice["index"] == index)


@pytest.mark.parametrize("model", ["de-en", "rnn-tiny", "lm"])
@pytest.mark.parametrize(
    "options", [{"temperature": 0}, {"temperature": 0.9, "seed": 5, "n": 2, "top_p": 0.9}], ids=str
)
def test_a_stream_says_what_is_said_at_once(server: Running, model: str, options: dict[str, Any]) -> None:
    body = options | {"model": model, "prompt": ["rot Hund", "klein Haus"], "max_tokens": 12, "logprobs": 2}
    whole = complete(server, **body).json
    stream = complete(server, **body, stream=True, stream_options={"include_usage": True})
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert len(whole["choices"]) == 2 * options.get("n", 1)
    events = stream.events
    assert events[-1]["choices"] == []
    assert events[-1]["usage"] == whole["usage"]
    assert len({event["id"] for event in events}) == 1
    for choice in whole["choices"]:
        index = choice["index"]
        mine = [part for event in events for part in event["choices"] if part["index"] == index]
        assert "".join(part["text"] for part in mine) == choice["text"]
        assert [part["finish_reason"] for part in mine] == [None] * (len(mine) - 1) + [choice["finish_reason"]]
        assert [token for part in mine for token in part["logprobs"]["tokens"]] == choice["logprobs"]["tokens"]
        assert "".join(choice["logprobs"]["tokens"]) == choice["text"].rstrip("\ufffd")
        assert all(value <= 0 for value in choice["logprobs"]["token_logprobs"])
        assert all(len(best) <= 3 for best in choice["logprobs"]["top_logprobs"])
        assert len(mine) > 2 or len(choice["text"]) < 12


def test_a_pair_model_takes_the_prompt_as_its_source(server: Running, translator: Path) -> None:
    run = seqloom.load(translator, device="cpu", threads=1)
    (greedy,) = run.translate("rot Hund", beam=1)
    found = complete(server).json
    assert found["choices"][0]["text"] == greedy.text
    written = len(greedy.hypotheses[0].token_log_probs)
    assert found["usage"]["completion_tokens"] == written
    assert found["usage"]["total_tokens"] == written + found["usage"]["prompt_tokens"]
    assert found["object"] == "text_completion"
    (cut,) = run.generate("rot Hund", method="beam", beam=1, max_tokens=2)
    short = complete(server, max_tokens=2).json["choices"][0]
    assert (short["text"], short["finish_reason"]) == (cut.text, "length")


def test_samples_are_those_of_the_command_line(server: Running, language_model: Path, translator: Path) -> None:
    for name, folder in (("lm", language_model), ("de-en", translator)):
        expected = seqloom.load(folder, device="cpu", threads=1).generate(
            ["rot", "klein"], num_samples=3, max_tokens=9, temperature=0.8, seed=11
        )
        body = {"model": name, "prompt": ["rot", "klein"], "n": 3, "max_tokens": 9, "temperature": 0.8, "seed": 11}
        texts = [choice["text"] for choice in complete(server, **body).json["choices"]]
        assert [sorted(texts[:3]), sorted(texts[3:])] == [sorted(one.texts) for one in expected]
        native_run = server.ask(
            "/generate",
            {
                "run": name,
                "texts": ["rot", "klein"],
                "method": "sample",
                "nbest": 3,
                "temperature": 0.8,
                "seed": 11,
                "max_tokens": 9,
            },
        )
        assert [[out["text"] for out in one["outputs"]] for one in native_run.json["generations"]] == [
            list(one.texts) for one in expected
        ]


def test_a_language_model_goes_on_and_echoes(server: Running) -> None:
    plain = complete(server, model="lm", prompt="rot").json["choices"][0]
    echoed = complete(server, model="lm", prompt="rot", echo=True).json["choices"][0]
    assert echoed["text"] == "rot" + plain["text"]
    stream = complete(server, model="lm", prompt="rot", echo=True, stream=True)
    assert text_of(stream) == echoed["text"]
    assert complete(server, model="lm", prompt="rot").json["usage"]["completion_tokens"] <= 16


def test_a_stop_ends_the_text_before_it(server: Running) -> None:
    whole = complete(server, model="lm", prompt="rot", max_tokens=30).json["choices"][0]["text"]
    stop = whole[5:8]
    for body in ({"stop": stop}, {"stop": [stop, "never there"]}):
        found = complete(server, model="lm", prompt="rot", max_tokens=30, **body).json["choices"][0]
        assert (found["text"], found["finish_reason"]) == (whole[: whole.index(stop)], "stop")
        assert text_of(complete(server, model="lm", prompt="rot", max_tokens=30, stream=True, **body)) == found["text"]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"model": "gpt"}, 404, "model"),
        ({"model": "../../etc/passwd"}, 404, "model"),
        ({"echo": True}, 400, "echo"),
        ({"temperature": 3}, 400, "temperature"),
        ({"temperature": 0, "top_p": 0.5, "n": 0}, 400, "n must be a whole number from 1 to 128"),
        ({"max_tokens": 31}, 400, "max_tokens"),
        ({"max_tokens": 10**30}, 400, "max_tokens"),
        ({"prompt": [[1, 2, 3]]}, 400, "token ids of item 1"),
        ({"prompt": []}, 400, "prompt"),
        ({"prompt": "a" * 401}, 400, "text limit"),
        ({"n": 41}, 400, "41 texts"),
        ({"suffix": "x"}, 400, "suffix"),
        ({"logit_bias": {"5": 1}}, 400, "logit_bias"),
        ({"presence_penalty": 1}, 400, "presence_penalty"),
        ({"best_of": 2}, 400, "best_of"),
        ({"logprobs": 6}, 400, "logprobs"),
        ({"stop": ""}, 400, "stop"),
        ({"nonsense": 1}, 400, "nonsense"),
    ],
    ids=str,
)
def test_wrong_completions(server: Running, body: dict[str, Any], status: int, told: str) -> None:
    for stream in (False, True):
        found = complete(server, **body, stream=stream)
        assert found.status == status
        assert set(found.json["error"]) == {"message", "type", "param", "code"}
        assert told in found.json["error"]["message"]


def test_models_are_the_folders_names(server: Running) -> None:
    listed = server.ask("/v1/models").json
    assert [(one["id"], one["kind"]) for one in listed["data"]] == [
        ("de-en", "pairs"),
        ("rnn-tiny", "pairs"),
        ("lm", "text"),
    ]
    assert server.ask("/v1/models/lm").json == listed["data"][2]
    assert server.ask("/v1/models/other").status == 404
    runs = server.ask("/runs").json["runs"]
    assert [(one["name"], one["source"], one["target"]) for one in runs] == [
        ("de-en", "de", "en"),
        ("rnn-tiny", "rnn-tiny-src", "rnn-tiny-tgt"),
        ("lm", None, None),
    ]


def test_our_own_api_tells_all_that_search_found(server: Running, translator: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("rot Hund\n", encoding="utf-8")
    line = json.loads(cli("translate", translator, "--beam", 3, "--nbest", 3, "--json", "--input", tmp_path / "one"))
    found = server.ask("/generate", {"run": "de-en", "texts": ["rot Hund"], "beam": 3, "nbest": 3}).json
    (generation,) = found["generations"]
    assert [one["text"] for one in generation["outputs"]] == [one["text"] for one in line["translations"]]
    assert [one["tokens"] for one in generation["outputs"]] == [one["tokens"] for one in line["translations"]]
    for ours, theirs in zip(generation["outputs"], line["translations"], strict=True):
        assert ours["score"] == pytest.approx(theirs["score"], abs=1e-4)
    assert generation["notes"] == line["notes"]
    for body, told in (
        ({"beam": 5}, "beam may be at most 4"),
        ({"beam": 1, "temperature": 0.5}, "would be ignored"),
        ({"seed": 3}, "seed would be ignored"),
        ({"nbest": 4, "beam": 2}, "nbest"),
        ({"method": "magic"}, "method"),
    ):
        wrong = server.ask("/generate", {"run": "de-en", "texts": ["a"], **body})
        assert wrong.status == 400
        assert told in wrong.json["error"]


def test_together_is_as_alone(server: Running, corpus_folder: Path) -> None:
    texts = sources(corpus_folder)
    jobs: list[tuple[str, dict[str, Any]]] = []
    for number, text in enumerate(texts):
        jobs.append(("/translate", {"q": text, "source": "de", "target": "en"}))
        jobs.append(("/v1/completions", {"model": "de-en", "prompt": text, "temperature": 0.8, "seed": number}))
        jobs.append(("/v1/completions", {"model": "lm", "prompt": text, "temperature": 0, "max_tokens": 8}))
        jobs.append(("/generate", {"run": "rnn-tiny", "texts": [text], "beam": 2, "nbest": 2}))

    def answer(job: tuple[str, dict[str, Any]]) -> Any:
        found = server.ask(*job)
        assert found.status == 200
        found = found.json
        if "choices" in found:
            return [(choice["text"], choice["finish_reason"]) for choice in found["choices"]]
        if "generations" in found:
            return [[out["text"] for out in one["outputs"]] for one in found["generations"]]
        return found

    alone = [answer(job) for job in jobs]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(answer, jobs)) == alone
    metrics = server.ask("/metrics").body.decode()
    singles = float(metrics.split('seqloom_batch_texts_bucket{le="1.0",run="de-en"} ')[1].split("\n")[0])
    batches = float(metrics.split('seqloom_batch_texts_count{run="de-en"} ')[1].split("\n")[0])
    assert batches > singles


HOSTILE: list[tuple[bytes, str]] = [
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"null", "application/json"),
    (b"[" * 19_000, "application/json"),
    (b'{"q":' + b"[" * 9_000 + b"]" * 9_000 + b"}", "application/json"),
    (b'{"q": "\\ud800", "source": "de", "target": "en", "model": "de-en", "prompt": "\\ud800"}', "application/json"),
    (b'{"q": "\xff\xfe"}', "application/json"),
    (b'{"model": "de-en", "temperature": NaN}', "application/json"),
    (b'{"model": "de-en", "temperature": 1e999}', "application/json"),
    (b'{"model": "de-en", "max_tokens": ' + b"9" * 10_000 + b"}", "application/json"),
    (b"q=%ff%fe&source=de&target=en", "application/x-www-form-urlencoded"),
    (b"&q=" * 3_000, "application/x-www-form-urlencoded"),
    (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
    (b"--x", "multipart/form-data"),
    (b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n" * 300, "multipart/form-data; boundary=x"),
    (b"<q/>", "application/xml"),
    (b"x" * 100, ""),
    (b"x" * 20_001, "application/json"),
    (b'{"__class__": "os.system", "q": "a", "source": "de", "target": "file:///etc/passwd"}', "application/json"),
]


@pytest.mark.parametrize("path", ["/translate", "/detect", "/v1/completions", "/generate"])
@pytest.mark.parametrize(("body", "kind"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_refused(server: Running, path: str, body: bytes, kind: str) -> None:
    found = server.ask(path, body, method="POST", headers={"content-type": kind})
    if path == "/detect" and found.status == 200:
        # A text is a text, whatever else stands beside it.
        assert b"q" in body
        return
    assert 400 <= found.status < 500
    assert "error" in found.json
    assert (found.status == 413) == (len(body) > 20_000)


def test_bodies_that_lie_or_trickle(server: Running) -> None:
    for head in (
        b"Content-Length: 999999999",
        b"Content-Length: -5",
        b"Content-Length: x",
        b"Transfer-Encoding: nonsense",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(
                b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n{"
            )
            assert connection.recv(64).split()[1][:1] == b"4"
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(chunk * 6)
        assert connection.recv(64).split()[1] == b"413"
    assert server.ask("/health").json == {"status": "ok"}


def test_unknown_paths_and_methods(server: Running) -> None:
    assert server.ask("/translate").status == 405
    assert server.ask("/translate").headers["allow"] == "POST"
    assert server.ask("/..%2f..%2fetc/passwd").status == 404
    found = server.ask("/v1/nothing")
    assert (found.status, set(found.json["error"])) == (404, {"message", "type", "param", "code"})
    assert server.ask("/translate/", {}).status == 404
    assert "access-control-allow-origin" not in server.ask("/health", headers={"origin": "http://evil"}).headers


def test_the_log_holds_no_text(server: Running) -> None:
    secret = "Geheimnis"
    server.ask("/translate", {"q": secret, "source": "de", "target": "en"})
    server.ask(f"/translate?q={secret}&source=de&target=en", b"", method="POST")
    server.ask(f"/{secret}")
    complete(server, prompt=secret, stream=True)
    complete(server, model=secret)
    server.ask("/translate", f'{{"q": "{secret}'.encode(), headers={"content-type": "application/json"})
    assert secret not in server.log.getvalue()
    lines = [line for line in server.access_log() if line["event"] == "request"]
    assert {"id", "method", "route", "status", "milliseconds"} <= set(lines[-1])
    assert [line for line in lines if line.get("characters") == len(secret) and line["route"] == "/translate"]


def test_keys_and_origins(translator: Path) -> None:
    with running([translator], keys=["rightkey", "other"], origins=["https://example.org"]) as server:
        for path, body in (
            ("/metrics", None),
            ("/runs", None),
            ("/v1/models", None),
            ("/v1/models/de-en", None),
            ("/v1/completions", {"model": "de-en"}),
            ("/generate", {"run": "de-en", "texts": ["a"]}),
        ):
            assert server.ask(path, body).status == 401
            wrong = server.ask(path, body, headers={"authorization": "Bearer wrong"})
            assert (wrong.status, wrong.headers["www-authenticate"]) == (401, "Bearer")
            assert server.ask(path, body, headers={"authorization": "Bearer other"}).status == 200
        asked = {"q": "rot", "source": "de", "target": "en"}
        for more, status in (({}, 403), ({"api_key": "wrong"}, 403), ({"api_key": "rightkey"}, 200)):
            assert server.ask("/translate", asked | more).status == status
            assert server.ask("/translate", asked | more, form=True).status == status
            assert server.ask("/detect", asked | more).status == status
        assert server.ask("/translate", asked, headers={"authorization": "Bearer rightkey"}).status == 200
        assert (
            server.ask("/translate", asked, headers={"authorization": "Bearer ☃".encode().decode("latin-1")}).status
            == 403
        )
        for path in ("/health", "/languages", "/frontend/settings"):
            assert server.ask(path).status == 200
        assert server.ask("/frontend/settings").json["keyRequired"]
        ours = server.ask("/health", headers={"origin": "https://example.org"}).headers
        assert ours["access-control-allow-origin"] == "https://example.org"
        assert "access-control-allow-origin" not in server.ask("/health", headers={"origin": "https://evil"}).headers


def slow(server: Running) -> threading.Event:
    """Makes the threads wait before they decode, until the event is set."""
    go = threading.Event()
    take = server.state.batcher._take

    def waiting() -> Any:
        batch = take()
        assert go.wait(30)
        return batch

    server.state.batcher._take = waiting  # type: ignore[method-assign]
    return go


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_full_queue_is_503_and_who_leaves_makes_room(translator: Path) -> None:
    with running([translator], RequestLimits(queue=3, batch=1, max_seconds=20, wait_ms=0)) as server:
        go = slow(server)
        asked = json.dumps({"q": "rot", "source": "de", "target": "en"})

        def begin() -> HTTPConnection:
            connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.request("POST", "/translate", asked, {"content-type": "application/json"})
            return connection

        # The first may have been taken before the threads were slowed down.
        server.ask("/translate", json.loads(asked))
        begun = [begin()]
        # Only then is there room for three more: the count of active requests may still be the one before.
        until(lambda: len(go._cond._waiters) == 1)  # type: ignore[attr-defined]
        begun += [begin() for _ in range(3)]
        until(lambda: len(server.state.batcher) == 3)
        refused = server.ask("/translate", json.loads(asked))
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert "waiting" in refused.json["error"]
        stream = {"model": "de-en", "prompt": "rot", "stream": True}
        assert server.ask("/v1/completions", stream).status == 503
        begun[-1].close()
        until(lambda: any(line.get("status") == 499 for line in server.access_log()))
        last = begin()
        until(lambda: server.state.metrics.active._value.get() == 4)
        go.set()
        for connection in (*begun[:3], last):
            assert connection.getresponse().status == 200
            connection.close()
    assert server.state.batcher.closed


def test_time_is_limited(translator: Path) -> None:
    with running([translator], RequestLimits(max_seconds=0.3, wait_ms=0)) as server:
        go = slow(server)
        server.ask("/translate", {"q": "rot", "source": "de", "target": "en"})
        late = server.ask("/translate", {"q": "rot", "source": "de", "target": "en"})
        assert (late.status, late.headers["retry-after"]) == (503, "1")
        stream = server.ask("/v1/completions", {"model": "de-en", "prompt": "rot", "stream": True})
        assert b"error" in stream.body
        assert b"[DONE]" not in stream.body
        go.set()


def test_a_stream_that_nobody_reads_stops(language_model: Path) -> None:
    with running([language_model], RequestLimits(max_tokens=1000, max_seconds=60)) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        # A prompt and a stop that never comes; the model seldom ends by itself.
        body = {"model": "lm", "prompt": "rot", "temperature": 1.5, "max_tokens": 1000, "stream": True, "n": 8}
        connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        assert answer.read(10)
        answer.close()
        connection.close()
        until(lambda: any(line.get("status") == 499 for line in server.access_log()))
        (line,) = [line for line in server.access_log() if line["event"] == "request"]
        assert line["stream"]


def test_it_ends_after_what_it_has_begun(translator: Path) -> None:
    with running([translator], RequestLimits(wait_ms=0)) as server:
        go = slow(server)
        asked = {"q": ["rot Hund", "klein"], "source": "de", "target": "en"}
        server.ask("/translate", asked)
        with ThreadPoolExecutor(1) as pool:
            begun = pool.submit(server.ask, "/translate", asked)
            until(lambda: server.state.metrics.active._value.get() == 1)
            server.server.should_exit = True
            until(lambda: server.state.batcher.closed)
            with pytest.raises(OSError):  # noqa: PT011 (refused or reset, as the system likes)
                server.ask("/translate", asked)
            go.set()
            assert begun.result(30).status == 200


def test_engine_ctranslate2(translator: Path, corpus_folder: Path, cli: Cli) -> None:
    pytest.importorskip("ctranslate2")
    argv = ("translate", translator, "--engine", "ctranslate2", "--input", corpus_folder / "sources.txt")
    with running([translator], engine="ctranslate2") as server:
        found = server.ask("/translate", {"q": sources(corpus_folder), "source": "de", "target": "en"})
        assert found.json["translatedText"] == cli(*argv).splitlines()
        body = {"model": "de-en", "prompt": "rot Hund", "temperature": 0}
        whole = server.ask("/v1/completions", body).json
        assert text_of(server.ask("/v1/completions", body | {"stream": True})) == whole["choices"][0]["text"]
        assert server.ask("/v1/completions", body | {"temperature": 1}).status == 400
        assert server.ask("/v1/completions", body | {"logprobs": 1}).status == 400


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_end(translator: Path, sign: signal.Signals) -> None:
    argv = [
        sys.executable,
        "-m",
        "seqloom",
        "serve",
        str(translator),
        "--port",
        "0",
        "--threads",
        "1",
        "--device",
        "cpu",
    ]
    environment = os.environ | {"SEQLOOM_API_KEY": "hidden"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
        for key, status in (("hidden", 200), ("other", 401)):
            connection.request("GET", "/runs", headers={"authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (status, True)
        connection.close()
        process.send_signal(sign)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["listening", "request", "request", "closing", "closed"]
    assert lines[-1]["all_done"]
    assert "hidden" not in errors
