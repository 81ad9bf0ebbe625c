import subprocess
import sys
from typing import Any

import pytest

from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"top_k": 5}, "top_k would be ignored, because method is 'beam'; set method to 'sample'"),
        ({"temperature": 0.5, "seed": 1}, "temperature and seed would be ignored"),
        ({"method": "sample", "beam": 8}, "beam would be ignored, because method is 'sample'; leave it out"),
        ({"method": "sample", "temperature": 0, "top_p": 0.5}, "top_p would be ignored, .* temperature 0"),
        ({"beam": 2, "nbest": 3}, "a beam of 2 finds at most 2"),
        ({"max_len_ratio": 0, "max_len_offset": 0}, "no room"),
        ({"length_penalty": -1}, "length_penalty"),
        ({"lenght_penalty": 1}, "Did you mean 'length_penalty'"),
        ({"top_p": 0}, "top_p"),
        ({"shortlist": 101}, "shortlist.* 100"),
        ({"method": "sample", "stop": "likely"}, "stop would be ignored"),
        ({"typical_p": 0.5}, "typical_p would be ignored, because method is 'beam'; set method to 'sample'"),
        ({"method": "sample", "temperature": 0, "typical_p": 0.5}, "typical_p would be ignored, .* temperature 0"),
        (
            {"repetition_penalty": 1.2},
            "repetition_penalty cannot be combined with a beam of 4: it ranks .* set beam to 1",
        ),
        (
            {"frequency_penalty": 1, "stop_strings": ["a"]},
            "frequency_penalty and stop_strings cannot be combined with a beam",
        ),
        ({"beam": 1, "repetition_penalty": 0}, "repetition_penalty.*greater than 0"),
        ({"beam": 1, "repetition_penalty": 11}, "repetition_penalty.*10"),
        ({"beam": 1, "frequency_penalty": 2.5}, "frequency_penalty.*less than or equal to 2"),
        ({"beam": 1, "frequency_penalty": -2.5}, "frequency_penalty.*greater than or equal to -2"),
        ({"beam": 1, "stop_strings": ["a", ""]}, "stop_strings.*at least 1 character"),
        ({"method": "sample", "typical_p": 0}, "typical_p.*greater than 0"),
        ({"full_context": "cut"}, "full_context.*'refuse' or 'slide'"),
        ({"repetition_penality": 1}, "Did you mean 'repetition_penalty'"),
    ],
)
def test_what_would_be_ignored_or_makes_no_sense_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DecodingSettings.parse(values)


@pytest.mark.parametrize(
    "values",
    [{}, {"method": "sample", "top_k": 5, "nbest": 9}, {"beam": 1, "stop_strings": ["a"], "repetition_penalty": 2}],
)
def test_settings_written_out_in_full_are_read_again(values: dict[str, Any]) -> None:
    settings = DecodingSettings.parse(values)
    assert DecodingSettings.parse(settings.model_dump()) == settings


def test_the_length_limit_follows_the_source_and_the_model() -> None:
    settings = DecodingSettings(max_len_ratio=1.5, max_len_offset=2)
    assert [settings.length_limit(length) for length in (0, 1, 3, 4)] == [2, 3, 6, 8]
    assert settings.length_limit(4, 5) == 5
    assert DecodingSettings(max_len_ratio=0.1, max_len_offset=0).length_limit(3) == 1, "eos always fits"
    limited = settings.with_max_tokens(7)
    assert {limited.length_limit(length) for length in (0, 50)} == {7}
    assert limited.beam == settings.beam


def test_settings_need_no_heavy_imports() -> None:
    code = "import sys, seqloom.decoding.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
