"""`seqloom explain`: runs and a text -> how each run processes it, as a page, a picture, data, or lines in the terminal."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.cli import options
from seqloom.cli.lines import announce, print_json
from seqloom.cli.progress import shown
from seqloom.errors import ConfigError, SeqloomError
from seqloom.files import check_folder, check_not_read, model_json, write_text
from seqloom.messages import command_line, option

if TYPE_CHECKING:
    from seqloom.explain import Change, Explanation, Explanations, TextSurprise

_PICTURES = ("heatmap", "heads", "states", "beam", "steps")
_METHODS = ("attention", "gradient", "occlusion")
_FORMS = (".html", ".json", ".md", ".png", ".svg", ".pdf")

_EPILOG = """\
what is shown, if the architecture has it:
  attention by layer and head, and how far it agrees with occlusion, with the gradient, and with the reference alignment
  if the corpus has one (copy, reverse, numbers, player-commands); gates and states over time; queries, keys, values, scores,
  masks and the softmax of one head; each step's distribution; the beam as a tree. Attention alone explains little: check
  the agreement scores too.

a language model also shows its surprise at each token of the text (-log2 of the probability), with the most probable tokens
in its place; two or more show where the loss of each comes from. A text of more than 128 tokens, and a model that counts, have
no other explanation, unless you ask for it with an option. To read a text from a file: --text "$(cat FILE)"

what if (all options together are one change; the output without it is shown for comparison):
  --change 3=word                  replaces the third word of the text; 3= removes it
  --silence decoder.1.cross.2      sets the output of head 2 of that layer to zero; decoder.1.cross: all its heads
  --force "sieben"                 forces this prefix of the target

