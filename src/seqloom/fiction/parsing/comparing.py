"""A parser beside the baselines, on the same phrasings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seqloom.fiction.interpreter import Words
from seqloom.fiction.parsing.baselines import KeywordParser, NearestParser
from seqloom.fiction.parsing.evaluation import Outcome, Phrasing, Rates, judge, paired_interval, rates
from seqloom.fiction.parsing.forms import NO_COMMAND, SEPARATOR
from seqloom.fiction.parsing.phrasings import examples
from seqloom.fiction.parsing.proposals import PhrasingParser
from seqloom.fiction.parsing.proposer import RULES_THRESHOLD
from seqloom.fiction.parsing.rules import RuleParser

_NEAREST_EXAMPLES = 5_000


@dataclass(frozen=True)
class Row:
    """The counts of one parser.

    Attributes:
        difference: the understood share of the parser that is evaluated minus that of this one, with its 95% interval; None for
            the parser itself.
    """

    parser: str
    threshold: float
    total: Rates
    by_writer: dict[str, Rates]
    by_game: dict[str, Rates]
    difference: tuple[float, float, float] | None = None
    outcomes: list[Outcome] = field(default_factory=list, repr=False)


def compare_parsers(
    phrasings: Sequence[Phrasing], words: Mapping[str, Words], parsers: Sequence[tuple[PhrasingParser, float]] = ()
) -> list[Row]:
    """The rows of parsers, the last of which is evaluated, behind those of the baselines; without parsers the rules are evaluated.

    Args:
        words: the vocabulary of each game of the phrasings.
        parsers: with the threshold of each.
    """
    nearest = NearestParser(
        [
            (example.text, () if example.commands == NO_COMMAND else tuple(example.commands.split(SEPARATOR)))
            for example in examples(list(words.values()), "train", _NEAREST_EXAMPLES)
        ]
    )
    listed: list[tuple[PhrasingParser, float]] = [
        (KeywordParser(), 0.0),
        (nearest, 0.5),
        (RuleParser(), RULES_THRESHOLD),
        *parsers,
    ]
    judged = [judge(parser, phrasings, dict(words), threshold) for parser, threshold in listed]
    rows = []
    for (parser, threshold), outcomes in zip(listed, judged, strict=True):
        difference = None if outcomes is judged[-1] else paired_interval(judged[-1], outcomes)
        rows.append(
            Row(
                parser.name,
                threshold,
                rates(outcomes),
                _by(outcomes, "writer"),
                _by(outcomes, "game"),
                difference,
                outcomes,
            )
        )
    return rows


def _by(outcomes: Sequence[Outcome], key: str) -> dict[str, Rates]:
    values = sorted({getattr(outcome.phrasing, key) for outcome in outcomes} - {""})
    return {value: rates(item for item in outcomes if getattr(item.phrasing, key) == value) for value in values}
