"""`seqloom score`: sources and references -> how likely the run finds each reference."""

import argparse
import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.cli import options
from seqloom.cli.progress import shown
from seqloom.files import check_not_read
from seqloom.messages import counted

if TYPE_CHECKING:
    from seqloom.decoding.hypothesis import PairScore

_EPILOG = """\
what is printed for each pair: its log-probability (natural logarithm, the end of the sentence included), a tab, its
number of tokens

examples:
  seqloom score runs/de-en --src test.de --ref test.en > scores.tsv
  seqloom score runs/de-en --src test.de --ref test.en --json          with the log-probability of every token"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom score`."""
    parser = subparsers.add_parser(
        "score",
        help="log-probabilities of given translations",
        description="Score given translations: the log-probability of each reference (teacher forcing).",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    group = parser.add_argument_group("input")
    group.add_argument("--src", type=Path, required=True, metavar="FILE", help="source sentences, one per line")
    group.add_argument(
        "--ref", type=Path, required=True, metavar="FILE", help="the translations to score, one per line"
    )
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints a line a pair, and the total on standard error."""
    for option in ("src", "ref"):
        options.existing_file(getattr(arguments, option), f"--{option}")
    check_not_read(None, "standard output", [arguments.src, arguments.ref])
    from seqloom.corpus import read_parallel
    from seqloom.run.load import load
    from seqloom.run.scoring import check_files_direction

    model = load(arguments.folder, **options.placement(arguments))
    check_files_direction(arguments.src, arguments.ref, (model.info.corpus.src_lang, model.info.corpus.tgt_lang))
    log_prob, tokens, pairs = 0.0, 0, 0
    notes: Counter[str] = Counter()
    with shown(quiet=arguments.quiet) as progress:
        for pairs, score in enumerate(model.score(read_parallel(arguments.src, arguments.ref)), 1):
            log_prob += score.log_prob
            tokens += score.num_tokens
            notes.update(score.notes)
            if arguments.json:
                print(json.dumps(_as_json(pairs, score), ensure_ascii=False))
            else:
                print(f"{score.log_prob:.6f}\t{score.num_tokens}")
        perplexity = math.exp(min(-log_prob / tokens, 700)) if tokens else 1.0
        progress.say(
            f"{counted(pairs, 'pair')}, {counted(tokens, 'token')}, "
            f"log-probability {log_prob:.2f}, perplexity {perplexity:.3f} a token"
        )
        for note, count in notes.most_common():
            progress.say(f"{count:,} of {counted(pairs, 'pair')}: {note}")
    return 0


def _as_json(number: int, score: "PairScore") -> dict[str, Any]:
    return {
        "line": number,
        "log_prob": score.log_prob,
        "num_tokens": score.num_tokens,
        "token_log_probs": list(score.token_log_probs),
        "notes": list(score.notes),
    }
