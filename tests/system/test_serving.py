"""The OpenAPI description against a server that really runs: whatever fits it is answered, and nothing is answered with 500."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from seqloom.serve.limits import RequestLimits
from tests.integration.conftest import train
from tests.serving import running

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    *("response_schema_conformance", "negative_data_rejection", "unsupported_method"),
)


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="needs schemathesis")
def test_generated_requests_find_no_500(tmp_path: Path) -> None:
    pairs = [("rot Hund", "red dog"), ("klein Haus", "small house")] * 60
    (tmp_path / "pairs.tsv").write_text(
        "".join(f"{a} {n}\t{b} {n}\n" for n, (a, b) in enumerate(pairs)), encoding="utf-8"
    )
    (tmp_path / "text.txt").write_text("".join(f"{a} {b} {n}.\n" for n, (a, b) in enumerate(pairs)), encoding="utf-8")
    folders = [
        train(tmp_path / "pairs.tsv", "transformer-tiny", tmp_path / "de-en", "--from-lang", "de", "--to-lang", "en"),
        train(tmp_path / "text.txt", "transformer-lm-tiny", tmp_path / "lm"),
    ]
    with running(folders, RequestLimits(max_tokens=40)) as server:
        argv = ["-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--seed", "1", "--max-examples", "40"]
        argv += ["--checks", ",".join(CHECKS), "--suppress-health-check", "all", "--no-color"]
        # An explanation stands back behind everything else, so on a busy machine it may take its time.
        argv += ["--request-timeout", "60"]
        done = subprocess.run([sys.executable, *argv], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        assert not [line for line in server.access_log() if line["event"] == "failure"]
        answered = {line["route"] for line in server.access_log() if line.get("status") == 200}
        assert {"/translate", "/detect", "/generate", "/explain", "/v1/completions", "/v1/models", "/runs"} <= answered
        assert len(server.access_log()) > 300
