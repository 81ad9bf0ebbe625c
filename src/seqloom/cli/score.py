"""`seqloom score`: sources and references -> how likely the run finds each reference."""

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
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
what is printed for each pair, or for each line or document of a text: its log-probability (natural logarithm, the end of
the sentence, line or document included, but not the end of the last document), a tab, its number of tokens; with --per
token for each token its log-probability, a tab, the token in quotes; a token belongs to the line in which it begins

examples:
  seqloom score runs/de-en --src test.de --ref test.en > scores.tsv
  seqloom score runs/de-en --src test.de --ref test.en --json          with the log-probability of every token
  seqloom score runs/lm --text test.txt                                each line of a text, after the lines before it
  seqloom score runs/lm --text test.txt --per token                    each token of a text
  seqloom score runs/lm runs/ngram --weights tune --text test.txt      language models of one tokenizer, interpolated"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom score`."""
    parser = subparsers.add_parser(
        "score",
        help="log-probabilities of given translations or of a text",
        description="Score given translations: the log-probability of each reference (teacher forcing). Or score the lines of "
        "a text with a language model.",
        epilog=_EPILOG,
    )
    options.add_runs(parser)
    group = parser.add_argument_group("input")
    group.add_argument("--src", type=Path, metavar="FILE", help="source sentences, one per line")
    group.add_argument("--ref", type=Path, metavar="FILE", help="the translations to score, one per line")
    group.add_argument("--text", type=Path, metavar="FILE", help="a text to score with a language model")
    group.add_argument(
        "--per",
        choices=("token", "line", "document"),
        help="what of a text is scored (default: line); documents are separated as in the data that the run was trained on",
    )
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints a line a pair, and the total on standard error."""
    names = [name for name in ("src", "ref", "text") if getattr(arguments, name) is not None]
    if names not in (["src", "ref"], ["text"]):
        raise ConfigError(
            "score: name what to score: --src FILE and --ref FILE for pairs, or --text FILE for a language model"
        )
    if arguments.per is not None and arguments.text is None:
        raise ConfigError(f"--per {arguments.per} would be ignored: pairs are scored one by one; it belongs to --text")
    files = [options.existing_file(getattr(arguments, name), f"--{name}") for name in names]
    check_not_read(None, "standard output", files)
    from seqloom.corpus import read_parallel
    from seqloom.run.scoring import check_files_direction, read_texts

    model = options.load_runs(arguments)
    per = "pair" if arguments.text is None else arguments.per or "line"
    noun = "line" if per == "token" else per
    if arguments.text is None:
        check_files_direction(arguments.src, arguments.ref, (model.info.corpus.src_lang, model.info.corpus.tgt_lang))
    log_prob, tokens, pairs = 0.0, 0, 0
    notes: Counter[str] = Counter()
    texts: list[str] = []
    with shown(quiet=arguments.quiet) as progress:
        scores: Iterable[PairScore]
        if arguments.text is None:
            scores = model.score(read_parallel(arguments.src, arguments.ref))
        else:
            separator = model.recipe.corpus.document_separator if model.recipe.corpus else None
            texts, said = read_texts(arguments.text, are_documents=per == "document", separator=separator)
            for note in said:
                progress.say(note)
            scores = model.score_text(texts, are_documents=per == "document")
        for pairs, score in enumerate(scores, 1):
            log_prob += score.log_prob
            tokens += score.num_tokens
            notes.update(score.notes)
            if per == "token":
                _print_tokens(pairs, model.tokenizer.tgt_tokens(score.token_ids), score, as_json=arguments.json)
            elif arguments.json:
                print(json.dumps(_as_json(pairs, score, noun), ensure_ascii=False))
            else:
                print(f"{score.log_prob:.6f}\t{score.num_tokens}")
        if weights := options.weights_note(arguments, model):
            progress.say(weights)
        perplexity = math.exp(min(-log_prob / tokens, 700)) if tokens else 1.0
        progress.say(
            f"{counted(pairs, noun)}, {counted(tokens, 'token')}, "
            f"log-probability {log_prob:.2f}, perplexity {perplexity:.3f} a token"
        )
        for note, count in notes.most_common():
            progress.say(f"{count:,} of {counted(pairs, noun)}: {note}")
    return 0


def _print_tokens(line: int, tokens: Sequence[str], score: "PairScore", *, as_json: bool) -> None:
    for token, log_prob in zip(tokens, score.token_log_probs, strict=True):
        if as_json:
            print(json.dumps({"line": line, "token": token, "log_prob": log_prob}, ensure_ascii=False))
        else:
            print(f"{log_prob:.6f}\t{json.dumps(token, ensure_ascii=False)}")


def _as_json(number: int, score: "PairScore", noun: str) -> dict[str, Any]:
    return {
        "document" if noun == "document" else "line": number,
        "log_prob": score.log_prob,
        "num_tokens": score.num_tokens,
        "token_log_probs": list(score.token_log_probs),
        "notes": list(score.notes),
    }
