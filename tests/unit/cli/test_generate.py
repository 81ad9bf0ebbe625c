"""generate: prompts in, sampled text out."""

import json
from typing import Any

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
    assert rows[0]["samples"] == [
        {"text": " text 0", "log_prob": -1.0, "finished": True, "finish_reason": "stop", "stop": None}
    ]


def test_settings_of_repetition_and_end(fake_run: FakeRun) -> None:
    options = ["--stop", "\\n\\n", "--stop", "END", "--repetition-penalty", "1.2", "--frequency-penalty", "-0.5"]
    more = ["--no-repeat-ngram", "3", "--typical", "0.9", "--full-context", "slide"]
    assert main(["generate", "x", "--prompt", "a", *options, *more]) == 0
    new = {name: value for name, value in fake_run.asked.items() if name not in SAMPLING}
    assert new == {
        "stop_strings": ["\n\n", "END"],
        "repetition_penalty": 1.2,
        "frequency_penalty": -0.5,
        "no_repeat_ngram": 3,
        "typical_p": 0.9,
        "full_context": "slide",
    }


SAMPLING = {"num_samples", "max_tokens", "temperature", "top_k", "top_p", "min_p", "seed"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stop", ""], "a stop string is empty, so every text would end at once; give a text"),
        (["--repetition-penalty", "0"], "'0' is not a number above 0"),
        (["--repetition-penalty", "11"], "'11' is more than 10, the most that is accepted"),
        (["--frequency-penalty", "3"], "'3' is not a number from -2 to 2"),
        (["--frequency-penalty", "nan"], "'nan' is not a number from -2 to 2"),
        (["--typical", "0"], "'0' is not a number above 0, at most 1"),
        (["--full-context", "cut"], "invalid choice: 'cut'"),
        (
            ["--repetition-penality", "1"],
            "`generate` has no option --repetition-penality; did you mean --repetition-penalty?",
        ),
        (["--stream", "--json"], "--stream with --json: a stream is text, not JSON; leave one out"),
        (["--stream", "--num-samples", "2"], "--stream with --num-samples 2: samples are sorted when all are complete"),
    ],
)
def test_wrong_options_are_refused(
    fake_run: FakeRun, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["generate", "x", "--prompt", "a", *options]) == 2
    assert message in capsys.readouterr().err


def test_a_stream_prints_pieces_as_they_come(
    fake_run: FakeRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = main(["generate", "x", "--prompt", "a", "--prompt", "b"])
    printed = capsys.readouterr().out
    pieces: list[str] = []

    def stream(prompt: str, on_text: Any, **settings: Any) -> Any:
        fake_run.asked = settings
        for piece in (" te", "xt 0"):
            on_text(piece)
            pieces.append(capsys.readouterr().out)
        (generation,) = fake_run.generate([prompt], num_samples=1)
        return generation

    monkeypatch.setattr(fake_run, "stream", stream, raising=False)
    assert main(["generate", "x", "--prompt", "a", "--prompt", "b", "--stream"]) == whole == 0
    assert pieces == ["a te", "xt 0", "\n\nb te", "xt 0"]
    assert "".join(pieces) + capsys.readouterr().out == printed
