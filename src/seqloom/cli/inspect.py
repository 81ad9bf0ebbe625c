"""`seqloom inspect`: describes a corpus, before anything is trained on it."""

import argparse
from typing import TYPE_CHECKING, Any

from seqloom.cli import options
from seqloom.cli.lines import print_json
from seqloom.cli.progress import shown

if TYPE_CHECKING:
    from seqloom.corpus.inspection import Inspection, SideFacts, SplitFacts
    from seqloom.run.token_facts import TokenFacts

_EPILOG = """\
examples:
  seqloom inspect --data multi30k
  seqloom inspect --src train.de --tgt train.en --max-words 100
  seqloom inspect --data pairs.tsv --json | jq .suspicious
  seqloom inspect --data my-texts/                         a folder of texts for a language model"""

_TEXT_RECIPE = "transformer-lm-tiny"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom inspect`."""
    parser = subparsers.add_parser(
        "inspect",
        help="what a corpus is like: lengths, duplicates, overlaps, suspicious pairs, bytes a token of texts",
        description="Read a corpus and show lengths, duplicates, overlaps between splits, suspicious pairs with examples, "
        "the split that would be made, and what to do. Of texts for language models also passages that val and test share with "
        "train, bytes a token, and characters outside the vocabulary.",
        epilog=_EPILOG,
    )
    options.add_data_options(parser)
    options.add_common_options(parser, device=False, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Inspects and prints."""
    settings = options.corpus_settings(arguments)
    if arguments.overlap is None:
        # Pairs that training would leave out are read too, because they should be shown here.
        settings = settings.model_copy(update={"overlap": "keep"})
    from seqloom.corpus.inspection import inspect
    from seqloom.corpus.open import open_corpus

    with shown(quiet=arguments.quiet) as progress:
        corpus = open_corpus(settings, progress)
        inspection = inspect(corpus, progress)
        tokens = None
        if inspection.splits[0].text is not None:
            from seqloom.recipes import load_recipe
            from seqloom.run.token_facts import token_facts

            tokens = token_facts(corpus, load_recipe(_TEXT_RECIPE), progress)
    if arguments.json:
        facts = inspection.model_dump(mode="json")
        print_json(facts if tokens is None else {**facts, "tokens": tokens.model_dump(mode="json")})
    else:
        _print(inspection, tokens)
    return 0


def _print(inspection: "Inspection", tokens: "TokenFacts | None") -> None:
    from seqloom.cli.console import SafeConsole

    console = SafeConsole(highlight=False, width=140)
    languages = f", {inspection.src_lang or '?'} -> {inspection.tgt_lang or '?'}" if inspection.src_lang else ""
    console.print(f"{inspection.name}: {inspection.kind}{languages}", style="bold", markup=False)
    for note in (*inspection.layout, *inspection.notes):
        console.print(f"  {note}", markup=False)
    console.print()
    console.print(_split_table(inspection.splits))
    console.print()
    console.print(_length_table(inspection.splits))
    if tokens is not None:
        console.print()
        console.print(_text_table(inspection.splits, tokens))
        console.print(f"  tokens of {tokens.recipe}: {tokens.tokenizer}", markup=False)
    if inspection.suspicious:
        console.print("\nsuspicious", style="bold")
        for entry in inspection.suspicious:
            console.print(f"  {entry.reason}: {entry.count:,} ({entry.share:.2%})", markup=False)
            for split, src, tgt in entry.examples:
                console.print(
                    f"    {split}: {src}  |  {tgt}" if src else f"    {split}: {tgt}", markup=False, style="dim"
                )
    proposed = ", ".join(f"{count:,} {name}" for name, count in inspection.proposed.items())
    console.print(f"\na split of all of it would be about: {proposed}", markup=False)
    console.print("\nadvice", style="bold")
    for advice in inspection.recommendations:
        console.print(f"  {advice}", markup=False)


def _split_table(splits: "tuple[SplitFacts, ...]") -> Any:
    table = _table(
        "split", "items", "duplicates", "sources with several targets", "also in train", "source nearly in train"
    )
    for split in splits:
        about = "about " if split.sampled < 1 else ""
        trained = split.name == "train"
        table.add_row(
            split.name,
            f"{split.items:,}",
            f"{about}{split.duplicates:,}",
            f"{about}{split.ambiguous:,}" if split.src is not None else "",
            "" if trained else f"{about}{split.overlap:,}",
            "" if trained or split.src is None else f"{about}{split.overlap_sources:,}",
        )
    return table


def _text_table(splits: "tuple[SplitFacts, ...]", tokens: "TokenFacts") -> Any:
    from rich.markup import escape

    table = _table(
        "text",
        "unit",
        "bytes",
        "characters",
        "passages also in train",
        "not in train",
        "bytes a token",
        "not in vocabulary",
    )
    for split in splits:
        text, encoded = split.text, tokens.splits[split.name]
        if text is not None:
            new = f"{text.num_new_characters:,} {text.new_characters[:10]}".strip()
            table.add_row(
                *(split.name, text.unit, f"{text.num_bytes:,}", f"{text.num_characters:,}"),
                f"{text.repeated_passages:.1%}" if split.name != "train" else "",
                escape(new) if split.name != "train" else "",
                f"{encoded.bytes_per_token:.2f}",
                escape(f"{encoded.num_outside:,} {encoded.outside[:10]}".strip()),
            )
    return table


def _length_table(splits: "tuple[SplitFacts, ...]") -> Any:
    table = _table(
        "lengths", "words: mean", "median", "90%", "99%", "longest", "chars: mean", "longest", "characters", "scripts"
    )
    for split in splits:
        sides = {"src": split.src, "tgt": split.tgt} if split.src is not None else {"text": split.tgt}
        for name, side in sides.items():
            if side is not None:
                table.add_row(f"{split.name} {name}", *_side_row(side))
        if split.ratio is not None:
            low, middle, high = split.ratio
            table.add_row(
                f"{split.name} tgt/src", f"{middle:.2f}", *[""] * 7, f"chars, 98% between {low:.2f} and {high:.2f}"
            )
    return table


def _side_row(side: "SideFacts") -> list[str]:
    words, chars = side.words, side.chars
    scripts = ", ".join(f"{name} {share:.1%}" for name, share in list(side.scripts.items())[:3])
    lengths = (words.median, words.p90, words.p99, words.longest)
    numbers = [f"{words.mean:.1f}", *(f"{value:,}" for value in lengths), f"{chars.mean:.1f}", f"{chars.longest:,}"]
    return [*numbers, f"{side.num_characters:,}", scripts]


def _table(*headings: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in (headings[0], "scripts") else "right")
    return table
