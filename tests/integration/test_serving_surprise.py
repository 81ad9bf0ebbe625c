"""/surprise: what it answers is what `seqloom explain` tells of language models, and what it cannot answer has a reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from seqloom.explain import Explanations
from seqloom.explain.explanations import TextSurprises
from seqloom.serve.limits import RequestLimits
from tests.integration.conftest import Cli
from tests.serving import Running, running

TEXT = "rot Hund klein\nHaus"


@pytest.fixture(scope="module")
def folders(
    translator: Path, language_model: Path, corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    from seqloom.cli import main

    ngram = tmp_path_factory.mktemp("counts") / "ngram"
    assert main(["train", "ngram", "--data", str(corpus_folder / "text.txt"), "--out", str(ngram), "--quiet"]) == 0
    return [translator, language_model, ngram]


@pytest.fixture(scope="module")
def server(folders: list[Path]) -> Iterator[Running]:
    with running(folders, RequestLimits(max_chars=400, explanations=2)) as it:
        yield it


def test_it_tells_what_the_command_line_tells(server: Running, folders: list[Path], cli: Cli) -> None:
    expected = Explanations.model_validate_json(
        cli("explain", *folders[1:], "--text", TEXT, "--json", "--device", "cpu", "--quiet")
    )
    reply = server.ask("/surprise", {"text": TEXT, "runs": ["lm", "ngram"]})
    assert reply.status == 200
    found = TextSurprises.model_validate_json(reply.body)
    assert found.text == TEXT
    for ours, theirs in zip(found.surprises, expected.surprises, strict=True):
        assert ours.run == theirs.run
        assert ours.bits == pytest.approx(theirs.bits, rel=1e-4)
        assert [token.token for token in ours.tokens] == [token.token for token in theirs.tokens]
        assert all(len(token.alternatives) == 5 for token in ours.tokens)
    assert found.comparison is not None
    assert found.comparison.runs == ("Decoder-only Transformer", "N-gram")
    alone = TextSurprises.model_validate_json(server.ask("/surprise", {"text": TEXT, "runs": ["ngram"], "top": 2}).body)
    assert alone.comparison is None
    assert len(alone.surprises[0].tokens[0].alternatives) == 2


def test_runs_say_whether_they_can_be_surprised(server: Running) -> None:
    runs = {run["name"]: (run["explained"], run["surprised"]) for run in server.ask("/runs").json["runs"]}
    assert runs == {"de-en": (True, False), "lm": (True, True), "ngram": (False, True)}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"text": TEXT, "runs": ["de-en"]}, 400, "is not a language model"),
        ({"text": TEXT, "runs": ["lm", "lm"]}, 400, "named twice"),
        ({"text": TEXT, "runs": ["none"]}, 404, "no such model"),
        ({"text": "", "runs": ["lm"]}, 400, "text"),
        ({"text": "a" * 401, "runs": ["lm"]}, 400, "exceeds the text limit of 400"),
        ({"text": TEXT, "runs": []}, 400, "runs"),
        ({"text": TEXT, "runs": ["lm"], "top": 0}, 400, "top"),
        ({"text": TEXT, "runs": ["lm"], "beam": 2}, 400, "beam"),
    ],
)
def test_what_cannot_be_answered_has_a_reason(
    server: Running, body: dict[str, object], status: int, message: str
) -> None:
    reply = server.ask("/surprise", body)
    assert reply.status == status
    assert message in reply.json["error"]


def test_a_text_is_never_in_the_log(server: Running) -> None:
    server.ask("/surprise", {"text": "Geheimnis", "runs": ["ngram"]})
    assert "Geheimnis" not in server.log.getvalue()
