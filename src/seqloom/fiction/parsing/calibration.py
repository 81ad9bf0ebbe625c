"""The threshold of a parser: how sure it must be before it carries out commands without a question."""

from collections.abc import Iterable
from dataclasses import dataclass

from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.forms import NO_COMMAND, SEPARATOR
from seqloom.fiction.parsing.phrasings import Example
from seqloom.fiction.parsing.proposals import PhrasingParser
from seqloom.fiction.parsing.scene import Scene

MAX_WRONG = 0.04
"""At most this share of all texts may be carried out wrongly."""


@dataclass(frozen=True)
class Decision:
    """What a parser made of a text whose meaning is known: its best candidate's confidence, and whether that is right."""

    confidence: float
    is_right: bool


def decisions(parser: PhrasingParser, examples: Iterable[Example], words: Words) -> list[Decision]:
    """The decisions of a parser on generated examples; a text that it takes for no command has confidence 0, as it does nothing."""
    made = []
    scene = Scene(words)
    for example in examples:
        meant = () if example.commands == NO_COMMAND else tuple(example.commands.split(SEPARATOR))
        best = next(iter(parser.parse(example.marked, scene)), None)
        if best is None or not best.commands:
            made.append(Decision(0.0, is_right=not meant))
        else:
            made.append(Decision(best.confidence, best.commands == meant))
    return made


def threshold(made: Iterable[Decision], max_wrong: float = MAX_WRONG) -> float:
    """The least confidence at which at most a share of the texts is carried out wrongly."""
    listed = sorted(made, key=lambda decision: -decision.confidence)
    lowest, wrong = 1.0, 0
    for index, decision in enumerate(listed):
        if decision.confidence <= 0:
            break
        wrong += not decision.is_right
        if wrong > max_wrong * len(listed):
            break
        following = listed[index + 1].confidence if index + 1 < len(listed) else 0.0
        # Between two confidences, so that equal confidences are on the same side.
        if following < decision.confidence:
            lowest = (decision.confidence + following) / 2
    return lowest
