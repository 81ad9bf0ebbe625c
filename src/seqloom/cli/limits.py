"""`seqloom limits`: a run -> the smallest size, and the smallest input, on which it fails."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seqloom.cli import options
from seqloom.cli.lines import print_json
from seqloom.cli.progress import shown

if TYPE_CHECKING:
    from seqloom.claims.limits import LimitsResult

_EPILOG = """\
examples:
  seqloom limits runs/copy --on length                   from which length are most lists copied wrongly?
  seqloom limits runs/commands --on clauses --most 12    from how many commands in a text are the outputs wrong?
  seqloom limits runs/reverse --on distance              how far back can a word be?
  seqloom limits runs/recall --on pairs                  how many pairs of key and value can be recalled?
  seqloom limits runs/en-de --on length                  real text: from which length of test sentences does the score fall?

what grows with --on, by what the run was trained on:
  length     words: of the lists of copy, reverse, sort, duplicate, parity, even-pairs; else of the corpus's test sentences
  clauses    commands of player-commands, numbers of numbers-en-de and its like
  distance   how many words back a needed word is, in copy, reverse, duplicate and recall-4 and its like
  pairs      keys with their values, in recall-4 and its like

Inputs are generated as the corpus generates them, with their right targets, in sizes 1, 2, 4 and so on; then a binary search finds
the first size that fails. A size fails if its accuracy is below --threshold with 95% confidence. The smallest failing input is
then shrunk until no smaller one fails. The same seed tries the same inputs. After Ctrl-C, the results so far are printed."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom limits`."""
    parser = subparsers.add_parser(
        "limits",
        help="the smallest input on which a run fails",
        description="Search for the size of input from which a run fails, and for the smallest input that it gets wrong.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    group = parser.add_argument_group("search")
    group.add_argument(
        "--on", choices=("length", "clauses", "distance", "pairs"), required=True, help="what grows (see below)"
    )
    group.add_argument(
        "--threshold",
        type=options.share,
        metavar="SHARE",
        help="a size fails if its accuracy is below this with 95%% confidence (default: halfway between chance and 100%%: 0.5, "
        "or 0.75 if there are two answers)",
    )
    group.add_argument(
        "--most", type=options.positive, metavar="N", help="the largest size to try (default: what suits the corpus)"
    )
    group.add_argument(
        "--samples", type=options.positive, metavar="N", help="the most inputs to try at a size (default: 160)"
    )
    group.add_argument("--seed", type=options.seed, metavar="N", help="random seed of the inputs (default: 0)")
    group.add_argument("--beam", type=options.beam, metavar="N", help="beam size; 1 is greedy (default: the recipe's)")
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Searches, and prints what was found, even if the search is interrupted."""
    from seqloom.claims.limits import open_search
    from seqloom.run.load import load

    model = load(arguments.folder, **options.placement(arguments))
    status = 0
    with shown(quiet=arguments.quiet) as progress:
        search = open_search(
            model,
            arguments.on,
            beam=arguments.beam,
            threshold=arguments.threshold,
            most=arguments.most,
            samples=arguments.samples,
            seed=arguments.seed,
            progress=progress,
        )
        try:
            search.run(progress)
        except KeyboardInterrupt:
            status = 130
    if status:
        print("seqloom: stopped by Ctrl-C; this is what was found so far", file=sys.stderr)
    deliver(search.result(), json=arguments.json)
    return status


def deliver(limits: "LimitsResult", *, json: bool = False) -> None:
    """Prints the verdict, the sizes and the smallest failing input; or prints all of it as JSON."""
    if json:
        print_json(limits)
        return
    from seqloom.cli.console import SafeConsole
    from seqloom.report.limits import limits_table

    SafeConsole(highlight=False, width=140).print(limits_table(limits))
