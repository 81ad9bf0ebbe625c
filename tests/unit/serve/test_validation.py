from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from seqloom.serve.completion_models import CompletionRequest
from seqloom.serve.explanation import ExplainRequest
from seqloom.serve.generation import GenerateRequest
from seqloom.serve.libretranslate import DetectRequest, TranslateRequest
from seqloom.serve.validation import safe_name, to_http_error

COMPLETION = {"model": "m"}
STOP = "stop must be a string of 1 to 200 characters or a list of at most 4 strings of 1 to 200 characters"


def rejection(model: type[BaseModel], values: dict[str, Any]) -> Any:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values, strict=True)
    return to_http_error(caught.value, model)


@pytest.mark.parametrize(
    ("values", "message", "param"),
    [
        ({}, "missing model parameter", "model"),
        ({"stop": ""}, STOP, "stop"),
        ({"stop": ["a"] * 5}, STOP, "stop"),
        ({"stop": ["a", 7]}, f"{STOP} (item 2 is not)", "stop"),
        ({"temperature": 3}, "temperature must be a number from 0 to 2", "temperature"),
        ({"temperature": "hot"}, "temperature must be a number from 0 to 2", "temperature"),
        ({"top_p": 1.5}, "top_p must be a number from 0 to 1", "top_p"),
        ({"n": 0}, "n must be a whole number from 1 to 128", "n"),
        ({"max_tokens": -1}, "max_tokens must be a whole number of at least 0", "max_tokens"),
        ({"logprobs": True}, "logprobs must be a whole number from 0 to 5", "logprobs"),
        ({"stream": "yes"}, "stream must be true or false", "stream"),
        ({"stream_options": 1}, "stream_options must be an object", "stream_options"),
        (
            {"stream_options": {"include_usage": 1}},
            "stream_options.include_usage must be true or false",
            "stream_options.include_usage",
        ),
        (
            {"stream_options": {"include_obfuscation": True}},
            "stream_options.include_obfuscation is not supported here; leave it out, or set it to false",
            "stream_options.include_obfuscation",
        ),
        ({"stream_options": {"x": 1}}, "stream_options.x is not supported here", "stream_options.x"),
        (
            {"presence_penalty": 0.5},
            "presence_penalty is not supported here; leave it out, or set it to 0",
            "presence_penalty",
        ),
        (
            {"frequency_penalty": -1},
            "frequency_penalty is not supported here; leave it out, or set it to 0",
            "frequency_penalty",
        ),
        ({"logit_bias": {"5": 1}}, "logit_bias is not supported here; leave it out, or set it to null", "logit_bias"),
        ({"suffix": "x"}, "suffix is not supported here; leave it out, or set it to null", "suffix"),
        ({"stream_options": {".": 1}}, "stream_options.. is not supported here", "stream_options.."),
        ({"": 1}, '"" is not supported here', '""'),
        ({"stop.x": 1}, "stop.x is not supported here; did you mean stop?", "stop.x"),
        ({"tools": []}, "tools is not supported here", "tools"),
        ({"response_format": None}, "response_format is not supported here", "response_format"),
        (
            {"max_completion_tokens": 5},
            "max_completion_tokens is not supported here; did you mean max_tokens?",
            "max_completion_tokens",
        ),
        ({"temprature": 1}, "temprature is not supported here; did you mean temperature?", "temprature"),
    ],
    ids=str,
)
def test_a_refusal_names_the_parameter_and_what_it_may_be(values: dict[str, Any], message: str, param: str) -> None:
    given = {"model": "m", **values} if values else values
    found = rejection(CompletionRequest, given)
    assert (found.status, found.message, found.param) == (400, f"Invalid request: {message}", param)


@pytest.mark.parametrize(
    "values",
    [
        {"stop": None},
        {"stop": []},
        {"presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "suffix": ""},
        {"presence_penalty": None, "frequency_penalty": None, "logit_bias": None, "suffix": None, "user": "u"},
        {"prompt": None},
        {"prompt": [1, 2]},
        {"prompt": [[1], [2, 3]]},
        {"top_p": 0, "temperature": 0, "n": 1, "best_of": 1, "seed": -5},
        {"stream": True, "stream_options": {"include_usage": None, "include_obfuscation": False}},
    ],
    ids=str,
)
def test_what_openais_clients_send_by_default_is_taken(values: dict[str, Any]) -> None:
    CompletionRequest.model_validate(COMPLETION | values, strict=True)


def test_several_mistakes_are_told_together_and_values_are_not_repeated() -> None:
    found = rejection(GenerateRequest, {"run": "Geheimnis", "texts": [5], "beam": 0, "method": "Geheimnis"})
    assert found.message == (
        "Invalid request: texts must be a list of 1 or more strings (item 1 is not); "
        'method must be "beam" or "sample"; beam must be a whole number from 1 to 1000'
    )
    many = rejection(CompletionRequest, {f"x{number}": 1 for number in range(9)})
    assert "and 5 more" in many.message
    nested = rejection(ExplainRequest, {"text": "a", "runs": ["a"], "change": {"silence": [1], "words": {"x": "y"}}})
    assert "change.silence must be a list of at most 64 strings of 1 to 80 characters (item 1 is not)" in nested.message
    assert 'change.words must be an object: replacements of words, by position from "1"' in nested.message


@pytest.mark.parametrize("model", [CompletionRequest, ExplainRequest, GenerateRequest, TranslateRequest, DetectRequest])
def test_no_message_speaks_pydantic(model: type[BaseModel]) -> None:
    for name in model.model_fields:
        for value in (object(), -1.5, [[[]]], {"a": {}}, "\ud800", [1] * 300):
            try:
                model.model_validate({name: value}, strict=True)
            except ValidationError as error:
                message = to_http_error(error, model).message
                assert not any(word in message for word in ("Input should", "constrained", "valid string", "pydantic"))


def test_a_name_is_shown_short_and_printable() -> None:
    assert safe_name("a\nb\ud800" + "c" * 100) == "a?b?" + "c" * 56
