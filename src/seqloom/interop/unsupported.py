"""Refusal: settings that another program's layout cannot express are named, all at once, with what it could take.

Nothing is converted approximately: what is exported computes what was trained, or is not exported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqloom.errors import ConfigError


@dataclass(frozen=True, slots=True)
class UnsupportedFeature:
    """A setting that stands in the way.

    Attributes:
        setting: its dotted name in the recipe.
        value: what it is.
        accepted: what it would have to be.
    """

    setting: str
    value: Any
    accepted: str

    def __str__(self) -> str:
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.setting} is {value}; accepted: {self.accepted}"


def check_supported(unsupported_features: Sequence[UnsupportedFeature], *, run: str, target: str) -> None:
    """Returns where nothing stands in the way.

    Raises:
        ConfigError: it names each setting, its value and what would be accepted.
    """
    if unsupported_features:
        listed = "".join(f"\n  {feature}" for feature in unsupported_features)
        raise ConfigError(
            f"{run}: {target} cannot express this model, and nothing is exported approximately:{listed}\n"
            "Train with settings that it accepts, or use the run with seqloom's own engine."
        )
