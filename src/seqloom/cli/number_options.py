"""Options with numbers: each function parses one value, and raises an error that says what is wrong with it."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from seqloom.arguments import MAX_BEAM, MAX_SEED, MAX_TEMPERATURE, MAX_THREADS, MAX_TOKENS, MAX_TOP_K

_Number = TypeVar("_Number", int, float)


def positive(text: str) -> int:
    """A whole number from 1; thousands may be separated (20_000 or 20,000)."""
    try:
        number = int(text.replace(",", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return number


def _at_most(most: float, parse: Callable[[str], _Number]) -> Callable[[str], _Number]:
    def parse_limited(text: str) -> _Number:
        number = parse(text)
        if number > most:
            raise argparse.ArgumentTypeError(f"{text!r} is more than {most:,}, the most that is accepted")
        return number

    return parse_limited


def count(text: str) -> int:
    """A whole number from 0."""
    return 0 if text == "0" else positive(text)


def zero_or_more(text: str) -> float:
    """A number from 0."""
    return 0.0 if text in ("0", "0.0") else positive_float(text)


def positive_float(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def positive_share(text: str) -> float:
    """A number above 0, at most 1."""
    if share(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, at most 1")
    return share(text)


seed = _at_most(MAX_SEED, count)
threads = _at_most(MAX_THREADS, positive)
beam = _at_most(MAX_BEAM, positive)
max_tokens = _at_most(MAX_TOKENS, positive)
temperature = _at_most(MAX_TEMPERATURE, zero_or_more)
top_k = _at_most(MAX_TOP_K, count)


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return number
