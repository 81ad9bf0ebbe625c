"""A run that was exported, served by another program's engine."""

from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")
pytest.importorskip("ctranslate2")

from tests.integration.conftest import Cli, train
from tests.serving import running


def test_what_was_exported_speaks_the_runs_languages(corpus_folder: Path, tmp_path: Path, cli: Cli) -> None:
    languages = ("--from-lang", "de", "--to-lang", "en")
    translator = train(corpus_folder / "pairs.tsv", "transformer-tiny", tmp_path / "run", "--steps", 5, *languages)
    out = tmp_path / "exported"
    cli("export", translator, "--to", "ctranslate2", "--out", out, "--sentences", "0")
    with running([translator]) as server:
        known = server.ask("/languages").json
        detected = server.ask("/detect", {"q": "rot Hund"}).json
    with running([out], engine="ctranslate2") as server:
        assert server.ask("/languages").json == known
        assert server.ask("/detect", {"q": "rot Hund"}).json == detected
        found = server.ask("/translate", {"q": "rot Hund", "source": "de", "target": "en"})
        assert found.status == 200
