"""The options that several commands share, and functions that turn parsed arguments into settings.

Only options that the user gave are passed to the settings, which define all defaults. torch is not imported before arguments are
turned into settings.
"""

import argparse
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqloom.cli.number_options import beam as beam
from seqloom.cli.number_options import count as count
from seqloom.cli.number_options import max_tokens as max_tokens
from seqloom.cli.number_options import positive as positive
from seqloom.cli.number_options import positive_float as positive_float
from seqloom.cli.number_options import positive_share as positive_share
from seqloom.cli.number_options import seed as seed
from seqloom.cli.number_options import share as share
from seqloom.cli.number_options import temperature as temperature
from seqloom.cli.number_options import threads as threads
from seqloom.cli.number_options import top_k as top_k
from seqloom.cli.number_options import zero_or_more as zero_or_more
from seqloom.errors import ConfigError, SeqloomError

if TYPE_CHECKING:
    from seqloom.corpus.settings import CorpusSettings
    from seqloom.run.load import Run
    from seqloom.training import Budget


def text(argument: str) -> str:
    """A text in UTF-8, also if the locale wrongly says that arguments have another encoding."""
    if not re.search("[\ud800-\udfff]", argument):
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        shown = argument.encode("ascii", errors="backslashreplace").decode("ascii")
        raise argparse.ArgumentTypeError(f"'{shown}' holds bytes that are not UTF-8; give the text in UTF-8") from None


def _column(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def named_recipes() -> str:
    """The names of the recipes of seqloom, for --help."""
    # The same as `seqloom.recipes.recipe_names`, without its slow imports.
    folder = Path(__file__).parent.parent / "recipes"
    return ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))


