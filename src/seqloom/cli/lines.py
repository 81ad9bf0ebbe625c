"""Lines that verbs print: results, each one field of one line, to a file or standard output; and facts for people.

Texts and plain values enter, lines leave. How lines are read is the corpus room's matter.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from seqloom.errors import SeqloomError


def one_line(text: str) -> str:
    """The text with line ends and tabs as spaces, so that it is one field of one line."""
    return " ".join(text.splitlines()).replace("\t", " ")


def output(path: Path | None) -> AbstractContextManager[IO[bytes]]:
    """Where results go: a file, or standard output.

    Raises:
        SeqloomError: the file cannot be written.
    """
    if path is None:
        return nullcontext(sys.stdout.buffer)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise SeqloomError(f"{path}: cannot be written: {error.strerror}") from None


def as_text(facts: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Nested facts as indented lines; what is None is left out."""
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
