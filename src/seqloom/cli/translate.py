"""`seqloom translate`: lines of text -> exactly one output line for each, also from files larger than memory."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from seqloom.cli import options
from seqloom.cli.lines import one_line, output
from seqloom.cli.progress import shown
from seqloom.errors import ConfigError
from seqloom.files import STDIN, check_not_read
from seqloom.messages import counted
from seqloom.progress import Progress

if TYPE_CHECKING:
    from seqloom.corpus.lines import LenientLines
    from seqloom.decoding.engines import Engine
    from seqloom.decoding.hypothesis import Generation

_EPILOG = """\
what is printed for each line read:
  (as it is)           the translation
  --nbest N            N lines: the number of the line read (from 1), tab, score, tab, translation; best first
  --alignments         the translation, a tab, and i-j for each target token j that attends most to source token i (from 0)
  --json               one JSON object: line, source, translations (text, score, log_prob, finished,
                       finish_reason: stop or length, tokens), num_cut_tokens, notes, alignment

examples:
  echo "ein Hund läuft" | seqloom translate runs/de-en
  seqloom translate runs/de-en --input big.de --output big.en --beam 5
  seqloom translate runs/de-en --engine ctranslate2 < test.de   decoded by CTranslate2: pip install 'seqloom[ctranslate2]'
  seqloom translate runs/a runs/b runs/c --json < test.de              an ensemble of three runs with one vocabulary"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom translate`."""
    parser = subparsers.add_parser(
        "translate",
        help="translate lines of text",
        description="Translate a file or standard input, line by line: exactly one output line for each input line.",
        epilog=_EPILOG,
    )
    options.add_runs(parser)
    group = parser.add_argument_group("input and output")
    group.add_argument("--input", type=Path, metavar="FILE", help="read lines from here (default: standard input)")
    group.add_argument("--output", type=Path, metavar="FILE", help="write lines here (default: standard output)")
    group.add_argument(
        "--alignments", action="store_true", help="print which source token each target token attends to most"
    )
    search = parser.add_argument_group("search")
    options.add_search_options(search)
    search.add_argument(
        "--nbest", type=options.beam, default=1, metavar="N", help="print the N best translations with their scores"
    )
    search.add_argument(
        "--engine",
        choices=("seqloom", "ctranslate2"),
        default="seqloom",
        help="what decodes (default: seqloom); ctranslate2 converts the run at first use, and takes exported folders too",
    )
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Translates until the input ends."""
    _check(arguments)
    from seqloom.corpus import read_lines

    lines = read_lines(arguments.input or "-")
    notes: Counter[str] = Counter()
    with shown(quiet=arguments.quiet) as progress:
        engine = _open(arguments, progress)
        with output(arguments.output) as stream:
            for number, generation in enumerate(_translate(engine, lines, arguments, progress), 1):
                notes.update(generation.notes)
                _write(stream, number, generation, engine, arguments)
        for text in _summary(lines, notes):
            progress.say(text)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.input is not None:
        options.existing_file(arguments.input, "--input")
    read = [STDIN if arguments.input is None else arguments.input, *arguments.folders]
    check_not_read(arguments.output, "--output" if arguments.output is not None else "standard output", read)
    if arguments.beam is not None and arguments.nbest > arguments.beam:
        raise ConfigError(
            f"--nbest {arguments.nbest}: a beam of {arguments.beam} finds at most {arguments.beam}; raise --beam"
        )
    if arguments.engine != "seqloom":
        if len(arguments.folders) > 1:
            raise ConfigError(
                f"--engine {arguments.engine}: it decodes with one run at a time; an ensemble needs --engine seqloom"
            )
        if arguments.weights is not None:
            raise ConfigError("--weights: they belong to several runs, but there is one; leave them out")
        if arguments.alignments:
            raise ConfigError(f"--alignments: the engine {arguments.engine} does not make them; use --engine seqloom")
    if arguments.alignments and arguments.nbest > 1 and not arguments.json:
        raise ConfigError(
            "--alignments with --nbest: alignments belong to the best translation only; add --json, or leave one out"
        )


def _open(arguments: argparse.Namespace, progress: Progress) -> "Engine":
    search = {**options.search_settings(arguments), "nbest": arguments.nbest}
    if arguments.engine == "seqloom":
        model = options.load_runs(arguments)
        model.require_pairs("translate")
        return model.generator(progress=progress, **search)
    # The code below does not import torch, which would take longer than CTranslate2's translation.
    import seqloom.interop  # noqa: F401  (registers the engines)
    from seqloom.decoding.engines import open_engine

    return open_engine(arguments.engine, arguments.folders[0], search, **options.placement(arguments))


def _translate(
    engine: "Engine", lines: Iterable[str], arguments: argparse.Namespace, progress: Progress
) -> "Iterator[Generation]":
    if arguments.input is None and sys.stdin.isatty():
        # The input is a terminal: each line is answered before the next one is read.
        for line in lines:
            yield from engine.generate([line], alignments=arguments.alignments)
    else:
        yield from engine.generate(lines, alignments=arguments.alignments, progress=progress)


def _write(
    stream: TextIO, number: int, generation: "Generation", engine: "Engine", arguments: argparse.Namespace
) -> None:
    if arguments.json:
        text = json.dumps(_as_json(number, generation, engine), ensure_ascii=False)
    elif arguments.nbest > 1:
        candidates = zip(generation.texts, generation.hypotheses, strict=True)
        text = "\n".join(
            f"{number}\t{hypothesis.score:.6f}\t{one_line(candidate)}" for candidate, hypothesis in candidates
        )
    else:
        text = one_line(generation.text)
        if arguments.alignments:
            text += "\t" + " ".join(f"{src}-{tgt}" for tgt, src in enumerate(generation.alignment or ()))
    stream.write(text + "\n")
    if stream.isatty():
        stream.flush()


def _as_json(number: int, generation: "Generation", engine: "Engine") -> dict[str, Any]:
    translations = [
        {
            "text": text,
            "score": hypothesis.score,
            "log_prob": hypothesis.log_prob,
            "finished": hypothesis.finished,
            "finish_reason": reason,
            "tokens": engine.tokenizer.tgt_tokens(hypothesis.ids),
        }
        for text, hypothesis, reason in zip(
            generation.texts, generation.hypotheses, generation.finish_reasons, strict=True
        )
    ]
    return {
        "line": number,
        "source": generation.source,
        "translations": translations,
        "num_cut_tokens": generation.num_cut_tokens,
        "notes": list(generation.notes),
        "alignment": list(generation.alignment) if generation.alignment is not None else None,
    }


def _summary(lines: "LenientLines", notes: Counter[str]) -> Iterator[str]:
    if lines.is_utf16:
        yield "The input was read as UTF-16, as its byte order mark says."
    if lines.num_replaced:
        yield (
            f"{lines.num_replaced:,} of {counted(lines.num_lines, 'line')} held bytes that are not UTF-8; each was read as \ufffd"
        )
    for note, count in notes.most_common():
        yield f"{count:,} of {counted(lines.num_lines, 'line')}: {note}"
