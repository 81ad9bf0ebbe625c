"""`seqloom show`: a run folder -> recipe, corpus, course of training and scores of the run."""

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqloom.cli import options
from seqloom.cli.lines import print_json
from seqloom.messages import counted

_EPILOG = """\
examples:
  seqloom show runs/en-de
  seqloom show runs/en-de --json | jq .curve           everything, all settings and versions included"""

_BLOCKS = "▁▂▃▄▅▆▇█"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom show`."""
    parser = subparsers.add_parser(
        "show",
        help="what a run is and how it went",
        description="Show a run: its recipe, corpus and budget, how training went, and its scores.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    options.add_common_options(parser, device=False, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the facts of the run."""
    from seqloom.run.load import describe
    from seqloom.untrusted import printable

    facts = describe(arguments.folder)
    if arguments.json:
        print_json(facts)
    else:
        print("\n".join(map(printable, lines_about(facts, arguments.folder))))
    return 0


def lines_about(facts: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """The run in lines for people; facts that an unfinished run does not have are left out."""
    corpus = facts["corpus"]
    yield f"{facts['run']}: {facts['recipe']}, seed {facts['seed']}, {facts['state']}"
    yield f"  {facts['description']}"
    languages = f", {corpus['src_lang'] or '?'} -> {corpus['tgt_lang'] or '?'}" if corpus["src_lang"] else ""
    sizes = ", ".join(f"{size:,} {split}" for split, size in corpus["sizes"].items())
    yield f"corpus      {corpus['name']}{languages}: {sizes}{', synthetic' if corpus['synthetic'] else ''}"
    for note in corpus["notes"]:
        yield f"            {note}"
    yield f"tokenizer   {facts['tokenizer']}"
    yield f"parameters  {facts['parameters']:,} ({facts['parameters_without_embeddings']:,} without embeddings)"
    yield f"budget      {facts['budget']}"
    if "steps" in facts:
        tokens = counted(facts["tokens"], "target token")
        # A model that is fitted by counting has no training steps.
        steps = f"{counted(facts['steps'], 'step')}, " if facts["steps"] else ""
        yield f"trained     {steps}{tokens}, {facts['epochs']:.1f} epochs"
        work = "updates" if steps else "counting"
        yield (
            f"took        {facts['train_seconds']:.0f} s of {work} ({facts['tokens_per_second']:,.0f} target tokens/s, "
            f"{facts['padding_share']:.0%} padding), {facts['validation_seconds']:.0f} s of validation, "
            f"{facts['setup_seconds']:.0f} s of set-up; at most {facts['peak_memory_mib']:,.0f} MiB"
        )
        yield f"best        {facts['best']}"
        for note in facts.get("notes", ()):
            yield f"note        {note}"
    if facts.get("curve"):
        yield ""
        yield from _curve(facts["curve"], corpus["metric"])
    yield ""
    yield from _files(folder)


def _curve(points: Sequence[Mapping[str, Any]], metric: str) -> Iterator[str]:
    columns = {"step": "step", "tokens": "tokens", "seconds": "seconds"}
    columns |= {"train_loss": "train loss", "val_loss": "val loss", "val_quality": f"val {metric}"}
    yield from table([{name: point.get(key) for key, name in columns.items()} for point in points])
    for key in ("val_loss", "val_quality"):
        known = [point[key] for point in points if point.get(key) is not None]
        values = [value for value in known if math.isfinite(value)]
        if len(values) > 2:
            yield f"{columns[key]:>12}  {sparkline(values)}"


def _files(folder: Path) -> Iterator[str]:
    names = {
        "recipe.yaml": "all settings",
        "run.json": "what is shown here",
        "metrics.jsonl": "a line for each report",
        "tokenizer.json": "",
        "characters.json": "",
        "weights": "",
    }
    for name, meaning in names.items():
        path = folder / name
        if path.is_file() or path.is_dir():
            size = sum(part.lstat().st_size for part in ([path] if path.is_file() else path.iterdir()))
            yield f"{_bytes(size):>10}  {path}{f': {meaning}' if meaning else ''}"


def table(rows: Sequence[Mapping[str, Any]], *, at_most: int = 12) -> list[str]:
    """Rows as text, numbers aligned right; of many rows, evenly chosen ones with the first and the last."""
    columns = [key for key in rows[0] if any(row.get(key) is not None for row in rows)]
    kept = range(len(rows)) if len(rows) <= at_most else [_spread(i, at_most, len(rows)) for i in range(at_most)]
    cells = [columns, *([_cell(rows[i].get(column)) for column in columns] for i in kept)]
    widths = [max(12, *(len(row[i]) for row in cells)) for i in range(len(columns))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]


def sparkline(values: Sequence[float], *, width: int = 60) -> str:
    """Values as a line of block characters; a higher block is a higher value."""
    chosen = values if len(values) <= width else [values[_spread(i, width, len(values))] for i in range(width)]
    low, high = min(chosen), max(chosen)
    if high == low:
        return _BLOCKS[0] * len(chosen)
    return "".join(_BLOCKS[round((value - low) / (high - low) * (len(_BLOCKS) - 1))] for value in chosen)


def _spread(i: int, count: int, total: int) -> int:
    return round(i * (total - 1) / (count - 1))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
