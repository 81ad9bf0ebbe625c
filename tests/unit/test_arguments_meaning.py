"""One option, one meaning: the command line, recipes and Python, and the server accept the same values of an option."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from seqloom.arguments import check_seed, check_threads
from seqloom.cli import UsageError, build_parser
from seqloom.corpus.settings import CorpusSettings
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import SeqloomError
from seqloom.serve.generation import GenerateRequest
from seqloom.training import Budget

VALUES: tuple[Any, ...] = (
    *(-1, 0, 1, 2, 5, 10, 11, 1_000, 1_001, 1_024, 1_025, 100_000, 100_001, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**70),
    *(-0.5, 0.5, 1.5, 1e-3, math.nan, math.inf, -math.inf),
)
PARSER = build_parser()[0]
Accepts = Callable[[Any], object]


def by_command(*words: str) -> Accepts:
    return lambda value: PARSER.parse_args([*words[:-1], f"{words[-1]}={value!r}"])


def by_request(name: str) -> Accepts:
    return lambda value: GenerateRequest.model_validate({"run": "r", "texts": ["a"], name: value})


def by_sampling(name: str) -> Accepts:
    return lambda value: DecodingSettings.parse({"method": "sample", name: value})


OPTIONS: dict[str, tuple[Accepts, ...]] = {
    "beam": (
        by_command("translate", "r", "--beam"),
        by_command("evaluate", "r", "--beam"),
        by_command("compare", "--beam"),
        by_command("limits", "r", "--on", "length", "--beam"),
        by_command("explain", "r", "--text", "a", "--beam"),
        by_command("export", "r", "--to", "ctranslate2", "--out", "o", "--beam"),
        lambda value: DecodingSettings.parse({"beam": value}),
        by_request("beam"),
    ),
    "temperature": (
        by_command("generate", "r", "--temperature"),
        by_sampling("temperature"),
        by_request("temperature"),
    ),
    "top_k": (by_command("generate", "r", "--top-k"), by_sampling("top_k"), by_request("top_k")),
    "top_p": (by_command("generate", "r", "--top-p"), by_sampling("top_p"), by_request("top_p")),
    "min_p": (by_command("generate", "r", "--min-p"), by_sampling("min_p"), by_request("min_p")),
    "typical_p": (by_command("generate", "r", "--typical"), by_sampling("typical_p"), by_request("typical_p")),
    "repetition_penalty": (
        by_command("generate", "r", "--repetition-penalty"),
        by_sampling("repetition_penalty"),
        by_request("repetition_penalty"),
    ),
    "frequency_penalty": (
        by_command("generate", "r", "--frequency-penalty"),
        by_sampling("frequency_penalty"),
        by_request("frequency_penalty"),
    ),
    "samples": (by_command("generate", "r", "--num-samples"), by_sampling("nbest"), by_request("nbest")),
    "length_penalty": (lambda value: DecodingSettings(length_penalty=value), by_request("length_penalty")),
    "seed": (
        by_command("train", "--seed"),
        by_command("generate", "r", "--seed"),
        by_command("train", "--split-seed"),
        by_sampling("seed"),
        by_request("seed"),
        check_seed,
        lambda value: CorpusSettings(data="copy", split_seed=value),
    ),
    "threads": (by_command("train", "--threads"), by_command("serve", "r", "--threads"), check_threads),
    "steps": (by_command("train", "--steps"), lambda value: Budget(steps=value)),
    "minutes": (by_command("train", "--minutes"), lambda value: Budget(minutes=value)),
    "size": (by_command("train", "--val-size"), lambda value: CorpusSettings(data="copy", val_size=value)),
    "max_words": (by_command("train", "--max-words"), lambda value: CorpusSettings(data="copy", max_words=value)),
}


def is_accepted(accepts: Accepts, value: Any) -> bool:
    try:
        accepts(value)
    except (UsageError, SeqloomError, ValidationError):
        return False
    return True


@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_values_everywhere(name: str) -> None:
    for value in VALUES:
        answers = [is_accepted(accepts, value) for accepts in OPTIONS[name]]
        assert len(set(answers)) == 1, (value, answers)
