"""Lines that commands print: results, each one field of a line, to a file or standard output; and facts for people.

`seqloom.corpus` reads lines; this module writes them.
"""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from seqloom.cli.streams import results_are_wanted
from seqloom.files import model_json, partial_name, writing


def one_line(text: str) -> str:
    """The text with line ends and tabs as spaces, so that it is one field of one line."""
    return " ".join(text.splitlines()).replace("\t", " ")


@contextmanager
def output(path: Path | None) -> Iterator[TextIO]:
    """The stream for results: a file, which appears when it is complete, or standard output.

    The part that was written before an error or Ctrl-C is kept as PATH.partial.

    Raises:
        OutputError: the file cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    try:
        with writing(path, keep=True) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline="\n")
            try:
                yield text
                text.flush()
            finally:
                with suppress(OSError):
                    text.detach()
    except BaseException:
        if partial_name(path).exists():
            print(f"{partial_name(path)}: what was written so far", file=sys.stderr)
        raise


def announce(text: str | Path) -> None:
    """Prints where results are; prints nothing if standard output is closed, because no result is lost then."""
    if results_are_wanted():
        print(text)


def print_json(value: Any) -> None:
    """Prints plain values, or a pydantic model, as indented JSON."""
    if hasattr(value, "model_dump_json"):
        print(model_json(value, indent=2))
    else:
        print(json.dumps(value, ensure_ascii=False, indent=2))


def as_text(facts: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Nested facts as indented lines; facts that are None are left out."""
    margin = "  " * depth
    for name, value in facts.items():
        label = str(name).replace("_", " ")
        if isinstance(value, Mapping):
            yield f"{margin}{label}:"
            yield from as_text(value, depth + 1)
        elif isinstance(value, (list, tuple)) and any(isinstance(part, Mapping) for part in value):
            yield f"{margin}{label}:"
            for part in value:
                first, *more = as_text(part, depth + 2)
                yield f"{margin}  - {first.strip()}"
                yield from more
        elif isinstance(value, (list, tuple)):
            yield f"{margin}{label}: {', '.join(map(_fact, value))}"
        elif value is not None:
            first, *more = _fact(value).splitlines() or [""]
            yield f"{margin}{label}: {first}"
            yield from (f"{margin}  {line}" for line in more)


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
