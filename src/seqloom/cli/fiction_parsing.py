"""`seqloom fiction evaluate`: parsers of free phrasings for text adventures."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.cli import options
from seqloom.cli.lines import print_json
from seqloom.cli.number_options import positive
from seqloom.cli.progress import shown

if TYPE_CHECKING:
    from seqloom.fiction.parsing.comparing import Row
    from seqloom.fiction.parsing.evaluation import Rates

_EPILOG = """\
examples:
  seqloom fiction evaluate rules --data phrasings.jsonl

A line of the data is a JSON object: {"text": "grab the lamp", "writer": "plain", "game": "zork1", "accepted": [["take lamp"]],
"room": "…", "inventory": "…"}. `accepted` has a list of commands for each part of the text; a text without a game is no command.
Understood: what is carried out without a question is accepted, in all parts. Offered: one of at most three offers is."""


_TRAIN_EPILOG = """\
examples:
  seqloom fiction train-parser --games cloak,adventure --out runs/parser
  seqloom fiction train-parser transformer-tiny --games cloak --minutes 3 --out runs/parser
  seqloom compare rnn-tiny attention-rnn-tiny --data runs/parser-phrasings/train.tsv --minutes 3

The training data are made from the words of the games by rules, and are kept beside the run, in OUT-phrasings. `seqloom play
--parser RUN` and `seqloom fiction evaluate RUN` use the run. The things of a game are only markers for it, so that it serves
other games too."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands about parsers to those of `seqloom fiction`."""
    evaluating = commands.add_parser(
        "evaluate",
        help="measure a parser of free phrasings, beside the baselines",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluating.add_argument("parser", metavar="PARSER", help="rules, or a run of `seqloom fiction train-parser`")
    evaluating.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="phrasings of players, .jsonl or .jsonl.gz"
    )
    evaluating.add_argument(
        "--data-dir", metavar="FOLDER", help="a folder that holds zork1/zork1.z3, instead of the download"
    )
    options.add_common_options(evaluating, device=False, json=True)
    evaluating.set_defaults(run=_evaluate)
    training = commands.add_parser(
        "train-parser",
        help="train a parser of free phrasings",
        epilog=_TRAIN_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    training.add_argument(
        "recipe",
        nargs="?",
        metavar="RECIPE",
        help="a recipe for models of pairs (default: a small attention-rnn-tiny)",
    )
    training.add_argument(
        "--games", default="cloak", metavar="GAMES", help="games or story files, separated by commas (default: cloak)"
    )
    training.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run folder")
    training.add_argument(
        "--size", type=positive, metavar="N", help="the number of training examples (default: 60,000)"
    )
    training.add_argument("--seed", type=options.seed, default=0, metavar="N", help="random seed (default: 0)")
    training.add_argument("--data-dir", metavar="FOLDER", help="as for evaluate")
    options.add_budget_options(training, like=False)
    options.add_change_option(training)
    options.add_common_options(training, device=False)
    training.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> int:
    """Trains a parser, and prints the run's folder."""
    from seqloom.fiction.parsing.training import DEFAULT_RECIPE, SIZES, train_parser

    games = [game.strip() for game in arguments.games.split(",") if game.strip()]
    with shown(quiet=arguments.quiet) as progress:
        run = train_parser(
            games,
            arguments.out,
            recipe=arguments.recipe or DEFAULT_RECIPE,
            budget=options.budget(arguments),
            size=arguments.size or SIZES["train"],
            seed=arguments.seed,
            changes=arguments.changes,
            data_dir=arguments.data_dir,
            progress=progress,
        )
    print(run.folder)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    """Prints the rates of a parser and of the baselines."""
    from seqloom.fiction.parsing.comparing import compare_parsers
    from seqloom.fiction.parsing.evaluation import read_phrasings
    from seqloom.fiction.parsing.proposer import parsers_of
    from seqloom.fiction.parsing.scene import game_words

    parsers = parsers_of(arguments.parser)
    phrasings = read_phrasings(options.existing_file(arguments.data, "--data"))
    games = list(dict.fromkeys(phrasing.game for phrasing in phrasings if phrasing.game))
    with shown(quiet=arguments.quiet) as progress:
        words = game_words(games, data_dir=arguments.data_dir, progress=progress)
        rows = compare_parsers(phrasings, words, parsers)
    if arguments.json:
        print_json([_as_json(row) for row in rows])
    else:
        _print(rows)
    return 0


def _as_json(row: "Row") -> dict[str, Any]:
    return {
        "parser": row.parser,
        "threshold": row.threshold,
        **_counts(row.total),
        "by_writer": {name: _counts(counts) for name, counts in row.by_writer.items()},
        "by_game": {name: _counts(counts) for name, counts in row.by_game.items()},
        "difference": row.difference,
    }


def _counts(counts: "Rates") -> dict[str, Any]:
    return {
        "commands": counts.commands,
        "understood": counts.understood,
        "offered": counts.offered,
        "wrong": counts.wrong,
        "noncommands": counts.noncommands,
        "noncommands_executed": counts.noncommands_executed,
    }


def _print(rows: "list[Row]") -> None:
    from rich.table import Table

    from seqloom.cli.console import SafeConsole

    total = rows[-1].total
    table = Table("parser", box=None, pad_edge=False)
    for title in ("understood", "offered", "wrong", "no command, executed", f"{rows[-1].parser} better by"):
        table.add_column(title, justify="right")
    for row in rows:
        shares = (
            _percent(count, row.total.commands) for count in (row.total.understood, row.total.offered, row.total.wrong)
        )
        interval = (
            "" if row.difference is None else "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * x for x in row.difference))
        )
        executed = f"{row.total.noncommands_executed} of {row.total.noncommands}"
        table.add_row(row.parser, *shares, executed, interval)
    by_part = Table(f"understood, of {total.commands:,}", box=None, pad_edge=False)
    parts = [*rows[-1].by_writer, *rows[-1].by_game]
    for part in parts:
        by_part.add_column(part, justify="right")
    for row in rows:
        listed = {**row.by_writer, **row.by_game}
        by_part.add_row(row.parser, *(_percent(listed[part].understood, listed[part].commands) for part in parts))
    console = SafeConsole()
    console.print(table)
    console.print()
    console.print(by_part)


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}%" if total else "–"