_SPLIT_FILES = ("src", "tgt", "val_src", "val_tgt", "test_src", "test_tgt")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name the corpus; `corpus_settings` reads them."""
    group = parser.add_argument_group(
        "data",
        "A named data set (`seqloom data list`), a file (TSV, CSV, JSON, Parquet, TMX, PO or plain text, also .gz .xz .zst), a "
        "folder of texts for language models, or two files whose lines belong together. Without --val or --test, a seeded split is "
        "made, printed and saved.",
    )
    group.add_argument(
        "--data",
        metavar="NAME|FILE|FOLDER",
        help="a named data set, a file of pairs or of plain text, or a folder of text files (with the folders in it)",
    )
    group.add_argument("--val", metavar="FILE", help="a validation file, in the form of --data")
    group.add_argument("--test", metavar="FILE", help="a test file, in the form of --data")
    group.add_argument("--src", metavar="FILE", help="source sentences, one per line")
    group.add_argument("--tgt", metavar="FILE", help="their targets, one per line")
    for split, meaning in (("val", "validation"), ("test", "test")):
        group.add_argument(f"--{split}-src", metavar="FILE", help=f"{meaning} sources, one per line")
        group.add_argument(f"--{split}-tgt", metavar="FILE", help="their targets")
    add_reading_options(group)
    group.add_argument("--size", type=positive, metavar="N", help="how many training pairs a generator is to make")
    group.add_argument("--val-size", type=positive, metavar="N", help="pairs to hold out for validation")
    group.add_argument("--test-size", type=positive, metavar="N", help="pairs to hold out for test")
    group.add_argument("--split-seed", type=seed, metavar="N", help="the seed of the split, and of generators")
    group.add_argument(
        "--overlap",
        choices=("drop", "keep", "error"),
        help="training pairs that are in val or test too (default: drop)",
    )
    group.add_argument(
        "--max-words", type=positive, metavar="N", help="leave out longer training pairs, and count them"
    )


def add_reading_options(group: argparse._ActionsContainer) -> None:
    """Adds the options for reading data: direction, columns, bad lines."""
    group.add_argument(
        "--from-lang",
        metavar="CODE",
        help="the source's language (de, deu, pt-BR, zh-Hans, German); picks or reverses the direction",
    )
    group.add_argument("--to-lang", metavar="CODE", help="the target's language")
    group.add_argument(
        "--kind", choices=("auto", "pairs", "text"), help="what a file holds (text: for language models)"
    )
    group.add_argument(
        "--src-column", type=_column, metavar="NAME|N", help="the column of sources: a name, or a number from 1"
    )
    group.add_argument(
        "--tgt-column",
        "--text-column",
        type=_column,
        metavar="NAME|N",
        help="the column of targets, or of texts for language models",
    )
    group.add_argument(
        "--document-separator",
        metavar="LINE",
        help="the line between two documents of a text file, such as '<|endoftext|>'; blank-line for empty lines (default: a file "
        "is one document)",
    )
    group.add_argument(
        "--delimiter",
        metavar="TEXT",
        help="what separates columns: tab, comma, semicolon, bar or any other text, such as ' ||| ' (default: what gives the "
        "most records the same number of fields)",
    )
    group.add_argument(
        "--header",
        choices=("auto", "yes", "no"),
        help="whether the first line of TSV or CSV names the columns (default: detected and printed)",
    )
    group.add_argument(
        "--metric",
        metavar="NAME",
        help="the main metric: bleu (with the tokenizer of the target language), bleu_13a, bleu_zh, bleu_char, bleu_ja_mecab, "
        "bleu_ko_mecab, bleu_tokenised, chrf, exact_match, items, bits_per_byte (default: what suits the targets)",
    )
    group.add_argument(
        "--on-bad",
        choices=("error", "skip"),
        help="a line that cannot be read stops the work, or is skipped and counted (default: error)",
    )
    group.add_argument("--data-dir", metavar="DIR", help="a folder of data sets to use instead of the network")


_CORPUS_FIELDS = (
    *(
        "data",
        "val",
        "test",
        *_SPLIT_FILES,
        "from_lang",
        "to_lang",
        "kind",
        "src_column",
        "tgt_column",
        "document_separator",
        "delimiter",
        "header",
        "metric",
        "max_words",
    ),
    *("on_bad", "split_seed", "val_size", "test_size", "overlap", "size", "data_dir"),
)


def corpus_given(arguments: argparse.Namespace) -> bool:
    """Whether the command line names data.

    Raises:
        ConfigError: it has options for reading data, but names no data.
    """
    if any(getattr(arguments, name, None) is not None for name in ("data", *_SPLIT_FILES)):
        return True
    values = [name for name in _CORPUS_FIELDS if name != "data_dir" and getattr(arguments, name, None) is not None]
    if values:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in values)
        raise ConfigError(f"{flags}: say which data that is for, by --data or --src and --tgt")
    return False


def refuse_reading_options(arguments: argparse.Namespace, *, keep: Collection[str], why: str) -> None:
    """Checks for options for reading data that would be ignored.

    Args:
        keep: the options that apply, such as "on_bad".
        why: the end of the message.

    Raises:
        ConfigError: an option that does not apply was given.
    """
    ignored = [
        f"--{name.replace('_', '-')}"
        for name in _CORPUS_FIELDS
        if name not in keep and getattr(arguments, name, None) is not None
    ]
    if ignored:
        raise ConfigError(f"{', '.join(ignored)}: {why}")


def corpus_settings(arguments: argparse.Namespace) -> "CorpusSettings":
    """The corpus that the data options describe.

    Raises:
        ConfigError: no data was named, or the options contradict each other.
    """
    from seqloom.corpus.settings import CorpusSettings

    if not corpus_given(arguments):
        raise ConfigError(
            "say what to work on: --data NAME (see `seqloom data list`), --data FILE (a column of sources and one of targets), "
            "or --src FILE --tgt FILE"
        )
    values = {name: getattr(arguments, name) for name in _CORPUS_FIELDS if getattr(arguments, name, None) is not None}
    return CorpusSettings.parse(values, source="the data options")


def add_budget_options(parser: argparse.ArgumentParser, *, each: str = "", like: bool = True) -> None:
    """Adds the options of the budget; `budget` reads them.

    Args:
        each: what the budget is for, such as " each recipe".
        like: whether the updates of an earlier run may be repeated.
    """
    group = parser.add_argument_group(
        "budget", f"How long to train{each}: at most one of these; by default what the recipe says, or ten minutes."
    )
    exclusive = group.add_mutually_exclusive_group()
    exclusive.add_argument("--steps", type=positive, metavar="N", help="updates")
    exclusive.add_argument("--tokens", type=positive, metavar="N", help="real target tokens")
    exclusive.add_argument(
        "--minutes",
        type=positive_float,
        metavar="M",
        help="minutes of updates; set-up, validation and saving not counted",
    )
    if like:
        exclusive.add_argument(
            "--like", type=Path, metavar="RUN", help="as many updates as RUN, which had a budget in minutes"
        )


def budget(arguments: argparse.Namespace) -> "Budget | None":
    """The budget that was given, or None."""
    values = {
        name: getattr(arguments, name)
        for name in ("steps", "tokens", "minutes")
        if getattr(arguments, name) is not None
    }
    if getattr(arguments, "like", None) is not None:
        values["like"] = existing_file(arguments.like / "progress.txt", "--like")
    if not values:
        return None
    from seqloom.training import Budget

    return Budget.parse(values, source="the budget")


def add_search_options(group: argparse._ActionsContainer) -> None:
    """Adds the options of the search; `search_settings` reads them."""
    group.add_argument("--beam", type=beam, metavar="N", help="beam size; 1 is greedy (default: the recipe's)")
    group.add_argument(
        "--stop",
        choices=("certain", "likely"),
        help="certain: stop when no better hypothesis is possible; likely: stop earlier, faster (default: the recipe's)",
    )
    group.add_argument(
        "--shortlist",
        type=count,
        metavar="N",
        help="faster: only the N likeliest target tokens of each source token, and the N most frequent tokens, may be generated; "
        "0: all (default: the recipe's). They are learned from the training data of the first run, at first use",
    )


def search_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The decoding settings that were given; None keeps the recipe's setting."""
    return {"beam": arguments.beam, "stop": arguments.stop, "shortlist": arguments.shortlist}


