"""`seqloom generate`: prompts -> sampled text."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqloom.arguments import MAX_FREQUENCY_PENALTY, MAX_REPETITION_PENALTY
from seqloom.cli import options
from seqloom.errors import ConfigError
from seqloom.files import STDIN, check_not_read
from seqloom.messages import use_command

if TYPE_CHECKING:
    from seqloom.decoding.hypothesis import Generation
    from seqloom.run.load import Run

_EPILOG = """\
examples:
  seqloom generate runs/shakespeare --prompt "ROMEO:" --max-tokens 200
  seqloom generate runs/shakespeare --num-samples 3 --temperature 0.8 --top-p 0.95 --seed 7
  seqloom generate runs/shakespeare --prompt - < prompts.txt --json     one prompt per line
  seqloom generate runs/shakespeare --prompt "ROMEO:" --stop "\\n\\n" --stream       each token as it comes, one speech
  seqloom generate runs/shakespeare --repetition-penalty 1.2 --no-repeat-ngram 4
  seqloom generate runs/lm runs/ngram --weights 0.7,0.3                 language models of one tokenizer, interpolated

The same seed gives the same text, alone or among other prompts. Temperature 0 always takes the likeliest token."""

# Options that are decoding settings, with the name of the setting. The default is the recipe's setting.
_SETTINGS = {
    "typical": "typical_p",
    "repetition_penalty": "repetition_penalty",
    "frequency_penalty": "frequency_penalty",
    "no_repeat_ngram": "no_repeat_ngram",
    "stop": "stop_strings",
    "full_context": "full_context",
}


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom generate`."""
    parser = subparsers.add_parser(
        "generate",
        help="sample text from a run",
        description="Continue a prompt by sampling, token by token.",
        epilog=_EPILOG,
    )
    options.add_runs(parser)
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
    group.add_argument(
        "--typical",
        type=options.positive_share,
        metavar="P",
        help="only the tokens of typical information that together reach P (Meister 2023; 1: all)",
    )
    group.add_argument("--seed", type=options.seed, default=0, metavar="N", help="random seed (default: 0)")
    _add_text_options(parser)
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def _add_text_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("repetition and end")
    group.add_argument(
        "--repetition-penalty",
        type=_repetition_penalty,
        metavar="R",
        help="divides the scores of tokens of prompt and output, negative ones are multiplied (Keskar 2019; 1: none)",
    )
    group.add_argument(
        "--frequency-penalty",
        type=_frequency_penalty,
        metavar="F",
        help="subtracted from a token's score for each time it is in the output, from -2 to 2 (0: none)",
    )
    group.add_argument(
        "--no-repeat-ngram",
        type=options.count,
        metavar="N",
        help="no N tokens in a row twice in an output (0: no rule)",
    )
    group.add_argument(
        "--stop",
        type=_stop_string,
        action="append",
        metavar="TEXT",
        help="the output ends before this text, in which \\n is the end of a line; may be repeated",
    )
    group.add_argument(
        "--full-context",
        choices=("refuse", "slide"),
        help="where the context of the model is full: refuse longer prompts and end outputs, or slide: go on from its last half "
        "(default: refuse)",
    )
    group.add_argument("--stream", action="store_true", help="print each text while it is generated, one after another")


def run(arguments: argparse.Namespace) -> int:
    """Prints the samples for each prompt."""
    _check(arguments)
    from seqloom.corpus import read_lines
    from seqloom.tasks import task_of

    prompts = arguments.prompt or [""]
    if prompts == ["-"]:
        check_not_read(None, "standard output", [STDIN])
        prompts = list(read_lines("-"))
    model = options.load_runs(arguments)
    if not arguments.quiet and (weights := options.weights_note(arguments, model)):
        print(weights, file=sys.stderr)
    # A model of pairs reads a prompt as its source; a language model continues it.
    task = task_of(model.info.corpus.kind)
    continues = not task.has_sources
    if not continues and not arguments.prompt:
        folder = arguments.folders[0]
        raise ConfigError(
            f"{folder} was trained on pairs, so it needs a source: give it by --prompt TEXT, or --prompt - to read one a line from "
            f"standard input. To translate by beam search: {use_command(folder, task.command)}"
        )
    settings = _settings(arguments)
    if arguments.stream:
        generations = _stream(model, prompts, settings, continues=continues)
    else:
        generations = iter(model.generate(prompts, num_samples=arguments.num_samples, **settings))
    for number, generation in enumerate(generations):
        if arguments.json:
            print(json.dumps(_as_json(generation), ensure_ascii=False))
        elif not arguments.stream:
            prompt = generation.source if continues else ""
            print(("\n" if number else "") + "\n\n".join(prompt + text for text in generation.texts))
        if not arguments.quiet:
            for note in generation.notes:
                print(f"prompt {number + 1}: {note}", file=sys.stderr)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.stream and arguments.json:
        raise ConfigError("--stream with --json: a stream is text, not JSON; leave one out")
    if arguments.stream and arguments.num_samples > 1:
        raise ConfigError(
            f"--stream with --num-samples {arguments.num_samples}: samples are sorted when all are complete; leave one out"
        )


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    settings = {
        name: getattr(arguments, name) for name in ("max_tokens", "temperature", "top_k", "top_p", "min_p", "seed")
    }
    overrides = {setting: getattr(arguments, option) for option, setting in _SETTINGS.items()}
    return settings | {name: value for name, value in overrides.items() if value is not None}


def _stream(
    model: "Run", prompts: Sequence[str], settings: Mapping[str, Any], *, continues: bool
) -> "Iterator[Generation]":
    """Prints the text of each prompt while it is generated; yields its generation when it is complete."""

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    for number, prompt in enumerate(prompts):
        write(("\n" if number else "") + (prompt if continues else ""))
        generation = model.stream(prompt, write, number=number, **settings)
        write("\n")
        yield generation


def _as_json(generation: "Generation") -> dict[str, Any]:
    samples = [
        {
            "text": text,
            "log_prob": hypothesis.log_prob,
            "finished": hypothesis.finished,
            "finish_reason": reason,
            "stop": stop,
        }
        for text, hypothesis, reason, stop in zip(
            generation.texts,
            generation.hypotheses,
            generation.finish_reasons,
            generation.stops or [None] * len(generation.texts),
            strict=True,
        )
    ]
    return {
        "prompt": generation.source,
        "samples": samples,
        "num_cut_tokens": generation.num_cut_tokens,
        "notes": list(generation.notes),
    }


def _repetition_penalty(text: str) -> float:
    number = options.positive_float(text)
    if number > MAX_REPETITION_PENALTY:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {MAX_REPETITION_PENALTY:g}, the most that is accepted")
    return number


def _frequency_penalty(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("inf")
    if not -MAX_FREQUENCY_PENALTY <= number <= MAX_FREQUENCY_PENALTY:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number from {-MAX_FREQUENCY_PENALTY:g} to {MAX_FREQUENCY_PENALTY:g}"
        )
    return number


def _stop_string(argument: str) -> str:
    """A text that is not empty, in which \\n and \\t stand for the end of a line and a tab."""
    if not argument:
        raise argparse.ArgumentTypeError("a stop string is empty, so every text would end at once; give a text")
    return options.text(argument.replace("\\n", "\n").replace("\\t", "\t"))
