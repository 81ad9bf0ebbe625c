"""`seqloom score`: sources and references -> how likely the run finds each reference."""

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.cli import options
from seqloom.cli.progress import shown
from seqloom.errors import ConfigError
from seqloom.files import check_not_read
from seqloom.messages import counted

if TYPE_CHECKING:
    from seqloom.decoding.hypothesis import PairScore

_EPILOG = """\
what is printed for each pair, or for each line of a text: its log-probability (natural logarithm, the end of the sentence
or of the line included), a tab, its number of tokens

examples:
  seqloom score runs/de-en --src test.de --ref test.en > scores.tsv
  seqloom score runs/de-en --src test.de --ref test.en --json          with the log-probability of every token
  seqloom score runs/lm --text test.txt                                each line of a text, after the lines before it"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom score`."""
    parser = subparsers.add_parser(
        "score",
        help="log-probabilities of given translations or of a text",
        description="Score given translations: the log-probability of each reference (teacher forcing). Or score the lines of "
        "a text with a language model.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    group = parser.add_argument_group("input")
    group.add_argument("--src", type=Path, metavar="FILE", help="source sentences, one per line")
    group.add_argument("--ref", type=Path, metavar="FILE", help="the translations to score, one per line")
    group.add_argument("--text", type=Path, metavar="FILE", help="a text to score with a language model")
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints a line a pair, and the total on standard error."""
    names = [name for name in ("src", "ref", "text") if getattr(arguments, name) is not None]
    if names not in (["src", "ref"], ["text"]):
        raise ConfigError(
            "score: name what to score: --src FILE and --ref FILE for pairs, or --text FILE for a language model"
        )
    files = [options.existing_file(getattr(arguments, name), f"--{name}") for name in names]
    check_not_read(None, "standard output", files)
    from seqloom.corpus import read_lines, read_parallel
    from seqloom.run.load import load
    from seqloom.run.scoring import check_files_direction

    model = load(arguments.folder, **options.placement(arguments))
    noun = "pair"
    if arguments.text is None:
        check_files_direction(arguments.src, arguments.ref, (model.info.corpus.src_lang, model.info.corpus.tgt_lang))
    else:
        noun = "line"
    log_prob, tokens, pairs = 0.0, 0, 0
    notes: Counter[str] = Counter()
    with shown(quiet=arguments.quiet) as progress:
        scores: Iterable[PairScore] = (
            model.score(read_parallel(arguments.src, arguments.ref))
            if arguments.text is None
            else model.score_text(list(read_lines(arguments.text)))
        )
        for pairs, score in enumerate(scores, 1):
            log_prob += score.log_prob
            tokens += score.num_tokens
            notes.update(score.notes)
            if arguments.json:
                print(json.dumps(_as_json(pairs, score), ensure_ascii=False))
            else:
                print(f"{score.log_prob:.6f}\t{score.num_tokens}")
        perplexity = math.exp(min(-log_prob / tokens, 700)) if tokens else 1.0
        progress.say(
            f"{counted(pairs, noun)}, {counted(tokens, 'token')}, "
            f"log-probability {log_prob:.2f}, perplexity {perplexity:.3f} a token"
        )
        for note, count in notes.most_common():
            progress.say(f"{count:,} of {counted(pairs, noun)}: {note}")
    return 0


def _as_json(number: int, score: "PairScore") -> dict[str, Any]:
    return {
        "line": number,
        "log_prob": score.log_prob,
        "num_tokens": score.num_tokens,
        "token_log_probs": list(score.token_log_probs),
        "notes": list(score.notes),
    }