def add_change_option(parser: argparse._ActionsContainer) -> None:
    """Adds --set."""
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="change settings of the recipe, for example --set model.dropout=0.2 training.batch_tokens=4096",
    )


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Adds the run folders, of which several are one ensemble, and the weights of its members."""
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="RUN", help="a run folder; several together are an ensemble"
    )
    parser.add_argument(
        "--weights",
        type=weights,
        metavar="A,B|tune",
        help="of several runs, in their order; tune, for language models: those that predict the validation text best (default: "
        "equal)",
    )


def load_runs(arguments: argparse.Namespace) -> "Run":
    """The run, or the ensemble of several, that `add_runs` describes."""
    from seqloom.run.load import load

    return load(*arguments.folders, weights=arguments.weights, **placement(arguments))


def weights_note(arguments: argparse.Namespace, run: "Run") -> str | None:
    """The weights of an ensemble, in words; None for a single run."""
    from seqloom.decoding.ensemble import Ensemble

    if not isinstance(run.model, Ensemble):
        return None
    members = zip(arguments.folders, run.model.weights, strict=True)
    return "weights: " + ", ".join(f"{folder} {weight:.3f}" for folder, weight in members)


def add_common_options(parser: argparse.ArgumentParser, *, device: bool = True, json: bool = False) -> None:
    """Adds the options that all commands have.

    Args:
        device: whether the command computes, so that it needs a device and threads.
        json: whether the command can print its result as JSON.
    """
    group = parser.add_argument_group("general")
    if device:
        group.add_argument(
            "--device",
            choices=("auto", "cpu", "cuda", "mps"),
            default="auto",
            help="the device (default: auto, the fastest available)",
        )
        group.add_argument(
            "--threads", type=threads, metavar="N", help="processor threads (default: the number of cores)"
        )
    if json:
        group.add_argument("--json", action="store_true", help="print the result as JSON")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes; errors are still printed")


def placement(arguments: argparse.Namespace) -> dict[str, Any]:
    """`device` and `threads`, as the functions of `seqloom.run` take them."""
    return {"device": arguments.device, "threads": arguments.threads}


def named_files(texts: list[str]) -> dict[str, Path]:
    """NAME=FILE arguments as a mapping.

    Raises:
        ConfigError: an argument has no `=`, or a name is used twice.
    """
    named: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ConfigError(f"--also {text}: expected NAME=FILE, for example --also opennmt=hyp.txt")
        if name in named:
            raise ConfigError(f"--also {text}: there is a system named {name!r} already")
        named[name] = Path(path)
    return named


def existing_file(path: Path, option: str) -> Path:
    """The path, if it names a file or a pipe.

    Raises:
        SeqloomError: there is no file, or it is a folder.
    """
    try:
        path.stat()
        if not path.is_dir():
            return path
        what = "this is a folder, not a file"
    except FileNotFoundError:
        what = f"a link to {path.readlink()}, where there is no file" if path.is_symlink() else "there is no such file"
    except (OSError, ValueError) as error:
        what = f"cannot be opened: {getattr(error, 'strerror', None) or error}"
    raise SeqloomError(f"{option} {path}: {what}")


def weights(value: str) -> list[float] | Literal["tune"]:
    """Numbers with commas between them, or "tune"."""
    if value == "tune":
        return "tune"
    try:
        return [float(part) for part in value.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is neither numbers such as 0.7,0.3 nor tune") from None
