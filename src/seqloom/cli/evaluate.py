"""`seqloom evaluate`: a run and references -> scores with their signatures."""

import argparse
import dataclasses
import sys
from pathlib import Path

from seqloom.cli import options
from seqloom.cli.lines import print_json
from seqloom.cli.progress import shown
from seqloom.errors import ConfigError
from seqloom.files import check_not_read

_EPILOG = """\
examples:
  seqloom evaluate runs/en-de                                          on the test splits of the corpus that it was trained on
  seqloom evaluate runs/en-de --data multi30k --from-lang en --to-lang de --beam 5
  seqloom evaluate runs/en-de --data new.tsv                           on all pairs of the file
  seqloom evaluate runs/en-de --src test.en --ref test.de --json
  seqloom evaluate runs/en-de --src test.en --ref a.de --ref b.de      several references for each sentence, as in sacreBLEU
  seqloom evaluate runs/lm runs/ngram --weights tune                   language models of one tokenizer, interpolated"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom evaluate`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a run on test data",
        description="Translate test data and score the result: each score comes with a signature that says how it was computed.",
        epilog=_EPILOG,
    )
    options.add_runs(parser)
    group = parser.add_argument_group("data", "By default the test splits of the corpus that the run was trained on.")
    group.add_argument(
        "--data",
        metavar="NAME|FILE",
        help="a named data set (its test split is scored), or a file (all of it, or the test split if the run was trained on it)",
    )
    group.add_argument("--src", type=Path, metavar="FILE", help="source sentences, one per line")
    group.add_argument(
        "--ref",
        type=Path,
        nargs="+",
        action="extend",
        metavar="FILE",
        help="their references, one per line; several files are several references for each sentence",
    )
    options.add_reading_options(group)
    search = parser.add_argument_group("search")
    options.add_search_options(search)
    search.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help="bleu (with the target language's tokenizer), chrf, ter, exact_match, items (default: what fits the corpus)",
    )
    options.add_common_options(parser, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the scores of every test split."""
    if (arguments.src is None) != (arguments.ref is None):
        raise ConfigError("--src and --ref belong together: sources, and the references of their translations")
    if arguments.src is not None and arguments.data is not None:
        raise ConfigError("--data and --src/--ref are two ways to name what to score on; keep one of them")
    if arguments.src is not None:
        options.refuse_reading_options(
            arguments,
            keep=("src", "on_bad"),
            why="with --src and --ref each line is a sentence, so there is nothing that this applies to; leave it out, or name a "
            "file with columns by --data",
        )
    data = [] if arguments.data is None else [Path(arguments.data)]
    check_not_read(None, "standard output", [path for path in (arguments.src, *(arguments.ref or ()), *data) if path])
    from seqloom.corpus import CorpusSettings, ReadPass, SentencePair, read_translations
    from seqloom.run.scoring import check_files_direction

    corpus: CorpusSettings | list[SentencePair] | None = None
    more: list[list[str]] = []
    read_pass = ReadPass(arguments.on_bad or "error")
    if arguments.src is None and options.corpus_given(arguments):
        corpus = options.corpus_settings(arguments)
    elif arguments.src is not None:
        lines = list(read_translations(arguments.src, arguments.ref, read_pass=read_pass))
        corpus = [SentencePair(line[0], line[1]) for line in lines]
        more = [[line[number] for line in lines] for number in range(2, len(arguments.ref) + 1)]
    model = options.load_runs(arguments)
    for ref in arguments.ref or ():
        check_files_direction(arguments.src, ref, (model.info.corpus.src_lang, model.info.corpus.tgt_lang))
    with shown(quiet=arguments.quiet) as progress:
        evaluation = model.evaluate(
            corpus,
            more_references=more,
            metrics=arguments.metrics,
            progress=progress,
            **options.search_settings(arguments),
        )
    weights = options.weights_note(arguments, model)
    notes = [*read_pass.notes("test"), *evaluation.notes, *([weights] if weights else [])]
    evaluation = dataclasses.replace(evaluation, notes=tuple(notes))
    if arguments.json:
        print_json(evaluation.to_json())
        return 0
    for split, scores in evaluation.scores.items():
        print(f"{evaluation.heading(split)}:")
        for score in scores:
            print(f"  {score}    {score.signature}")
    for note in evaluation.notes:
        print(f"note: {note}", file=sys.stderr)
    for split, test in evaluation.tests.items():
        for note in test.notes:
            print(f"{split}: {note}", file=sys.stderr)
    return 0
