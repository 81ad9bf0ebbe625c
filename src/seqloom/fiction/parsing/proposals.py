"""What every parser of phrasings returns, and the contract that the evaluation and the game use."""

from dataclasses import dataclass
from typing import Protocol

from seqloom.fiction.parsing.linking import MarkedText
from seqloom.fiction.parsing.scene import Scene


@dataclass(frozen=True)
class Candidate:
    """Commands that a text may mean.

    Attributes:
        commands: canonical commands with markers, such as `take @1`; empty if the text is no command.
        confidence: between 0 and 1; how likely they are what the player means, as the parser sees it.
    """

    commands: tuple[str, ...]
    confidence: float


class PhrasingParser(Protocol):
    """Turns marked texts into candidates."""

    @property
    def name(self) -> str:
        """How tables call it."""
        ...

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """The candidates, the best first; no candidate, or one without commands: the text is no command."""
        ...
