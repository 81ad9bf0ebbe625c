"""`seqloom compare`: recipes on one corpus under one budget -> a table, a report and comparison.json."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seqloom.cli import options
from seqloom.cli.lines import announce, print_json
from seqloom.cli.progress import shown
from seqloom.cli.streams import results_are_wanted

if TYPE_CHECKING:
    from seqloom.comparison.comparison import Comparison

_EPILOG = """\
examples:
  seqloom compare --data pairs.tsv                                     the three small recipes, the default budget
  seqloom compare rnn-tiny transformer-tiny --data multi30k --from-lang en --to-lang de --minutes 10 --seeds 3
  seqloom compare --data pairs.tsv --minutes 5 --curve                 would more pairs help, and how much?
  seqloom compare --data pairs.tsv --steps 2000 --also other=hyp.txt   scores another system's output on the test set too

named recipes: {recipes}

Every arm gets the same data, tokenizer, budget and decoding. Arms that are finished already in --out are not trained again.
With one seed the verdict holds for these runs only; with --seeds 3 or more it holds for the architectures."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom compare`."""
    parser = subparsers.add_parser(
        "compare",
        help="which architecture is better on your data, with intervals",
        description="Train several recipes on one corpus under one declared budget, and report which is better, by how much, "
        "with confidence intervals, and at what cost.",
        epilog=_EPILOG.format(recipes=options.named_recipes()),
    )
    parser.add_argument(
        "recipes",
        nargs="*",
        metavar="RECIPE",
        help="named recipes or YAML files (default: rnn-tiny attention-rnn-tiny transformer-tiny)",
    )
    options.add_data_options(parser)
    options.add_budget_options(parser, each=" each recipe and seed", like=False)
    group = parser.add_argument_group("comparison")
    group.add_argument(
        "--seeds", type=options.positive, default=1, metavar="K", help="runs of each recipe (default: 1)"
    )
    group.add_argument(
        "--tune",
        choices=("none", "quick"),
        default="none",
        help="quick: three learning rates for each recipe, counted in its budget (default: none)",
    )
    group.add_argument(
        "--curve",
        action="store_true",
        help="also train each arm on an eighth, a quarter and half of the data, with the same budget each, and say how much more "
        "data would help (three more runs for each arm)",
    )
    group.add_argument(
        "--also",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=FILE",
        help="another system's output for the test set, one per line, to score too",
    )
    group.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="the folder for runs and the report (default: a folder under comparisons/)",
    )
    group.add_argument(
        "--beam", type=options.beam, metavar="N", help="beam size for all arms; 1 is greedy (default: the recipes')"
    )
    options.add_change_option(group)
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares; prints the table and where the report is."""
    also = options.named_files(arguments.also)
    for path in also.values():
        options.existing_file(path, "--also")
    corpus = options.corpus_settings(arguments)
    from seqloom.comparison.comparing import compare, default_folder

    out = arguments.out or default_folder(corpus)
    with shown(quiet=arguments.quiet) as progress:
        comparison = compare(
            arguments.recipes or None,
            corpus,
            budget=options.budget(arguments),
            seeds=arguments.seeds,
            tune=arguments.tune,
            also=also,
            out=out,
            changes=arguments.changes,
            beam=arguments.beam,
            curve=arguments.curve,
            progress=progress,
            **options.placement(arguments),
        )
    return deliver(comparison, out, json=arguments.json)


def deliver(comparison: "Comparison", out: Path, *, json: bool = False) -> int:
    """Writes report.html into `out` and prints the table and where the report is; or prints all of it as JSON.

    Returns:
        The exit status: 1 where an arm failed.
    """
    from seqloom.report.page import write_report
    from seqloom.report.terminal import comparison_table

    status = 1 if comparison.failures else 0
    for failure in comparison.failures:
        print(f"seqloom: {failure}", file=sys.stderr)
    report = out / "report.html"
    write_report(comparison, report)
    if json:
        print_json(comparison)
        return status
    if results_are_wanted():
        from seqloom.cli.console import SafeConsole

        SafeConsole().print(comparison_table(comparison))
    announce(f"report: {report.resolve()}")
    return status