examples:
  seqloom explain runs/mine --text "ein Hund"                            a table in the terminal
  seqloom explain runs/rnn runs/transformer --text "ein Hund" --out page.html    side by side, one offline file
  seqloom explain runs/transformer runs/rnn --text "ein Hund" --out example.md   a worked example, with every number
  seqloom explain runs/mine --text "ein Hund" --out heads.svg --picture heads    for a paper (needs seqloom[pictures])
  seqloom explain runs/mine --text "ein Hund" --change 2=Katze --out page.html --history"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom explain`."""
    parser = subparsers.add_parser(
        "explain",
        help="show how runs process a text, step by step",
        description="Show how one or several runs process a text: source attribution, heads, states, probabilities.",
        epilog=_EPILOG,
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders, shown side by side")
    parser.add_argument(
        "--text",
        type=options.text,
        required=True,
        metavar="TEXT",
        help="the source, or the prompt of a language model",
    )
    parser.add_argument(
        "--target", type=options.text, metavar="TEXT", help="the target to explain (default: the run's own output)"
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="a page (.html), a worked example (.md), data (.json) or a picture (.png, .svg, .pdf)",
    )
    group.add_argument("--picture", choices=_PICTURES, help="what a picture shows (default: heatmap)")
    group.add_argument(
        "--method",
        type=_methods,
        metavar="NAMES",
        help=f"some of {','.join(_METHODS)} (default: all, so that they can be compared)",
    )
    group.add_argument(
        "--history", action="store_true", help="also explain the weights that training kept (training.average_last)"
    )
    looking = parser.add_argument_group("details")
    looking.add_argument("--layer", type=options.count, metavar="N", help="from 0 (default: the last)")
    looking.add_argument("--head", type=options.count, metavar="N", default=0, help="from 0 (default: 0)")
    looking.add_argument("--step", type=options.positive, metavar="N", default=1, help="the target token, from 1")
    looking.add_argument("--beam", type=options.beam, metavar="N", help="beam size (default: the recipe's)")
    changes = parser.add_argument_group("what if")
    changes.add_argument(
        "--change",
        nargs="+",
        type=options.text,
        action="extend",
        default=[],
        metavar="N=WORD",
        help="replace the N-th word",
    )
    changes.add_argument(
        "--silence", nargs="+", action="extend", default=[], metavar="HEAD", help="heads whose output is set to zero"
    )
    changes.add_argument(
        "--force", type=options.text, default="", metavar="TEXT", help="the forced prefix of the target"
    )
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explains the text, and prints or writes the result."""
    _check(arguments)
    change = _change(arguments)
    from seqloom.explain import METHODS, Explanations, compare_surprises, explain, measure_surprise
    from seqloom.explain.measuring_surprise import only_surprise, shows_surprise
    from seqloom.run.load import load

    explanations: list[Explanation] = []
    surprises: list[TextSurprise] = []
    failed: list[tuple[Path, SeqloomError]] = []
    with shown(quiet=arguments.quiet) as progress:
        for number, folder in enumerate(arguments.runs):
            progress.update("explaining", number / len(arguments.runs), status=folder.name)
            try:
                model = load(folder, **options.placement(arguments))
                if shows_surprise(model) and arguments.text:
                    surprises.append(measure_surprise(model, arguments.text))
                    reason = None if _wants_steps(arguments) else only_surprise(model, surprises[-1])
                    if reason is not None:
                        progress.say(f"{model.recipe.label}: {reason}")
                        continue
                explanations.append(
                    explain(
                        model,
                        arguments.text,
                        target=arguments.target,
                        methods=arguments.method or METHODS,
                        beam=arguments.beam,
                        layer=arguments.layer,
                        head=arguments.head,
                        step=arguments.step - 1,
                        change=change or None,
                        history=arguments.history,
                    )
                )
            except SeqloomError as error:
                failed.append((folder, error))
        progress.update("explaining", 1.0)
        if len(failed) == len(arguments.runs):
            raise failed[0][1]
        for explanation in explanations:
            for note in explanation.notes:
                progress.say(f"{explanation.run.label}: {note}")
    # If one run cannot be explained, the others are still shown.
    for folder, failure in failed:
        print(f"seqloom: {folder} FAILED: {failure}", file=sys.stderr)
        arguments.runs.remove(folder)
    results = Explanations(
        text=arguments.text,
        explanations=tuple(explanations),
        surprises=tuple(surprises),
        surprise_comparison=compare_surprises(surprises),
    )
    _write_or_print(results, arguments)
    return 1 if failed else 0


def _wants_steps(arguments: argparse.Namespace) -> bool:
    """Whether an option or the kind of output asks for an explanation step by step."""
    targeted = arguments.target is not None or arguments.history or arguments.method or arguments.beam
    changed = arguments.change or arguments.silence or arguments.force
    details = arguments.layer is not None or arguments.head or arguments.step != 1
    drawn = arguments.out is not None and arguments.out.suffix not in (".html", ".json")
    return bool(targeted or changed or details or drawn)


def _methods(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in _METHODS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r}: choose among {', '.join(_METHODS)}, with commas between them")
    return names


def _check(arguments: argparse.Namespace) -> None:
    out = arguments.out
    if out is not None and out.suffix not in _FORMS:
        raise ConfigError(f"--out {out}: its ending says what to write, so it must be one of {', '.join(_FORMS)}")
    if arguments.picture and (out is None or out.suffix in (".html", ".json", ".md")):
        raise ConfigError("--picture: say where to draw it, by --out with .png, .svg or .pdf; a page shows them all")
    if out is not None and out.suffix == ".md" and (arguments.history or arguments.method):
        raise ConfigError(
            f"--out {out}: a worked example shows all methods and no history: leave --method and --history out"
        )
    if out is not None:
        check_not_read(out, "--out", arguments.runs)
        check_folder(out.parent)
    if arguments.json and out is not None:
        raise ConfigError("--json prints, --out writes: leave one out (--out data.json writes the same data)")
    if out is not None and out.suffix in (".png", ".svg", ".pdf"):
        from importlib.util import find_spec

        # This error is raised before any work is done.
        if find_spec("matplotlib") is None:
            raise ConfigError(
                f"--out {out}: pictures need matplotlib, which is not installed: pip install 'seqloom[pictures]'; "
                "--out page.html and --out data.json need nothing more"
            )


def _change(arguments: argparse.Namespace) -> "Change":
    from seqloom.explain import Change

    words = {}
    for text in arguments.change:
        position, equals, word = text.partition("=")
        if not (equals and position.strip().isdecimal()):
            raise ConfigError(f"--change {text}: expected N=WORD with N from 1, for example --change 3=Hund")
        words[int(position)] = word
    return Change(words=words, silence=tuple(arguments.silence), prefix=arguments.force)


def _write_or_print(explanations: "Explanations", arguments: argparse.Namespace) -> None:
    out: Path | None = arguments.out
    if out is None:
        if arguments.json:
            print_json(explanations)
            return
        from seqloom.cli.console import SafeConsole
        from seqloom.report.surprise_tables import surprise_tables

        console = SafeConsole()
        for table in surprise_tables(explanations):
            console.print(table)
        for explanation in explanations.explanations:
            console.print(_table(explanation))
            console.print("\n".join(_sentences(explanation)), highlight=False, markup=False)
        return
    if out.suffix == ".html":
        from seqloom.report.explanation_page import write_explanation_page

        write_explanation_page(explanations, out)
    elif out.suffix == ".md":
        from seqloom.report.worked_example_page import write_worked_example

        write_worked_example(explanations, out, folders=arguments.runs, command=_command(arguments))
    elif out.suffix == ".json":
        write_text(out, model_json(explanations, indent=1) + "\n")
    else:
        from seqloom.report.explanation_pictures import write_picture

        write_picture(explanations, out, arguments.picture or "heatmap")
    announce(out.resolve())


def _command(arguments: argparse.Namespace) -> str:
    """The command line that repeats the explanation, without options about the machine."""
    words: list[str | Path] = ["explain", *arguments.runs, *option("text", arguments.text)]
    for name in ("target", "beam", "layer", "force"):
        value = getattr(arguments, name)
        words += option(name, value) if value not in (None, "") else []
    words += ["--head", str(arguments.head)] if arguments.head else []
    words += ["--step", str(arguments.step)] if arguments.step != 1 else []
    words += ["--change", *arguments.change] if arguments.change else []
    words += ["--silence", *arguments.silence] if arguments.silence else []
    return command_line(*words, "--out", arguments.out)


def _table(explanation: "Explanation") -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from seqloom.report import explanation_wording as words

    pictures = words.pictures_of(explanation)
    source = words.token_texts(explanation.source)
    title = Text(f"{explanation.run.label}: {explanation.output}\n", style="bold")
    title.append("the source token that each method points at", style="not bold dim")
    table = Table(box=box.SIMPLE, title=title, title_justify="left")
    for column in ("token", *(picture.method for picture in pictures)):
        table.add_column(column)
    for column in ("prob.", "rank", "entropy"):
        table.add_column(column, justify="right")
    for row, (token, step) in enumerate(zip(words.token_texts(explanation.target), explanation.steps, strict=True)):
        pointed = []
        for picture in pictures:
            weights = picture.rows[row]
            pointed.append(Text(source[max(range(len(weights)), key=weights.__getitem__)] if weights else ""))
        numbers = (f"{step.probability:.3f}", str(step.rank), words.decimal(step.entropy, 2))
        table.add_row(Text(token), *pointed, *numbers)
    return table


def _sentences(explanation: "Explanation") -> list[str]:
    from seqloom.report import explanation_wording as words

    sentences = [
        f"{picture.title}. {words.agreements_sentence(picture.agreements)}"
        for picture in words.pictures_of(explanation)
    ]
    if explanation.what_if is not None:
        changed = explanation.what_if
        sentences.append(f"What if {changed.change}? It says: {changed.output}")
        pairs = zip(words.token_texts(explanation.target), changed.log_probs, changed.changed_log_probs, strict=True)
        sentences += [f"  {token}  {words.probability(p):.3f} -> {words.probability(q):.3f}" for token, p, q in pairs]
    return sentences
