"""Engines: what turns sources into text, by name. No torch: an engine of another program may do without it.

A name, a folder and decoding settings enter, an Engine leaves. seqloom's own engine is the Generator; rooms that bring others
register them here, `seqloom.interop` among them.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from seqloom.decoding.hypothesis import Generation
from seqloom.decoding.reading import TextCodec
from seqloom.errors import ConfigError
from seqloom.progress import Progress

OWN = "seqloom"


class Engine(Protocol):
    """What turns sources into text: a Generator, or another program's inference in its place."""

    @property
    def tokenizer(self) -> TextCodec:
        """Whose ids its hypotheses hold."""

    def generate(
        self,
        texts: Iterable[str],
        *,
        alignments: bool = False,
        progress: Progress | None = None,
        task: str = "generating",
    ) -> Iterator[Generation]:
        """One Generation a text, in their order."""


class EngineOpener(Protocol):
    """What makes an engine of a folder."""

    def __call__(self, folder: Path, decoding: Mapping[str, Any], *, device: str, threads: int | None) -> Engine:
        """Opens a run, or what was exported for the engine.

        Args:
            decoding: the decoding settings that were given; the others are the recipe's.

        Raises:
            SeqloomError: the folder cannot be opened, the engine is not installed, or cannot honour a setting.
        """


OPENERS: dict[str, EngineOpener] = {}


def open_engine(
    name: str,
    folder: Path | str,
    decoding: Mapping[str, Any] | None = None,
    *,
    device: str = "auto",
    threads: int | None = None,
) -> Engine:
    """The engine of a name, other than seqloom's own, which `seqloom.load` opens.

    Raises:
        ConfigError: there is no such engine.
        SeqloomError: see EngineOpener.
    """
    if name not in OPENERS:
        known = ", ".join([OWN, *OPENERS])
        raise ConfigError(f"there is no engine {name!r}; the engines are {known}")
    given = {key: value for key, value in (decoding or {}).items() if value is not None}
    return OPENERS[name](Path(folder), given, device=device, threads=threads)
