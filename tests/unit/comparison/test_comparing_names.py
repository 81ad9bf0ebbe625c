"""Names of arms, which are names of folders too."""

import pytest

from seqloom.comparison.comparing import check_names
from seqloom.errors import ConfigError


def test_arms_differ_in_more_than_capital_letters() -> None:
    check_names(["rnn", "transformer"], ["RNN"])
    with pytest.raises(ConfigError, match="two arms are named 'rnn'"):
        check_names(["rnn"], ["rnn"])
    with pytest.raises(ConfigError, match="upper and lower case"):
        check_names(["rnn", "RNN"], [])
