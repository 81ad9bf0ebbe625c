"""`seqloom show`: a run folder -> what it is, how training went, how good it is."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqloom.cli import options

_EPILOG = """\
examples:
  seqloom show runs/en-de
  seqloom show runs/en-de --json | jq .curve"""

_BLOCKS = "▁▂▃▄▅▆▇█"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "show",
        help="what a run is and how it went",
        description="Show a run: its recipe, corpus and budget, how training went, its scores, and how to go on with it.",
        epilog=_EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder")
    options.add_common_options(parser, device=False, json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints what the run says of itself."""
    from seqloom.run import load

    facts = load(arguments.folder, device="cpu").describe()
    if arguments.json:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        print("\n".join(as_text(facts)))
    return 0


def as_text(facts: Mapping[str, Any], depth: int = 0) -> list[str]:
    """Nested facts as indented lines; a list of mappings becomes a table, with a line of blocks over each column of numbers."""
    lines: list[str] = []
    margin = "  " * depth
    for name, value in facts.items():
        label = str(name).replace("_", " ")
        if isinstance(value, Mapping):
            lines += [f"{margin}{label}:", *as_text(value, depth + 1)]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            rows = list(value)
            if rows and all(isinstance(row, Mapping) for row in rows):
                lines += [f"{margin}{label}:", *(f"{margin}  {line}" for line in table(rows))]
            else:
                lines.append(f"{margin}{label}: {', '.join(map(_cell, rows))}")
        elif value is not None:
            first, *more = _cell(value).splitlines() or [""]
            lines += [f"{margin}{label}: {first}", *(f"{margin}  {line}" for line in more)]
    return lines


def table(rows: Sequence[Mapping[str, Any]], *, at_most: int = 12) -> list[str]:
    """Rows as text, the numbers to the right; of many rows an even choice with the first and the last."""
    columns = [key for key in rows[0] if any(row.get(key) is not None for row in rows)]
    shown = rows if len(rows) <= at_most else [rows[round(i * (len(rows) - 1) / (at_most - 1))] for i in range(at_most)]
    cells = [
        [column.replace("_", " ") for column in columns],
        *([_cell(row.get(column)) for column in columns] for row in shown),
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    for column in columns:
        values = [row[column] for row in rows if isinstance(row.get(column), float)]
        if len(values) > 2:
            lines.append(f"{column.replace('_', ' ')}: {sparkline(values)}")
    return lines


def sparkline(values: Sequence[float], *, width: int = 60) -> str:
    """Values as a line of blocks, the lowest as the lowest block."""
    chosen = (
        values if len(values) <= width else [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)]
    )
    low, high = min(chosen), max(chosen)
    return "".join(
        _BLOCKS[round((value - low) / (high - low) * (len(_BLOCKS) - 1)) if high > low else 0] for value in chosen
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.3f}" if size >= 0.01 or not size else f"{value:.1e}"
