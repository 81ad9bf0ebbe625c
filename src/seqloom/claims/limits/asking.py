"""Asking: samples and the engine's answers to them, each source asked once.

Input: samples; output: `Answered`. What is decided from them stands elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from seqloom.claims.limits.family import FamilyInput
from seqloom.claims.limits.result import FailingInput
from seqloom.decoding.engines import Engine


@dataclass(frozen=True, slots=True)
class Answered:
    """An input, and what the model said.

    Attributes:
        notes: what decoding said about it.
    """

    sample: FamilyInput
    said: str
    notes: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the answer is the truth, where it is judged."""
        return self.sample.case.accepts(self.said)

    def failing(self, remark: str) -> FailingInput:
        """The input as it is reported."""
        case = self.sample.case
        return FailingInput(
            size=self.sample.size,
            source=case.src,
            said=self.said,
            truth=case.truth,
            wanted=case.wanted,
            notes=self.notes,
            remark=remark,
        )


@dataclass
class Asker:
    """An engine that remembers what it said.

    Attributes:
        num_asked: sources that the engine was given.
    """

    engine: Engine
    num_asked: int = 0
    _said: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def ask(self, samples: Sequence[FamilyInput]) -> list[Answered]:
        """The answers, in the order of the samples."""
        new = [src for src in dict.fromkeys(sample.case.src for sample in samples) if src not in self._said]
        for src, generation in zip(new, self.engine.generate(new), strict=True):
            self._said[src] = (generation.text, generation.notes)
        self.num_asked += len(new)
        return [Answered(sample, *self._said[sample.case.src]) for sample in samples]
