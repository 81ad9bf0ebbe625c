"""Checks of what Python callers pass, so that a wrong value is one SeqloomError before any work begins.

Each check takes a value and returns it unchanged. The command line has the same limits (`cli/options.py`).
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqloom.errors import ConfigError

MAX_SEED = 2**63 - 1
MAX_THREADS = 1024
# Limits of decoding, the same in recipes, on the command line, from Python and over HTTP.
MAX_BEAM = 1_000
MAX_TEMPERATURE = 10.0
MAX_LENGTH_PENALTY = 10.0
MAX_REPETITION_PENALTY = 10.0
MAX_FREQUENCY_PENALTY = 2.0
MAX_TOP_K = 2**31 - 1
MAX_TOKENS = 100_000


def whole_number(value: Any, name: str, *, least: int, most: int | None = None) -> int:
    """A whole number within limits; numpy's integers count, booleans do not.

    Raises:
        ConfigError: the value has another type, or is outside the limits.
    """
    try:
        number = None if isinstance(value, bool) else int(value.__index__())
    except (AttributeError, TypeError):
        number = None
    if number is None or number < least or (most is not None and number > most):
        span = f"from {least}" if most is None else f"from {least} to {most}"
        raise ConfigError(f"{name} is {shown(value)}: expected a whole number {span}")
    return number


def check_seed(seed: Any) -> int:
    """Checks a seed, a whole number from 0; None becomes 0."""
    return 0 if seed is None else whole_number(seed, "seed", least=0, most=MAX_SEED)


def check_threads(threads: Any) -> int | None:
    """Checks a number of threads; None means one thread for each core."""
    return None if threads is None else whole_number(threads, "threads", least=1, most=MAX_THREADS)


def as_path(value: Any, name: str) -> Path:
    """Makes a path of a text or a path.

    Raises:
        ConfigError: the value is neither a text nor a path, or is empty.
    """
    if not isinstance(value, str | os.PathLike) or not str(value) or "\0" in str(value):
        raise ConfigError(f"{name} is {shown(value)}: expected a path")
    return Path(value)


def check_type(value: Any, kinds: type | tuple[type, ...], name: str, expected: str) -> None:
    """Checks the type of an argument.

    Args:
        expected: the right types, in words.

    Raises:
        ConfigError: the argument has another type.
    """
    if not isinstance(value, kinds):
        raise ConfigError(f"{name} is {shown(value)}: expected {expected}")


def check_changes(changes: Any) -> None:
    """Checks that changes are a mapping, or a list of `key=value` texts."""
    expected = "a mapping, or a list such as ['model.dropout=0.1']"
    if isinstance(changes, str | bytes) or not isinstance(changes, Mapping | Sequence):
        raise ConfigError(f"changes is {shown(changes)}: expected {expected}")
    if not isinstance(changes, Mapping):
        for change in changes:
            check_type(change, str, "changes", expected)


def check_texts(texts: Any, name: str) -> list[str]:
    """Makes a list of a text or of several texts.

    Raises:
        ConfigError: one of the values is not a text.
    """
    if isinstance(texts, str):
        return [texts]
    if isinstance(texts, bytes) or not isinstance(texts, Iterable):
        raise ConfigError(f"{name} is {shown(texts)}: expected a text, or a list of texts")
    listed = list(texts)
    for number, text in enumerate(listed):
        check_type(text, str, f"{name}[{number}]", "a text")
    return listed


def shown(value: Any) -> str:
    """A value as a message shows it; a long value is cut."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
