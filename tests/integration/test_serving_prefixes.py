"""The prefix cache of a server, and settings of generation over HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

import seqloom
from seqloom.serve.limits import RequestLimits
from tests.serving import Running, running


@pytest.fixture(scope="module")
def server(language_model: Path, translator: Path) -> Iterator[Running]:
    with running([language_model, translator], RequestLimits(wait_ms=0)) as found:
        yield found


def metric(server: Running, name: str) -> float:
    """The value of a metric of the language model; 0 where it has none yet."""
    match = re.search(rf'^seqloom_prefix_cache_{name}{{run="lm"}} (\S+)$', server.ask("/metrics").body.decode(), re.M)
    assert match is not None, name
    return float(match[1])


def complete(server: Running, **body: Any) -> list[str]:
    reply = server.ask("/v1/completions", {"model": "lm", "max_tokens": 12, **body})
    assert reply.status == 200, reply.body
    return [choice["text"] for choice in reply.json["choices"]]


def test_prompts_that_begin_alike_are_read_once_and_texts_stay_the_same(server: Running, language_model: Path) -> None:
    run = seqloom.load(language_model, device="cpu", threads=1)
    common = "rot Hund red dog. klein Haus small house. "
    prompts = [common + end for end in ("blau", "groß Baum", "", "blau Katze")]
    expected = [item.text for item in run.generate(prompts, max_tokens=12, temperature=0)]
    assert [complete(server, prompt=prompt, temperature=0)[0] for prompt in prompts] == expected
    assert complete(server, prompt=prompts, temperature=0) == expected
    sampled = [item.text for item in run.generate(prompts, max_tokens=12, seed=4)]
    assert complete(server, prompt=prompts, seed=4) == sampled
    assert metric(server, "hits_total") >= 4
    assert metric(server, "reused_tokens_total") > metric(server, "read_tokens_total")
    assert 0 < metric(server, "bytes") <= RequestLimits().prefix_cache_bytes
    # Runs of pairs read sources, which have no common beginnings to speak of.
    assert 'seqloom_prefix_cache_hits_total{run="de-en"}' not in server.ask("/metrics").body.decode()


def test_samples_of_a_prompt_read_it_once(server: Running) -> None:
    before = metric(server, "read_tokens_total")
    texts = complete(server, prompt="Baum tree. Katze cat. Hund", n=6, seed=1)
    assert len(set(texts)) > 1
    assert metric(server, "read_tokens_total") - before < 40


def test_the_cache_can_be_switched_off(language_model: Path) -> None:
    with running([language_model], RequestLimits(wait_ms=0, prefix_cache_bytes=0)) as plain:
        assert complete(plain, prompt="rot Hund", temperature=0)
        assert "prefix_cache" not in plain.ask("/metrics").body.decode()


def test_settings_of_generation_are_those_of_the_run(server: Running, language_model: Path) -> None:
    run = seqloom.load(language_model, device="cpu", threads=1)
    (free,) = run.generate("rot Hund", max_tokens=40, temperature=0)
    settings = {"stop_strings": [free.text[4:6], "zz"], "repetition_penalty": 1.1, "no_repeat_ngram": 5}
    (expected,) = run.generate("rot Hund", max_tokens=40, temperature=0, **settings)
    body = {"run": "lm", "texts": ["rot Hund"], "method": "sample", "temperature": 0, "max_tokens": 40, **settings}
    reply = server.ask("/generate", body)
    assert reply.status == 200, reply.body
    (output,) = reply.json["generations"][0]["outputs"]
    assert (output["text"], output["stop"]) == (expected.text, expected.stops[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop_strings": [""]}, "stop_strings must be a list of at most 4 strings of 1 to 200 characters"),
        ({"repetition_penalty": 0}, "repetition_penalty must be a number above 0 and of at most 10"),
        ({"frequency_penalty": 3}, "frequency_penalty must be a number from -2 to 2"),
        ({"full_context": "cut"}, 'full_context must be "refuse" or "slide"'),
        ({"repetition_penality": 2}, "repetition_penality is not supported here; did you mean repetition_penalty?"),
        (
            {"beam": 4, "method": "beam", "repetition_penalty": 2},
            "repetition_penalty cannot be combined with a beam of 4",
        ),
        ({"texts": ["rot " * 700]}, "too long: the context of the model holds 512"),
    ],
)
def test_wrong_settings_of_generation_are_refused(server: Running, changes: dict[str, Any], message: str) -> None:
    reply = server.ask("/generate", {"run": "lm", "texts": ["rot"], "method": "sample", **changes})
    assert reply.status == 400
    assert message in reply.json["error"]


def test_a_prompt_longer_than_the_context_is_refused_or_slides(server: Running) -> None:
    reply = server.ask("/v1/completions", {"model": "lm", "prompt": "rot " * 700})
    assert reply.status == 400
    assert reply.json["error"]["code"] == "context_length_exceeded"
    body = {"run": "lm", "texts": ["rot " * 700], "method": "sample", "full_context": "slide", "max_tokens": 5}
    reply = server.ask("/generate", body)
    assert reply.status == 200
    assert "were not read" in reply.json["generations"][0]["notes"][0]


def test_a_stream_in_the_terminal_is_the_text_of_generate(
    language_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from seqloom.cli import main

    options = [str(language_model), "--prompt", "rot", "--prompt", "blau Hund", "--max-tokens", "20", "--threads", "1"]
    for more in ([], ["--stop", "o"], ["--temperature", "0", "--repetition-penalty", "1.3"]):
        assert main(["generate", *options, *more]) == 0
        printed = capsys.readouterr()
        assert main(["generate", *options, *more, "--stream"]) == 0
        assert capsys.readouterr() == printed
