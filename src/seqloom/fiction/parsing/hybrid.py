"""Rules and network together: what both say is executed sooner than what one of them says."""

from seqloom.fiction.parsing.linking import MarkedText
from seqloom.fiction.parsing.proposals import Candidate, PhrasingParser
from seqloom.fiction.parsing.scene import Scene

_RULES_SHARE = 0.5
"""The confidence of rules counts so much where the network says something else."""


class HybridParser:
    """Combines the candidates of two parsers; the confidence of commands that both propose is that one of them is right."""

    name = "hybrid"

    def __init__(self, rules: PhrasingParser, network: PhrasingParser) -> None:
        self._rules = rules
        self._network = network

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """The candidates of both, the best first."""
        scores: dict[tuple[str, ...], float] = {}
        for candidate in self._network.parse(text, scene):
            scores[candidate.commands] = candidate.confidence
        of_rules = self._rules.parse(text, scene) or [Candidate((), 0.5)]
        for candidate in of_rules[:1]:
            other = scores.get(candidate.commands, 0.0)
            scores[candidate.commands] = 1 - (1 - other) * (1 - _RULES_SHARE * candidate.confidence)
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        return [Candidate(commands, confidence) for commands, confidence in ranked]
