"""Clients that others wrote, against a server that really runs."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

import torch

import seqloom
from seqloom.serve.openapi import openapi_document
from seqloom.serve.routes import ENDPOINTS
from seqloom.serve.served_run import open_runs
from tests.serving import Running, running


@pytest.fixture(scope="module")
def folders(translator: Path, language_model: Path) -> list[Path]:
    return [translator, language_model]


def test_the_thread_that_opens_runs_leaves_the_cores_to_those_that_decode(folders: list[Path]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        open_runs(folders, threads=2)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def server(folders: list[Path]) -> Iterator[Running]:
    with running(folders) as found:
        yield found


@pytest.fixture(scope="module")
def locked(folders: list[Path]) -> Iterator[Running]:
    with running(folders, keys=["secret"]) as found:
        yield found


@pytest.fixture(scope="module")
def expected(folders: list[Path]) -> str:
    return seqloom.load(folders[0], device="cpu", threads=1).translate("rot Hund")[0].text


def test_libretranslatepy(server: Running, locked: Running, expected: str) -> None:
    client = pytest.importorskip("libretranslatepy", reason="needs libretranslatepy").LibreTranslateAPI
    api = client(server.url)
    assert api.translate("rot Hund", "de", "en") == expected
    assert api.detect("klein Katze groß")[0]["language"] == "de"
    assert {"code": "de", "name": "German", "targets": ["en"]} in api.languages()
    with pytest.raises(HTTPError) as refused:
        api.translate("rot Hund", "de", "fr")
    with refused.value as error:
        assert error.code == 400
        assert "fr is not supported" in json.loads(error.read())["error"]
    assert client(locked.url, "secret").translate("rot Hund", "de", "en") == expected
    with pytest.raises(HTTPError) as refused:
        client(locked.url, "wrong").translate("rot Hund", "de", "en")
    with refused.value as error:
        assert error.code == 403


def test_deep_translator(server: Running, locked: Running, expected: str) -> None:
    package = pytest.importorskip("deep_translator", reason="needs deep-translator")

    def client(where: Running, key: str, source: str = "de") -> Any:
        return package.LibreTranslator(source=source, target="en", api_key=key, custom_url=f"{where.url}/")

    # It puts the text into the URL.
    assert client(server, "any").translate("rot Hund") == expected
    assert client(server, "any", "auto").translate("rot Hund") == expected
    assert client(server, "any").translate_batch(["rot Hund"] * 3) == [expected] * 3
    assert client(locked, "secret").translate("rot Hund") == expected
    with pytest.raises(package.exceptions.AuthorizationException):
        client(locked, "wrong").translate("rot Hund")


def open_client(where: Running, key: str = "any") -> Any:
    package = pytest.importorskip("openai", reason="needs openai")
    return package.OpenAI(base_url=f"{where.url}/v1", api_key=key, max_retries=0)


def test_openai(server: Running, folders: list[Path]) -> None:
    with open_client(server) as api:
        assert [model.id for model in api.models.list()] == ["de-en", "lm"]
        assert api.models.retrieve("lm").owned_by == "seqloom"
        greedy = seqloom.load(folders[0], device="cpu", threads=1).translate("rot Hund", beam=1)[0].text
        found = api.completions.create(model="de-en", prompt="rot Hund", temperature=0)
        assert found.choices[0].text == greedy
        assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
        options: dict[str, Any] = {
            "model": "lm",
            "prompt": "rot",
            "max_tokens": 20,
            "temperature": 0.8,
            "seed": 4,
            "n": 2,
        }
        whole = api.completions.create(**options, logprobs=2, stop=["zz"])
        assert len(whole.choices) == 2
        assert len(whole.choices[0].logprobs.tokens) == len(whole.choices[0].logprobs.token_logprobs)
        parts = list(api.completions.create(**options, stream=True, stream_options={"include_usage": True}))
        for choice in whole.choices:
            text = "".join(one.text for part in parts for one in part.choices if one.index == choice.index)
            assert text == choice.text
        assert parts[-1].usage == whole.usage
        assert sum(bool(part.choices) for part in parts) > 10
        # Leaving in the middle is no harm to anybody.
        with api.completions.create(**options | {"max_tokens": 500}, stream=True) as stream:
            next(iter(stream))
        assert api.completions.create(**options).choices


def test_openai_errors(server: Running, locked: Running) -> None:
    package = pytest.importorskip("openai", reason="needs openai")
    with open_client(server) as api:
        with pytest.raises(package.NotFoundError) as missing:
            api.completions.create(model="gpt", prompt="a")
        assert missing.value.code == "model_not_found"
        with pytest.raises(package.BadRequestError, match="echo"):
            api.completions.create(model="de-en", prompt="a", echo=True)
    with open_client(locked, "wrong") as api, pytest.raises(package.AuthenticationError):
        api.models.list()
    with open_client(locked, "secret") as api:
        assert api.models.list().data


def test_the_description_names_every_route(server: Running) -> None:
    document = server.ask("/openapi.json").json
    assert document == openapi_document(server.state.registry, ENDPOINTS)
    routes = {route.path.replace(":path", "") for route in server.server.config.app.routes}  # type: ignore[union-attr]
    assert set(document["paths"]) == routes - {"/", "/assets/{name}", "/openapi.json", "/translate_file", "/suggest"}
    names = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))
    assert set(names) <= set(document["components"]["schemas"])


def test_the_page_comes_whole_and_asks_nobody_else(server: Running) -> None:
    page = server.ask("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    folder = files("seqloom.serve") / "assets"
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        # The name of a language, not an address that is asked.
        nameless = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.|eval\(|innerHTML|document\.write", nameless), file.name
        if file.name != "index.html":
            assert server.ask(f"/assets/{file.name}").body.decode() == text
    for name in re.findall(r'(?:href|src)="(assets/[^"]+)"', page.body.decode()):
        assert server.ask(f"/{name}").status == 200
    assert server.ask("/assets/app.py").status == 404
    assert server.ask("/assets/..%2fapp.py").status == 404


def browse(url: str) -> str:
    """What a page has become after its scripts have run."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    argv = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom", url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout


def test_a_link_shows_what_it_was_made_for(server: Running, expected: str) -> None:
    found = browse(f"{server.url}/#text=rot+Hund&run=de-en&run=lm&method=beam&nbest=2&beam=4")
    assert "2 of 2 runs have answered" in found
    assert found.count('class="column"') == 2
    assert f'<p class="best" dir="auto">{expected}</p>' in found
    hostile = browse(
        f"{server.url}/#text=%3Cimg+src%3Dx+onerror%3D%22document.title%3D'taken'%22%3E&run=lm&method=beam&nbest=1"
    )
    assert "<title>seqloom</title>" in hostile
    assert "1 of 1 runs" in hostile
