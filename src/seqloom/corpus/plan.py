"""Plan: the sources of a corpus and the facts about it, before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.sources import Source
from seqloom.errors import ConfigError


@dataclass(frozen=True)
class Plan:
    """The sources of a corpus, and what is known about it before reading.

    Attributes:
        name: the name of the corpus.
        kind: "pairs" or "text".
        train: training data.
        val: validation data; None: a part of `train` is held out for it.
        tests: test data by name; if "test" is missing, a part of `train` is held out for it.
        running: whether the texts are passages of one running text, so that none can be moved or dropped.
        notes: sentences for the user.
        layout: sentences for the user about how the files are read: columns, languages, header.
        small_divisor: each split that is held out of small training data takes at most 1 / small_divisor of it.
    """

    name: str
    kind: Literal["pairs", "text"]
    train: Source
    val: Source | None = None
    tests: Mapping[str, Source] = field(default_factory=dict)
    running: bool = False
    src_lang: str | None = None
    tgt_lang: str | None = None
    metric: str = "bleu"
    licence: str | None = None
    notes: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()
    small_divisor: int = 5


def check_none_ignored(settings: CorpusSettings, allowed: set[str], what: str) -> None:
    """Checks that all settings that differ from their defaults apply.

    Args:
        settings: the user's settings.
        allowed: the names of the settings that apply.
        what: the data that the settings are for, as messages call them.

    Raises:
        ConfigError: a setting would be ignored.
    """
    wrong = sorted(settings.changed() - allowed)
    if wrong:
        raise ConfigError(
            f"{what} takes no {', '.join(wrong)}, which would be ignored; leave out "
            f"{', '.join('--' + name.replace('_', '-') for name in wrong)}"
        )
