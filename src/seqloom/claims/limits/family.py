"""Family: makes random inputs of one kind at any size, each with its right answer; FamilyInput: one such input.

The search for a model's limits tries such inputs at growing sizes. Input: random choices; output: inputs. This module knows neither
models nor the list of families.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from seqloom.claims.limits.choices import Choices, OutOfChoicesError
from seqloom.corpus.generators.draw import Draw
from seqloom.errors import ConfigError

SizeMeasure = Literal["length", "clauses", "distance", "pairs"]
"""The property of an input that its size counts."""

# `draw` returns None if its random choices give no valid input. After this many failed draws in a row, `sample` concludes that
# no input of the size exists.
_MAX_FAILED_DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class Case:
    """A source and its right answer.

    Attributes:
        truth: the right answer.
        judged_index: the index, from 0, of the only word of `truth` that is compared with the answer; None if the whole truth is
            compared.
    """

    src: str
    truth: str
    judged_index: int | None = None

    def accepts(self, said: str) -> bool:
        """Whether an answer agrees with the truth: in the judged word, or in all words if there is no judged word."""
        if self.judged_index is None:
            return said.strip() == self.truth.strip()
        words = said.split()
        return self.judged_index < len(words) and words[self.judged_index] == self.judged_word

    @property
    def judged_word(self) -> str | None:
        """The only word of the truth that is compared with the answer; None if the whole truth is compared."""
        return None if self.judged_index is None else self.truth.split()[self.judged_index]


@dataclass(frozen=True)
class Family:
    """Inputs of one kind, of every size.

    Attributes:
        size_measure: the property of an input that its size counts.
        unit, units: what a size counts, in the singular and in the plural: "word", "words".
        draw: makes an input of a given size and its truth; returns None if its random choices give no valid input.
        trained: the smallest and the largest size in the training data.
        default_max_size: the largest size that the search for a model's limits tries, if its settings name no other.
        description: what the inputs are and when an answer is right, in one sentence.
        min_size: the smallest size of which there are inputs.
        step: the difference between one size and the next.
        chance: the share of right answers that guessing gets.
        requires: raises a SeqloomError if an optional library that `draw` uses is missing.
    """

    size_measure: SizeMeasure
    unit: str
    units: str
    draw: Callable[[Draw, int], Case | None] = field(repr=False)
    trained: tuple[int, int]
    default_max_size: int
    description: str
    min_size: int = 1
    step: int = 1
    chance: float = 0.0
    requires: Callable[[], object] = field(default=lambda: None, repr=False)

    @property
    def threshold(self) -> float:
        """The default threshold for the share of right answers, below which a size fails: the middle between `chance` and 1."""
        return (1 + self.chance) / 2

    def label(self, size: int) -> str:
        """A size for people: "1 word", "12 words"."""
        return f"{size:,} {self.unit if size == 1 else self.units}"

    def round_down(self, size: int) -> int:
        """The largest existing size that is not above `size`; `min_size` if there is none."""
        return self.min_size + max(0, size - self.min_size) // self.step * self.step

    def sample(self, size: int, key: str) -> "FamilyInput":
        """Draws an input of a size; the same key gives the same input.

        Raises:
            ConfigError: no input of this size exists, as far as many draws can tell.
        """
        for attempt in range(_MAX_FAILED_DRAWS):
            choices = Choices(f"{key}/{attempt}")
            case = self.draw(choices, size)
            if case is not None:
                return FamilyInput(size, case, tuple(choices.made))
        raise ConfigError(
            f"{_MAX_FAILED_DRAWS:,} draws gave no input of {self.label(size)}; give a --most below {size}"
        )

    def replay(self, size: int, choices: Sequence[float]) -> "FamilyInput | None":
        """Rebuilds an input of a size from recorded choices; None if they are too few or give no valid input."""
        replayed = Choices(replay=choices)
        try:
            case = self.draw(replayed, size)
        except OutOfChoicesError:
            return None
        return None if case is None else FamilyInput(size, case, tuple(replayed.made))


@dataclass(frozen=True, slots=True)
class FamilyInput:
    """An input of a family, and the random choices that `Family.replay` rebuilds it from."""

    size: int
    case: Case
    choices: tuple[float, ...]

    @property
    def rank(self) -> tuple[int, int]:
        """The key by which inputs are ordered from small to large: size, then the number of words."""
        return self.size, len(self.case.src.split())
