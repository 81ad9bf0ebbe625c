import argparse
import socket
import sys
from pathlib import Path

import pytest

from seqloom.cli import main, serve
from seqloom.serve.limits import RequestLimits


def test_help_tells_the_limits_as_they_are() -> None:
    fields = RequestLimits.model_fields
    assert set(serve._LIMITS) == set(serve._HELP) == set(fields)
    for name, field in fields.items():
        default = f"{field.default:g}" if field.default < 1_000_000 else str(field.default)
        assert serve._HELP[name].endswith(f"(default: {default})")


def test_without_the_packages_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.startswith("seqloom.serve.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", str(tmp_path)]) == 2
    assert "pip install 'seqloom[serve]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--port", "70000"], "0 to 65535"),
        (["--api-key", " "], "a key is empty"),
        (["--max-seconds", "0"], "--max-seconds"),
        (["--max-tokens", "1"], "max_tokens"),
        (["--engine", "onnx"], "ctranslate2"),
    ],
)
def test_wrong_options(options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path), *options]) == 2
    assert told in capsys.readouterr().err


def test_no_run_and_no_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn")
    assert main(["serve", str(tmp_path / "none"), "--port", "0"]) == 2
    assert "there is no" in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", str(tmp_path), "--port", str(taken.getsockname()[1])]) == 2
    assert "choose another port" in capsys.readouterr().err


def test_the_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    serve.register(parser.add_subparsers())
    assert main(["serve", "--help"]) == 0
    text = capsys.readouterr().out
    for word in ("/translate", "/v1/completions", "SEQLOOM_API_KEY", "--max-chars", "Ctrl-C"):
        assert word in text
