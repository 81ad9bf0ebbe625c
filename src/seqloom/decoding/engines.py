"""Engines: programs that turn sources into text, by name. It needs no torch, because an engine of another program may not need it.

Input: a name, a folder and decoding settings; output: an Engine. seqloom's own engine is the Generator. Packages that have other
engines, such as `seqloom.interop`, register them here.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from seqloom.decoding.encoded_input import TextCodec
from seqloom.decoding.hypothesis import Generation
from seqloom.errors import ConfigError
from seqloom.progress import Progress

OWN = "seqloom"


class Engine(Protocol):
    """Turns sources into text: a Generator, or another program instead."""

    @property
    def tokenizer(self) -> TextCodec:
        """The tokenizer whose ids its hypotheses hold."""

    def generate(
        self,
        texts: Iterable[str],
        *,
        alignments: bool = False,
        progress: Progress | None = None,
        task: str = "generating",
    ) -> Iterator[Generation]:
        """Yields one Generation for each text, in their order."""


class EngineOpener(Protocol):
    """A function that opens a folder as an engine."""

    def __call__(self, folder: Path, decoding: Mapping[str, Any], *, device: str, threads: int | None) -> Engine:
        """Opens a run, or a folder that was exported for the engine.

        Args:
            decoding: overrides of the recipe's decoding settings.

        Raises:
            SeqloomError: the folder cannot be opened, the engine is not installed, or it cannot apply a setting.
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
    """Opens an engine by name. `seqloom.load` opens seqloom's own.

    Raises:
        ConfigError: there is no such engine.
        SeqloomError: see EngineOpener.
    """
    if name not in OPENERS:
        known = ", ".join([OWN, *OPENERS])
        raise ConfigError(f"there is no engine {name!r}; the engines are {known}")
    overrides = {key: value for key, value in (decoding or {}).items() if value is not None}
    return OPENERS[name](Path(folder), overrides, device=device, threads=threads)
