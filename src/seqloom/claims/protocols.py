"""The protocol and the ladder of claims about translation: one place, so that such claims share their arms."""

from collections.abc import Mapping

from seqloom.claims.claim import Ladder, Protocol
from seqloom.experiment.audit import Effort

TRANSLATION_LADDER = Ladder(steps=(200, 800, 3200, 9600))


def translation_protocols(standard: str = "", thorough: str = "") -> Mapping[Effort, Protocol]:
    """Multi30k English-German at 200 updates and three seeds, and at 5,000 and five.

    Args:
        standard: words to add to the description; thorough likewise.
    """
    return {
        "standard": Protocol(
            f"Three seeds, three learning rates; Multi30k English-German; 200 steps{standard}.",
            steps=200,
            options={"sentences": 500},
        ),
        "thorough": Protocol(
            f"Five seeds, three learning rates; Multi30k English-German; 5,000 steps{thorough}.",
            seeds=5,
            steps=5000,
            options={"sentences": 1000},
        ),
    }
