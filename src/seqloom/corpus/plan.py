"""Plan: the sources of a corpus and the facts about it, before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.sources import Source
from seqloom.errors import ConfigError


@dataclass(frozen=True)
class Plan:
    """The sources of a corpus, and what is known about them.

    Attributes:
        name: the corpus's name.
        kind: "pairs" or "text".
        train: training data.
        val: validation data; None: to be cut from `train`.
        tests: test data; without "test", one is cut from `train`.
        running: whether texts are passages of running text, which cannot be moved or dropped one by one.
        notes: notes that are known before reading.
        layout: how the files are read: which columns, which languages, whether there is a header.
        small_divisor: of small data, the share that each cut-out split may take at most, as its inverse.
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
        what: what the settings are for, as messages call it.

    Raises:
        ConfigError: a setting would be ignored.
    """
    wrong = sorted(settings.changed() - allowed)
    if wrong:
        raise ConfigError(
            f"{what} takes no {', '.join(wrong)}, which would be ignored; leave out "
            f"{', '.join('--' + name.replace('_', '-') for name in wrong)}"
        )
