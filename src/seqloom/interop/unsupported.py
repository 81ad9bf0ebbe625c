"""Unsupported features: the settings of a run that another program does not support.

Nothing is exported approximately. If the other program cannot compute the same, the error names all of these settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqloom.errors import ConfigError


@dataclass(frozen=True, slots=True)
class UnsupportedFeature:
    """A setting that the other program does not support.

    Attributes:
        setting: its dotted name in the recipe.
        value: its value in the run.
        accepted: the values that the other program supports.
    """

    setting: str
    value: Any
    accepted: str

    def __str__(self) -> str:
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.setting} is {value}; accepted: {self.accepted}"


def check_supported(unsupported_features: Sequence[UnsupportedFeature], *, run: str, target: str) -> None:
    """Checks that there are no unsupported features.

    Raises:
        ConfigError: there are some; it names each setting, its value and the supported values.
    """
    if unsupported_features:
        listed = "".join(f"\n  {feature}" for feature in unsupported_features)
        raise ConfigError(
            f"{run}: {target} does not support this model, and nothing is exported approximately:{listed}\n"
            "Train with accepted settings, or use the run with engine seqloom."
        )
