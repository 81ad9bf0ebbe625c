"""/explain: what it answers is what `seqloom explain` tells, within bounds, and never at others' cost."""

import json
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

from seqloom.explain import Explanations
from seqloom.serve.limits import RequestLimits
from tests.integration.conftest import Cli, train
from tests.integration.test_serving import HOSTILE, until
from tests.serving import Reply, Running, running

Trained = Callable[[str], Path]
LIMITS = RequestLimits(
    max_chars=400, max_beam=4, max_tokens=30, max_body_bytes=20_000, explained_tokens=24, explanations=6
)


@pytest.fixture(scope="module")
def folders(trained: Trained, corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("lm") / "lm"
    language_model = train(corpus_folder / "text.txt", "transformer-lm-tiny", out, "--steps", 30)
    return [trained("rnn-tiny"), trained("transformer-tiny"), language_model]


@pytest.fixture(scope="module")
def server(folders: list[Path]) -> Iterator[Running]:
    with running(folders, LIMITS) as found:
        yield found


def explain(server: Running, **body: Any) -> Reply:
    return server.ask("/explain", {"text": "rot Hund klein", "runs": ["transformer-tiny"], **body})


def test_it_tells_what_the_command_line_tells(server: Running, folders: list[Path], cli: Cli) -> None:
    argv = ("explain", *folders, "--text", "rot Hund klein", "--json", "--device", "cpu", "--quiet")
    expected = Explanations.model_validate_json(cli(*argv))
    runs = [folder.name for folder in folders]
    found = Explanations.model_validate_json(explain(server, runs=runs, computation=True).body)
    # The babbling language model ends sooner here than there.
    assert expected.explanations[2].output.startswith(found.explanations[2].output)
    for ours, theirs in zip(found.explanations[:2], expected.explanations[:2], strict=True):
        assert (ours.output, ours.source) == (theirs.output, theirs.source)
        assert ours.log_prob == pytest.approx(theirs.log_prob, abs=1e-4)
        assert [len(one.heads) for one in ours.attention] == [len(one.heads) for one in theirs.attention]
        assert ours.beam is not None
        assert ours.computation is not None
    assert explain(server).json["explanations"][0]["computation"] is None


def test_a_change_changes_what_it_says_it_does(server: Running) -> None:
    plain = explain(server).json["explanations"][0]
    first = plain["target"][0]["token_id"]
    other = next(
        one["token"] for one in plain["steps"][0]["candidates"][1:] if not one["token"]["text"].startswith("<")
    )
    begun = explain(server, change={"prefix_ids": [other["token_id"]]}).json["explanations"][0]["what_if"]
    assert begun["output_tokens"][0] == other
    assert begun["log_probs"] == begun["changed_log_probs"]
    assert other["token_id"] != first
    word = explain(server, change={"words": {"2": "Haus"}}, methods=["attention"]).json["explanations"][0]
    assert word["what_if"]["text"] == "rot Haus klein"
    assert word["what_if"]["log_probs"] != word["what_if"]["changed_log_probs"]
    assert word["saliency"] == []
    head = plain["attention"][-1]["name"]
    silent = explain(server, change={"silence": [f"{head}.0"], "prefix": "red"}).json["explanations"][0]["what_if"]
    assert silent["output"].startswith("red")


def test_a_given_target_is_explained(server: Running) -> None:
    found = explain(server, target="red dog").json["explanations"][0]
    assert (found["output"], found["forced"], found["beam"]) == ("red dog", True, None)


def test_outputs_are_bounded(server: Running) -> None:
    for run in ("rnn-tiny", "lm"):
        found = explain(server, runs=[run], max_tokens=2).json["explanations"][0]
        assert len(found["target"]) <= 2


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"runs": ["other"]}, 404, "no such model"),
        ({"runs": []}, 400, "runs"),
        ({"runs": ["lm", "lm"]}, 400, "twice"),
        ({"runs": ["lm"] * 9}, 400, "runs"),
        ({"text": 3}, 400, "text"),
        ({"text": "  "}, 400, "nothing in this text"),
        ({"text": "a" * 401}, 400, "text limit"),
        ({"text": "rot Hund " * 30}, 400, "at most 24 are explained"),
        ({"target": "red dog " * 30}, 400, "at most 24 are explained"),
        ({"methods": []}, 400, "methods"),
        ({"methods": ["magic"]}, 400, "methods"),
        ({"beam": 5}, 400, "beam may be at most 4"),
        ({"max_tokens": 25}, 400, "max_tokens may be at most 24"),
        ({"top": 51}, 400, "top"),
        ({"step": 3}, 400, "would be ignored"),
        ({"nonsense": 1}, 400, "nonsense"),
        ({"change": {"words": {"9": "x"}}}, 400, "words 1 to 3"),
        ({"change": {"words": {"x": "y"}}}, 400, "words"),
        ({"change": {"words": {"1": "", "2": "", "3": ""}}}, 400, "nothing in this text"),
        ({"change": {"words": {"1": "rot " * 49}}}, 400, "at most 24 are explained"),
        ({"change": {"silence": ["decoder.9.cross"]}}, 400, "no attention of that name"),
        ({"change": {"silence": ["decoder.0.cross.99999999999999999999"]}}, 400, "has heads 0 to"),
        ({"runs": ["rnn-tiny"], "change": {"silence": ["decoder.0.cross"]}}, 400, "no attention"),
        ({"change": {"force": "red " * 40}}, 400, "at most 24 are explained"),
        ({"change": {"prefix": "red", "prefix_ids": [5]}}, 400, "give one of them"),
        ({"change": {"prefix_ids": [2**31 - 1]}}, 400, "no token that a target can begin with"),
        ({"change": {"prefix_ids": [2]}}, 400, "no token that a target can begin with"),
        ({"change": {"prefix_ids": [5] * 25}}, 400, "at most 24 are explained"),
    ],
    ids=str,
)
def test_wrong_requests_are_refused(server: Running, body: dict[str, Any], status: int, told: str) -> None:
    found = explain(server, **body)
    assert found.status == status
    assert set(found.json) == {"error"}
    assert told in found.json["error"]


