"""`seqloom generate`: prompts -> sampled text."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.cli import options
from seqloom.files import STDIN, check_not_read
from seqloom.messages import use_command

if TYPE_CHECKING:
    from seqloom.decoding.hypothesis import Generation

_EPILOG = """\
examples:
  seqloom generate runs/shakespeare --prompt "ROMEO:" --max-tokens 200
  seqloom generate runs/shakespeare --num-samples 3 --temperature 0.8 --top-p 0.95 --seed 7
  seqloom generate runs/shakespeare --prompt - < prompts.txt --json     one prompt per line

The same seed gives the same text. Temperature 0 always takes the likeliest token."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom generate`."""
    parser = subparsers.add_parser(
        "generate",
        help="sample text from a run",
        description="Continue a prompt by sampling, token by token.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument(
        "--prompt",
        type=options.text,
        action="append",
        metavar="TEXT",
        help="the text to continue, may be repeated; - reads one prompt per line from standard input (default: nothing)",
    )
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--num-samples", type=options.beam, default=1, metavar="N", help="texts for each prompt (default: 1)"
    )
    group.add_argument(
        "--max-tokens",
        type=options.max_tokens,
        default=200,
        metavar="N",
        help="the most tokens of a text (default: 200)",
    )
    group.add_argument(
        "--temperature",
        type=options.temperature,
        default=1.0,
        metavar="T",
        help="below 1: sharper distribution, above 1: flatter, 0: greedy (default: 1)",
    )
    group.add_argument(
        "--top-k", type=options.top_k, default=0, metavar="K", help="only the K likeliest tokens (default: 0, all)"
    )
    group.add_argument(
        "--top-p",
        type=options.positive_share,
        default=1.0,
        metavar="P",
        help="only the likeliest tokens that together reach P (default: 1, all)",
    )
    group.add_argument(
        "--min-p",
        type=options.share,
        default=0.0,
        metavar="P",
        help="only tokens at least P times as likely as the likeliest (default: 0, all)",
    )
    group.add_argument("--seed", type=options.seed, default=0, metavar="N", help="random seed (default: 0)")
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the samples for each prompt."""
    from seqloom.corpus import read_lines
    from seqloom.errors import ConfigError
    from seqloom.run.load import load
    from seqloom.tasks import task_of

    prompts = arguments.prompt or [""]
    if prompts == ["-"]:
        check_not_read(None, "standard output", [STDIN])
        prompts = list(read_lines("-"))
    model = load(arguments.folder, **options.placement(arguments))
    # A model of pairs takes a prompt as its source; a language model continues it.
    task = task_of(model.info.corpus.kind)
    continues = not task.has_sources
    if not continues and not arguments.prompt:
        raise ConfigError(
            f"{arguments.folder} was trained on pairs, so it needs a source: give it by --prompt TEXT, or --prompt - to read one a "
            f"line from standard input. To translate by beam search: {use_command(arguments.folder, task.verb)}"
        )
    generations = model.generate(
        prompts,
        num_samples=arguments.num_samples,
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        min_p=arguments.min_p,
        seed=arguments.seed,
    )
    for number, generation in enumerate(generations):
        if arguments.json:
            print(json.dumps(_as_json(generation), ensure_ascii=False))
        else:
            prompt = generation.source if continues else ""
            print(("\n" if number else "") + "\n\n".join(prompt + text for text in generation.texts))
        if not arguments.quiet:
            for note in generation.notes:
                print(f"prompt {number + 1}: {note}", file=sys.stderr)
    return 0


def _as_json(generation: "Generation") -> dict[str, Any]:
    samples = [
        {"text": text, "log_prob": hypothesis.log_prob, "finished": hypothesis.finished, "finish_reason": reason}
        for text, hypothesis, reason in zip(
            generation.texts, generation.hypotheses, generation.finish_reasons, strict=True
        )
    ]
    return {
        "prompt": generation.source,
        "samples": samples,
        "num_cut_tokens": generation.num_cut_tokens,
        "notes": list(generation.notes),
    }
