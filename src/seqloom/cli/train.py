"""`seqloom train`: one recipe on one corpus -> a run folder."""

import argparse
import sys
from pathlib import Path

from seqloom.cli import options
from seqloom.cli.lines import announce, print_json
from seqloom.cli.progress import shown
from seqloom.messages import command_line, use_command

DEFAULT_RECIPE = "transformer-tiny"

_EPILOG = """\
examples:
  seqloom train --data pairs.tsv                                       transformer-tiny, its own budget, a folder under runs/
  seqloom train attention-rnn-tiny --data multi30k --from-lang en --to-lang de --minutes 10 --out runs/en-de
  seqloom train transformer-tiny --src a.de --tgt a.en --steps 5000 --set model.dropout=0.2 training.batch_tokens=4096
  seqloom train --resume --out runs/en-de                              continues after Ctrl-C or a crash

named recipes: {recipes}

A run is one folder; `seqloom show RUN` describes it."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom train`."""
    parser = subparsers.add_parser(
        "train",
        help="train a recipe on your data",
        description="Train one recipe on one corpus; the result is a run folder.",
        epilog=_EPILOG.format(recipes=options.named_recipes()),
    )
    parser.add_argument(
        "recipe", nargs="?", metavar="RECIPE", help=f"a named recipe or a YAML file (default: {DEFAULT_RECIPE})"
    )
    options.add_data_options(parser)
    options.add_budget_options(parser)
    group = parser.add_argument_group("run")
    group.add_argument(
        "--out",
        type=Path,
        metavar="RUN",
        help="the run folder (default: one under runs/, named after recipe and corpus)",
    )
    options.add_change_option(group)
    group.add_argument(
        "--from",
        type=Path,
        metavar="RUN",
        dest="start_from",
        help="start from the weights and the tokenizer of another run",
    )
    group.add_argument("--resume", action="store_true", help="continue the run in --out from its last checkpoint")
    group.add_argument("--seed", type=options.seed, metavar="N", help="random seed (default: 0)")
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains; prints the run's folder."""
    corpus = options.corpus_settings(arguments) if options.corpus_given(arguments) else None
    if corpus is None and not arguments.resume and arguments.recipe is None:
        corpus = options.corpus_settings(arguments)  # says how to name one
    from seqloom.run.train import train
    from seqloom.tasks import task_of
    from seqloom.training.distributed import joined

    with joined(arguments.device) as world, shown(quiet=arguments.quiet or not world.is_main) as progress:
        trained = train(
            arguments.recipe,
            corpus,
            budget=options.budget(arguments),
            out=arguments.out,
            changes=arguments.changes,
            start_from=arguments.start_from,
            resume=arguments.resume,
            seed=arguments.seed,
            progress=progress,
            **options.placement(arguments),
        )
    if not world.is_main:
        return 0
    if arguments.json:
        print_json(trained.describe())
        return 0
    announce(trained.folder)
    if not arguments.quiet:
        print(f"try it: {use_command(trained.folder, task_of(trained.info.corpus.kind).command)}", file=sys.stderr)
        print(f"inspect it: {command_line('show', trained.folder)}", file=sys.stderr)
    return 0
