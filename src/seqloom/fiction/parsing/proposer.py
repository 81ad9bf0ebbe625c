"""The proposer of a session: what a parser of phrasings makes of a line that the game did not understand."""

from collections.abc import Sequence
from pathlib import Path

from seqloom.fiction.interpreter import Interpreter
from seqloom.fiction.parsing.evaluation import LEAST_OFFERED, is_dangerous
from seqloom.fiction.parsing.forms import render_all
from seqloom.fiction.parsing.linking import link
from seqloom.fiction.parsing.proposals import PhrasingParser
from seqloom.fiction.parsing.rules import RuleParser
from seqloom.fiction.parsing.scene import scene_of
from seqloom.fiction.proposer import Proposal

RULES = "rules"
"""The name of the parser that needs no run."""
RULES_THRESHOLD = 0.4


class ParserProposer:
    """Proposes what a parser finds, in the words of the game."""

    def __init__(self, parser: PhrasingParser, threshold: float) -> None:
        """Takes the parser, and the least confidence at which commands are carried out without a question."""
        self._parser = parser
        self._threshold = threshold

    def propose(self, line: str, interpreter: Interpreter) -> Sequence[Proposal]:
        """The candidates, the best first; only the first may be carried out without a question."""
        scene = scene_of(interpreter)
        marked = link(line, scene)
        candidates = self._parser.parse(marked, scene)
        if candidates and not candidates[0].commands:
            return []
        proposals: list[Proposal] = []
        for candidate in candidates:
            commands = render_all(candidate.commands, marked.names, scene.words)
            if commands is None or any(proposal.commands == commands for proposal in proposals):
                continue
            if candidate.confidence < LEAST_OFFERED:
                continue
            sure = not proposals and candidate.confidence >= self._threshold and not is_dangerous(commands, marked)
            proposals.append(Proposal(commands, is_sure=sure))
        return proposals


def open_parser(name: str | Path) -> ParserProposer:
    """The proposer of `rules`, or of a run folder.

    Raises:
        SeqloomError: the folder holds no run of `seqloom fiction train-parser`.
    """
    if str(name) == RULES:
        return ParserProposer(RuleParser(), RULES_THRESHOLD)
    from seqloom.fiction.parsing.trained import open_trained

    trained = open_trained(Path(name))
    return ParserProposer(trained.parser, trained.threshold)


def parsers_of(name: str | Path) -> list[tuple[PhrasingParser, float]]:
    """The parsers of a run with their thresholds, the one that plays last; none for `rules`, which are a baseline.

    Raises:
        SeqloomError: the folder holds no run of `seqloom fiction train-parser`.
    """
    if str(name) == RULES:
        return []
    from seqloom.fiction.parsing.trained import open_trained

    trained = open_trained(Path(name))
    return [(trained.network, trained.threshold), (trained.parser, trained.threshold)]
