"""Rules and network together: what both say is executed sooner than what one of them says."""

from seqloom.fiction.parsing.linking import MarkedText
from seqloom.fiction.parsing.proposals import Candidate, PhrasingParser
from seqloom.fiction.parsing.scene import Scene

_ALONE = 0.6
"""The confidence of what one of them says counts so much; what both say is above it."""


class HybridParser:
    """The candidate of the rules, the surer the more the network agrees; where the rules have none, the network's."""

    name = "hybrid"

    def __init__(self, rules: PhrasingParser, network: PhrasingParser) -> None:
        self._rules = rules
        self._network = network

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """The candidates of both, the best first: what both say, the rules', the network's."""
        of_rules = self._rules.parse(text, scene)
        of_network = self._network.parse(text, scene)
        best = next(iter(of_network), Candidate((), 0.0))
        merged: dict[tuple[str, ...], float] = {}
        for candidate in of_rules:
            agreed = best.confidence if candidate.commands == best.commands else None
            merged[candidate.commands] = (
                _ALONE * candidate.confidence
                if agreed is None
                else _ALONE + (1 - _ALONE) * (candidate.confidence + agreed) / 2
            )
        for candidate in of_network:
            merged.setdefault(candidate.commands, _ALONE * candidate.confidence)
        candidates = [Candidate(commands, confidence) for commands, confidence in merged.items()]
        return candidates if of_rules else sorted(candidates, key=lambda candidate: -candidate.confidence)
