"""`seqloom evaluate`: a run and references -> scores with their signatures."""

import argparse
from pathlib import Path

from seqloom.cli import options

_EPILOG = """\
examples:
  seqloom evaluate runs/en-de                                          on the test splits of the corpus that it was trained on
  seqloom evaluate runs/en-de --data multi30k --from-lang en --to-lang de --beam 5
  seqloom evaluate runs/en-de --src test.en --ref test.de --json"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a run on test data",
        description="Translate test data and score the result: each number with the signature that says how it was made.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    group = parser.add_argument_group("data", "By default the test splits of the corpus that the run was trained on.")
    group.add_argument(
        "--data", metavar="NAME|FILE", help="a named data set (its test splits) or a file of pairs (all of it)"
    )
    group.add_argument("--src", type=Path, metavar="FILE", help="source sentences, one a line")
    group.add_argument("--ref", type=Path, metavar="FILE", help="their references, one a line")
    options.add_reading_options(group)
    search = parser.add_argument_group("search")
    search.add_argument(
        "--beam", type=options.positive, metavar="N", help="beam size; 1 is greedy (default: the recipe's)"
    )
    search.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="bleu, chrf, ter, exact_match, items (default: what fits the corpus)",
    )
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the scores of every test split."""
    raise NotImplementedError