@pytest.mark.parametrize(("body", "kind"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_refused(server: Running, body: bytes, kind: str) -> None:
    found = server.ask("/explain", body, method="POST", headers={"content-type": kind})
    assert 400 <= found.status < 500
    assert "error" in found.json


def test_the_log_and_the_measures_hold_no_text(server: Running) -> None:
    secret = "Geheimnis"
    explain(server, text=secret, change={"words": {"1": secret + "se"}, "prefix": secret})
    explain(server, text=secret, change={"silence": [secret]})
    assert secret not in server.log.getvalue()
    assert not [line for line in server.access_log() if line["event"] == "failure"]
    metrics = server.ask("/metrics").body.decode()
    assert 'seqloom_explanations_total{run="transformer-tiny"}' in metrics
    assert secret not in metrics


def slow(server: Running) -> tuple[threading.Event, list[bool]]:
    """Keeps the explainer at its first task until the event is set; the list tells of each that was begun."""
    go, begun = threading.Event(), []
    pool = server.state.explainer._pool

    def wait() -> None:
        begun.append(True)
        go.wait(60)

    pool.submit(wait)
    return go, begun


def test_too_many_wait_and_translations_do_not(folders: list[Path]) -> None:
    with running(folders[:2], LIMITS) as server:
        go, begun = slow(server)
        until(lambda: bool(begun))
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(explain, server, runs=["rnn-tiny", "transformer-tiny"]) for _ in range(3)]
            until(lambda: len(server.state.explainer) == 6)
            full = explain(server)
            assert (full.status, full.headers["retry-after"]) == (503, "1")
            # Whatever waits to be explained, texts are written.
            assert server.ask("/generate", {"run": "rnn-tiny", "texts": ["rot"]}).status == 200
            assert not any(one.done() for one in waiting)
            go.set()
            assert [one.result().status for one in waiting] == [200] * 3
        assert len(server.state.explainer) == 0


def test_who_leaves_is_not_worked_for_and_time_is_limited(folders: list[Path]) -> None:
    with running(folders[:1], RequestLimits(max_seconds=1.5)) as server:
        go, begun = slow(server)
        until(lambda: bool(begun))
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        body = json.dumps({"text": "rot", "runs": ["rnn-tiny"]})
        connection.request("POST", "/explain", body, {"content-type": "application/json"})
        until(lambda: len(server.state.explainer) == 1)
        connection.close()
        until(lambda: any(line.get("status") == 499 for line in server.access_log()))
        assert len(server.state.explainer) == 0
        begin = time.monotonic()
        late = explain(server, runs=["rnn-tiny"])
        assert (late.status, late.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - begin > 1
        go.set()


def test_keys_are_asked_for(folders: list[Path]) -> None:
    with running(folders[:1], keys=["hidden"]) as server:
        assert explain(server, runs=["rnn-tiny"]).status == 401
        headers = {"authorization": "Bearer hidden"}
        assert server.ask("/explain", {"text": "rot", "runs": ["rnn-tiny"]}, headers=headers).status == 200


def test_a_foreign_engine_cannot_be_looked_into(folders: list[Path]) -> None:
    pytest.importorskip("ctranslate2")
    with running(folders[1:2], engine="ctranslate2") as server:
        found = explain(server)
        assert (found.status, "ctranslate2" in found.json["error"]) == (400, True)
        assert not server.ask("/runs").json["runs"][0]["explained"]
