"""Asker: gets the engine's answers to inputs, and gives each source to the engine only once.

Input: `FamilyInput`; output: `Answered`. This module draws no conclusions from the answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from seqloom.claims.limits.family import FamilyInput
from seqloom.claims.limits.result import FailingInput
from seqloom.decoding.engines import Engine


@dataclass(frozen=True, slots=True)
class Answered:
    """An input and the model's answer.

    Attributes:
        said: the model's answer.
        notes: the notes of decoding, for example that the source was cut.
    """

    sample: FamilyInput
    said: str
    notes: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the answer agrees with the truth; see `Case.accepts`."""
        return self.sample.case.accepts(self.said)

    def failing(self, remark: str) -> FailingInput:
        """The input as a part of the results."""
        case = self.sample.case
        return FailingInput(
            size=self.sample.size,
            source=case.src,
            said=self.said,
            truth=case.truth,
            judged_index=case.judged_index,
            notes=self.notes,
            remark=remark,
        )


@dataclass
class Asker:
    """An engine and a memory of its answers.

    Attributes:
        num_asked: the number of sources that the engine has answered.
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
