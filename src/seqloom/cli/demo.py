"""`seqloom demo`: compares three architectures on a generated corpus: one budget, a table, a report, a prompt.

All constants of the demo are in this file. The table of the README comes from its measurements.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from seqloom.cli import options
from seqloom.cli.compare import deliver
from seqloom.cli.progress import shown
from seqloom.messages import command_line

if TYPE_CHECKING:
    from seqloom.comparison.comparison import Comparison
    from seqloom.progress import Progress

RECIPES = ("rnn-tiny", "attention-rnn-tiny", "transformer-tiny")
CORPUS = "player-commands"
STEPS = 500
BEAM = 1
# Small batches learn faster on a small corpus; validation decodes few sentences, so that little time goes into it.
CHANGES = (
    "training.batch_tokens=640",
    "model.dropout=0.1",
    "training.validation_sentences=100",
    "training.validations=8",
)

# A first model, trained for seconds on few sentences, so that users have a first result while the arms train.
FIRST_STEPS = 20
FIRST_SIZE = 2000
FIRST_SENTENCE = "take the brass lamp and light it"
_FIRST_CHANGES = (
    "training.batch_tokens=640",
    "training.validations=1",
    "training.validation_sentences=0",
    "training.select_by=loss",
    "training.warmup_steps=5",
)

_EPILOG = """\
examples:
  seqloom demo                                  three minutes on two fast idle cores, seven on busy ones
  seqloom demo --steps 200 --out runs/quick     a first impression
  seqloom demo --seeds 3                        a verdict about architectures instead of single runs

The corpus is synthetic: what players of text adventures type, made by a grammar. "before you open the oak door, pick
the brass lamp up and light it" means "take brass lamp ; light brass lamp ; open oak door"."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="train and compare three architectures on a generated corpus, in some minutes",
        description="Compare the recurrent encoder-decoder, the one with attention and the Transformer on a generated "
        "corpus; then type sentences and see the output of each model.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/demo"),
        metavar="DIR",
        help="the folder for runs and the report (default: runs/demo)",
    )
    parser.add_argument(
        "--steps",
        type=options.positive,
        default=STEPS,
        metavar="N",
        help=f"updates of each architecture (default: {STEPS})",
    )
    parser.add_argument(
        "--seeds", type=options.positive, default=1, metavar="K", help="runs of each architecture (default: 1)"
    )
    parser.add_argument(
        "--size", type=options.positive, metavar="N", help="training sentences to generate (default: 40,000)"
    )
    options.add_change_option(parser)
    options.add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares, prints the result, and shows the models' outputs for the sentences that the user types."""
    from seqloom.comparison.comparing import compare
    from seqloom.corpus.settings import CorpusSettings
    from seqloom.training import Budget

    corpus = CorpusSettings.parse(
        {"data": CORPUS} | ({"size": arguments.size} if arguments.size else {}), source="the demo's corpus"
    )
    with shown(quiet=arguments.quiet) as progress:
        if not arguments.quiet and not (arguments.out / "comparison.json").exists():
            _show_first_model(arguments, progress)
        comparison = compare(
            RECIPES,
            corpus,
            budget=Budget(steps=arguments.steps),
            seeds=arguments.seeds,
            out=arguments.out,
            beam=BEAM,
            changes=[*CHANGES, *arguments.changes],
            command=_command(arguments),
            progress=progress,
            **options.placement(arguments),
        )
    status = deliver(comparison, arguments.out)
    if _someone_is_there():
        _answer(comparison, arguments)
    return status


def _command(arguments: argparse.Namespace) -> str:
    """The command line that repeats the demo."""
    words: list[str | Path | int] = ["demo", "--steps", arguments.steps, "--seeds", arguments.seeds]
    words += ["--size", arguments.size] if arguments.size else []
    words += ["--set", *arguments.changes] if arguments.changes else []
    return command_line(*words)


def _show_first_model(arguments: argparse.Namespace, progress: "Progress") -> None:
    """Trains a Transformer for a few seconds, in a temporary folder, and shows one output."""
    from seqloom.corpus.settings import CorpusSettings
    from seqloom.progress import Silent
    from seqloom.run.train import train
    from seqloom.training import Budget

    progress.say(f"A first look: a Transformer after {FIRST_STEPS} updates, which takes some seconds.")
    # On Windows a file may still be open; it then stays in the system's temporary folder.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = train(
            "transformer-tiny",
            CorpusSettings.parse({"data": CORPUS, "size": FIRST_SIZE}, source="the demo's corpus"),
            budget=Budget(steps=FIRST_STEPS),
            out=Path(folder) / "first",
            changes=_FIRST_CHANGES,
            progress=Silent(),
            **options.placement(arguments),
        )
        [answer] = run.translate(FIRST_SENTENCE, beam=BEAM, max_len_ratio=1.0, max_len_offset=5)
    progress.say(f"  you type:  {FIRST_SENTENCE}")
    progress.say(f"  it says:   {answer.text or '(nothing)'}")
    progress.say(
        f"That is babble: {FIRST_STEPS} updates are far too few. Now the comparison: {arguments.steps:,} updates each."
    )


def _someone_is_there() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _answer(comparison: "Comparison", arguments: argparse.Namespace) -> None:
    from seqloom.run.load import load

    folders = {arm.label: arguments.out / arm.runs[0].folder for arm in comparison.arms if arm.runs}
    models = {label: load(folder, **options.placement(arguments)) for label, folder in folders.items()}
    width = max(map(len, models), default=0)
    example = comparison.samples[0].src if comparison.samples else "take the lamp and light it"
    print(f"\nType what a player would type, for example: {example}")
    print("An empty line ends.")
    while True:
        try:
            text = input("> ").strip()
        except EOFError:
            print()
            return
        if not text:
            return
        for label, model in models.items():
            for generation in model.translate(text, beam=BEAM):
                print(f"  {label:<{width}}  {generation.text}")
                for note in generation.notes:
                    print(f"  {'':<{width}}  ({note})")
