"""Tuning: which learning rate of a grid is best on validation data, by one rule for comparisons and claims."""

import math
from collections.abc import Sequence

from pydantic import Field

from seqloom.config import Results


class Trial(Results):
    """A learning rate that was tried for an arm: its validation loss in nats a token."""

    learning_rate: float
    val_loss: float | None = Field(description="None where the trial failed")
    chosen: bool


def choose_rate(rates: Sequence[float], losses: Sequence[float | None]) -> tuple[int, tuple[Trial, ...]]:
    """The index of the rate with the lowest validation loss, and all trials.

    Args:
        losses: one for each rate; None where the trial failed. The first of equal losses wins.
    """
    best = min(range(len(losses)), key=lambda index: math.inf if (loss := losses[index]) is None else loss)
    trials = tuple(
        Trial(learning_rate=rate, val_loss=loss, chosen=index == best)
        for index, (rate, loss) in enumerate(zip(rates, losses, strict=True))
    )
    return best, trials


def rate_beyond(rates: Sequence[float], losses: Sequence[float | None], most: int) -> tuple[int, float] | None:
    """The position and rate of the next trial, if the best rate is at the edge of its grid; else None.

    Args:
        rates: the rates that were tried, in order.
        most: how many rates may be tried.
    """
    if len(rates) >= most or len(rates) < 2:
        return None
    best, _ = choose_rate(rates, losses)
    if best == 0:
        return 0, rates[0] ** 2 / rates[1]
    if best == len(rates) - 1:
        return len(rates), rates[-1] ** 2 / rates[-2]
    return None


def is_at_edge(trials: Sequence[Trial], rate: float) -> bool:
    """Whether the chosen rate is the smallest or largest that was tried, so that a rate outside the grid may be better."""
    return bool(trials) and rate in (trials[0].learning_rate, trials[-1].learning_rate)
