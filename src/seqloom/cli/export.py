"""`seqloom export`: a run -> a folder for another program, with a report on whether it still does the same."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seqloom.cli import options
from seqloom.cli.lines import announce, print_json
from seqloom.cli.progress import shown
from seqloom.errors import ConfigError
from seqloom.files import check_not_read

if TYPE_CHECKING:
    from seqloom.interop.parity import ParityData

_EPILOG = """\
The exported model computes what the run computes. Settings that the target cannot express are an error, which names them and what
the target accepts. DIR then holds the target's files, the run's tokenizer and recipe in seqloom/, a model card (README.md), and
parity.json: how far the scores of the same targets differ, and how far greedy and beam outputs agree.

examples:
  seqloom export runs/en-de --to ctranslate2 --out exported/en-de
  seqloom export runs/en-de --to ctranslate2 --quantization int8 --out exported/en-de-int8 --sentences 1000
  seqloom export runs/en-de --to huggingface --out exported/en-de-hf --input some.en --ref some.de
  seqloom export runs/ngram --to arpa --out exported/ngram
  seqloom translate exported/en-de --engine ctranslate2 < some.en"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom export`."""
    parser = subparsers.add_parser(
        "export",
        help="write a run for CTranslate2, for Hugging Face or as an ARPA file",
        description="Write a Transformer run as a model of CTranslate2 or Hugging Face transformers, and report parity; or an "
        "n-gram run as an ARPA file.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument(
        "--to",
        choices=("ctranslate2", "huggingface", "arpa"),
        required=True,
        metavar="PROGRAM",
        help="ctranslate2, huggingface; arpa for n-gram runs",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write; new or empty")
    parser.add_argument(
        "--quantization",
        default="none",
        metavar="TYPE",
        help="how weights are stored: none (fp32), float16, bfloat16; for ctranslate2 also int8, int16 and others (default: none)",
    )
    group = parser.add_argument_group(
        "parity", "Measured on the test split of the run's corpus, or on a file; greedily and with the recipe's beam."
    )
    group.add_argument(
        "--sentences", type=options.count, default=100, metavar="N", help="on how many; 0 skips it (default: 100)"
    )
    group.add_argument("--input", type=Path, metavar="FILE", help="sources to measure on, one per line")
    group.add_argument("--ref", type=Path, metavar="FILE", help="their references, for BLEU")
    group.add_argument("--beam", type=options.beam, metavar="N", help="beam size (default: the recipe's)")
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the folder and prints the report."""
    if arguments.ref is not None and arguments.input is None:
        raise ConfigError("--ref holds the references of --input; give both, or neither")
    data = _parity_data(arguments)
    from seqloom.interop.card import parity_lines
    from seqloom.interop.export import export

    with shown(quiet=arguments.quiet) as progress:
        done = export(
            arguments.folder,
            arguments.out,
            to=arguments.to,
            quantization=arguments.quantization,
            data=data,
            sentences=arguments.sentences,
            beam=arguments.beam,
            progress=progress,
            **options.placement(arguments),
        )
    report = done.to_json()
    if arguments.json:
        print_json(report)
        return 0
    announce(arguments.out)
    if done.parity is not None:
        for line in parity_lines(report["parity"]):
            announce(line)
    if not arguments.quiet:
        for note in done.notes:
            print(note, file=sys.stderr)
    return 0


def _parity_data(arguments: argparse.Namespace) -> "ParityData | None":
    if arguments.input is None:
        return None
    for name in ("input", "ref"):
        if getattr(arguments, name) is not None:
            options.existing_file(getattr(arguments, name), f"--{name}")
            check_not_read(None, "standard output", [getattr(arguments, name)])
    from seqloom.corpus import read_lines, read_parallel
    from seqloom.interop.parity import ParityData

    if arguments.ref is None:
        return ParityData(str(arguments.input), tuple(read_lines(arguments.input)))
    from seqloom.run.info import read_info
    from seqloom.run.scoring import check_files_direction

    corpus = read_info(arguments.folder).corpus
    check_files_direction(arguments.input, arguments.ref, (corpus.src_lang, corpus.tgt_lang))
    pairs = list(read_parallel(arguments.input, arguments.ref))
    return ParityData(str(arguments.input), tuple(pair.src for pair in pairs), tuple(pair.tgt for pair in pairs))
