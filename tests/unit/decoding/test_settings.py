import inspect
import subprocess
import sys
from typing import Any

import pytest

from seqloom.decoding.search import search
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
    ],
)
def test_what_would_be_ignored_or_makes_no_sense_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DecodingSettings.parse(values)


@pytest.mark.parametrize("values", [{}, {"method": "sample", "top_k": 5, "nbest": 9}, {"beam": 1}])
def test_settings_written_out_in_full_are_read_again(values: dict[str, Any]) -> None:
    settings = DecodingSettings.parse(values)
    assert DecodingSettings.parse(settings.model_dump()) == settings


def test_search_takes_every_setting_but_those_of_sources() -> None:
    known = inspect.signature(search).parameters
    options = DecodingSettings().search_options()
    assert set(options) <= set(known)
    assert set(DecodingSettings.model_fields) - set(options) == {"max_src_len", "batch_tokens", "shortlist"}
    assert all(known[name].default == value for name, value in options.items()), "one default, not two"


def test_settings_need_no_heavy_imports() -> None:
    code = "import sys, seqloom.decoding.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
