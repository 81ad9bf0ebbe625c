"""What evaluation harnesses ask of /v1/completions: scores of prompts by `echo`, and token ids of texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

import seqloom
from seqloom.data.batching import Example
from seqloom.decoding.forced import score_targets
from seqloom.serve.limits import RequestLimits
from tests.serving import Running, running

TEXTS = ["rot Hund red dog.", "blau", "klein Haus small house. é"]


@pytest.fixture(scope="module")
def server(language_model: Path) -> Iterator[Running]:
    with running([language_model], RequestLimits(wait_ms=0)) as found:
        yield found


def complete(server: Running, **body: Any) -> list[dict[str, Any]]:
    reply = server.ask("/v1/completions", {"model": "lm", **body})
    assert reply.status == 200, reply.body
    choices: list[dict[str, Any]] = reply.json["choices"]
    return choices


def ids_of(server: Running, text: str) -> list[int]:
    ids: list[int] = server.ask("/tokenize", {"prompt": text}).json["tokens"]
    return ids


def own_scores(folder: Path, ids: list[int]) -> list[float]:
    run = seqloom.load(folder, device="cpu", threads=1)
    example = Example(np.zeros(0, dtype=np.int64), np.array(ids, dtype=np.int64))
    with torch.inference_mode():
        return list(score_targets(run.model, [example], end=False)[0].token_log_probs)


@pytest.mark.parametrize("max_tokens", [0, 1])
@pytest.mark.parametrize("as_ids", [False, True])
def test_echo_scores_prompts(server: Running, language_model: Path, max_tokens: int, as_ids: bool) -> None:
    prompts: list[Any] = [ids_of(server, text) for text in TEXTS] if as_ids else list(TEXTS)
    choices = complete(server, prompt=prompts, echo=True, logprobs=1, max_tokens=max_tokens, temperature=0)
    assert len(choices) == len(TEXTS)
    for text, choice in zip(TEXTS, choices, strict=True):
        expected = own_scores(language_model, ids_of(server, text))
        logprobs = choice["logprobs"]
        assert choice["text"].startswith(text)
        assert logprobs["token_logprobs"][0] is logprobs["top_logprobs"][0] is None
        assert len(set(map(len, logprobs.values()))) == 1
        assert len(logprobs["tokens"]) == len(expected) + max_tokens
        assert logprobs["token_logprobs"][1 : len(expected)] == pytest.approx(expected[1:], abs=1e-4)
        # By this a harness sees whether a token is the most probable one.
        for log_prob, top in list(zip(logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True))[1:]:
            assert max(top.values()) >= log_prob
            assert log_prob in top.values()
        assert "".join(logprobs["tokens"]) == choice["text"]
    (alone,) = complete(server, prompt=prompts[0], echo=True, logprobs=1, max_tokens=max_tokens, temperature=0)
    assert alone["logprobs"]["token_logprobs"][1:] == pytest.approx(
        choices[0]["logprobs"]["token_logprobs"][1:], abs=1e-4
    )


def test_the_id_that_begins_every_text_gives_the_first_token_a_score(server: Running, language_model: Path) -> None:
    ids = ids_of(server, TEXTS[0])
    options = {"echo": True, "logprobs": 1, "max_tokens": 0}
    (begun,) = complete(server, prompt=[1, *ids], **options)
    (plain,) = complete(server, prompt=ids, **options)
    assert begun["text"] == plain["text"]
    assert begun["logprobs"]["tokens"] == ["<s>", *plain["logprobs"]["tokens"]]
    assert begun["logprobs"]["text_offset"] == [0, *plain["logprobs"]["text_offset"]]
    assert begun["logprobs"]["token_logprobs"][0] is begun["logprobs"]["top_logprobs"][0] is None
    assert begun["logprobs"]["token_logprobs"][1:] == pytest.approx(own_scores(language_model, ids), abs=1e-4)
    assert begun["logprobs"]["top_logprobs"][2:] == plain["logprobs"]["top_logprobs"][1:]


def test_ids_that_no_text_is_written_by_are_scored(server: Running, language_model: Path) -> None:
    ids = [*ids_of(server, "ro"), *ids_of(server, "t Hund")]
    (choice,) = complete(server, prompt=ids, echo=True, logprobs=0, max_tokens=1, temperature=0)
    scores = choice["logprobs"]["token_logprobs"][1:-1]
    assert scores == pytest.approx(own_scores(language_model, ids)[1:], abs=1e-4)


def test_the_next_token_is_that_of_greedy_search(server: Running) -> None:
    options = {"prompt": TEXTS, "max_tokens": 1, "temperature": 0, "logprobs": 2}
    for text, plain, echoed in zip(
        TEXTS, complete(server, **options), complete(server, echo=True, **options), strict=True
    ):
        assert echoed["text"] == text + plain["text"].rstrip("\ufffd")
        assert echoed["finish_reason"] == plain["finish_reason"]
        if plain["text"]:
            last = plain["logprobs"]["token_logprobs"][-1]
            assert echoed["logprobs"]["token_logprobs"][-1] == pytest.approx(last, abs=1e-4)


def test_longer_completions_follow_the_scores(server: Running) -> None:
    options = {"prompt": TEXTS[0], "max_tokens": 6, "seed": 3, "logprobs": 2, "n": 2}
    for plain, echoed in zip(complete(server, **options), complete(server, echo=True, **options), strict=True):
        assert echoed["text"] == TEXTS[0] + plain["text"]
        count = len(plain["logprobs"]["tokens"])
        assert echoed["logprobs"]["tokens"][len(echoed["logprobs"]["tokens"]) - count :] == plain["logprobs"]["tokens"]
        offsets = [len(TEXTS[0]) + offset for offset in plain["logprobs"]["text_offset"]]
        assert echoed["logprobs"]["text_offset"][len(echoed["logprobs"]["tokens"]) - count :] == offsets


def test_no_tokens_are_generated_where_none_are_wanted(server: Running) -> None:
    reply = server.ask("/v1/completions", {"model": "lm", "prompt": TEXTS[:2], "echo": True, "max_tokens": 0})
    assert [choice["text"] for choice in reply.json["choices"]] == TEXTS[:2]
    assert reply.json["usage"]["completion_tokens"] == 0
    assert [choice["text"] for choice in complete(server, prompt=TEXTS, max_tokens=0)] == ["", "", ""]


def test_texts_become_ids_and_ids_texts(server: Running) -> None:
    for text in [*TEXTS, ""]:
        answer = server.ask("/tokenize", {"model": "lm", "prompt": text}).json
        assert answer["count"] == len(answer["tokens"]) == len(answer["token_strs"])
        assert answer["max_model_len"] == 512
        assert server.ask("/detokenize", {"model": "lm", "tokens": answer["tokens"]}).json == {"prompt": text}
    begun = server.ask("/tokenize", {"prompt": "rot", "add_special_tokens": True}).json["tokens"]
    assert begun == [1, *ids_of(server, "rot")]


def test_a_client_learns_the_special_ids(server: Running) -> None:
    facts = server.ask("/tokenizer_info").json
    assert facts == server.ask("/tokenizer_info?model=lm").json
    assert (facts["bos_token_id"], facts["eos_token_id"], facts["model_max_length"]) == (1, 2, 512)
    assert facts["eos_token"] is None
    assert facts["vocab_size"] > 3
    assert server.ask("/tokenizer_info?model=nobody").status == 404


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/completions", {"model": "lm", "prompt": "a", "echo": True, "logprobs": 1, "stream": True}, "in a stream"),
        ("/v1/completions", {"model": "lm", "prompt": "a", "max_tokens": -1}, "max_tokens must be"),
        ("/v1/completions", {"model": "lm", "prompt": [9999], "echo": True, "logprobs": 1}, "token ids of item 1"),
        (
            "/v1/completions",
            {"model": "lm", "prompt": [5] * 600, "echo": True, "logprobs": 1, "max_tokens": 0},
            "too long",
        ),
        ("/detokenize", {"tokens": [9999]}, "not in the vocabulary of this model"),
        ("/tokenize", {"text": "a"}, "prompt"),
    ],
)
def test_wrong_requests_are_refused(server: Running, path: str, body: dict[str, Any], message: str) -> None:
    reply = server.ask(path, body)
    assert reply.status == 400
    assert message in reply.body.decode()
