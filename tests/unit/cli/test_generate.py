"""generate: prompts in, sampled text out."""

import json

import pytest

from seqloom.cli import main
from tests.unit.cli.conftest import FakeRun, TypeIn


def test_prompts_and_sampling_options(fake_run: FakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    sampling = [
        "--num-samples",
        "2",
        "--max-tokens",
        "9",
        "--temperature",
        "0",
        "--top-k",
        "4",
        "--top-p",
        "0.5",
        "--min-p",
        "0.1",
    ]
    assert main(["generate", "x", "--prompt", "a", "--prompt", "b", "--seed", "3", *sampling]) == 0
    assert capsys.readouterr().out == "a text 0\n\na text 1\n\nb text 0\n\nb text 1\n"
    assert fake_run.asked == {
        "num_samples": 2,
        "max_tokens": 9,
        "temperature": 0.0,
        "top_k": 4,
        "top_p": 0.5,
        "min_p": 0.1,
        "seed": 3,
    }


def test_no_prompt_is_the_empty_one(fake_run: FakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "x"]) == 0
    assert capsys.readouterr().out == " text 0\n"


def test_prompts_from_standard_input(fake_run: FakeRun, type_in: TypeIn, capsys: pytest.CaptureFixture[str]) -> None:
    type_in(b"one\ntwo\n")
    assert main(["generate", "x", "--prompt", "-", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["prompt"] for row in rows] == ["one", "two"]
    assert rows[0]["samples"] == [{"text": " text 0", "log_prob": -1.0, "finished": True, "finish_reason": "stop"}]
