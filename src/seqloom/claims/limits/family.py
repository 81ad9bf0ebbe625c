"""Family: inputs of one kind, ordered by size, each with exact truth; and FamilyInput, one of them.

Input: random choices; output: samples. This module does not know models, nor which families there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from seqloom.claims.limits.choices import Choices, OutOfChoicesError
from seqloom.corpus.generators.draw import Draw
from seqloom.errors import ConfigError

On = Literal["length", "clauses", "distance", "pairs"]

# An input is refused for a good reason now and then; this many refusals in a row mean that there is none of the size.
_MOST_PROPOSALS = 2_000


@dataclass(frozen=True, slots=True)
class Case:
    """A source and the truth about it.

    Attributes:
        wanted: the place of the one word of the truth that is judged, from 0; None where all of it is.
    """

    src: str
    truth: str
    wanted: int | None = None

    def accepts(self, said: str) -> bool:
        """Whether an answer is right."""
        if self.wanted is None:
            return said.strip() == self.truth.strip()
        words = said.split()
        return self.wanted < len(words) and words[self.wanted] == self.wanted_word

    @property
    def wanted_word(self) -> str | None:
        """The word that is judged."""
        return None if self.wanted is None else self.truth.split()[self.wanted]


@dataclass(frozen=True)
class Family:
    """Inputs of one kind, of every size.

    Attributes:
        on: what makes an input larger.
        unit, units: what a size counts, as one and as many: "word", "words".
        draw: makes an input of a size, with its truth; None where these choices make none.
        trained: the sizes that training shows, both ends included.
        most: the largest size that is tried unless somebody asks for more.
        judged: what inputs are and when an answer is right, one sentence.
        smallest: the smallest size there is.
        step: from one size to the next.
        chance: the share of right answers that guessing gets.
        requires: fails with a SeqloomError where an optional library is missing.
    """

    on: On
    unit: str
    units: str
    draw: Callable[[Draw, int], Case | None] = field(repr=False)
    trained: tuple[int, int]
    most: int
    judged: str
    smallest: int = 1
    step: int = 1
    chance: float = 0.0
    requires: Callable[[], object] = field(default=lambda: None, repr=False)

    @property
    def threshold(self) -> float:
        """The share below which a size fails unless somebody says another: halfway from guessing to knowing."""
        return (1 + self.chance) / 2

    def label(self, size: int) -> str:
        """A size for people: "1 word", "12 words"."""
        return f"{size:,} {self.unit if size == 1 else self.units}"

    def nearest(self, size: int) -> int:
        """The largest size that there is up to `size`; the smallest one where there is none."""
        return self.smallest + max(0, size - self.smallest) // self.step * self.step

    def sample(self, size: int, key: str) -> "FamilyInput":
        """Draws an input of a size; the same key gives the same.

        Raises:
            ConfigError: there is no input of the size.
        """
        for attempt in range(_MOST_PROPOSALS):
            choices = Choices(f"{key}/{attempt}")
            case = self.draw(choices, size)
            if case is not None:
                return FamilyInput(size, case, tuple(choices.made))
        raise ConfigError(
            f"no input of {self.label(size)} came of {_MOST_PROPOSALS:,} draws; take a smaller --most than {size}"
        )

    def again(self, size: int, choices: Sequence[float]) -> "FamilyInput | None":
        """What written choices make at a size, or None where they do not suffice or make none."""
        draw = Choices(again=choices)
        try:
            case = self.draw(draw, size)
        except OutOfChoicesError:
            return None
        return None if case is None else FamilyInput(size, case, tuple(draw.made))


@dataclass(frozen=True, slots=True)
class FamilyInput:
    """An input of a family, and the choices that made it."""

    size: int
    case: Case
    choices: tuple[float, ...]

    @property
    def rank(self) -> tuple[int, int]:
        """What makes one input smaller than another: its size, then its words."""
        return self.size, len(self.case.src.split())
