"""Budget: how long to train, in updates, tokens or minutes; and the share of it that is spent."""

import math
from pathlib import Path

from pydantic import Field, model_validator

from seqloom.config import Settings
from seqloom.errors import ConfigError
from seqloom.messages import counted
from seqloom.training.counters import Counters
from seqloom.untrusted import MEBIBYTE, read_text

# The largest progress.txt of a run to repeat, in bytes: about ten million updates.
_MAX_PROGRESS_BYTES = 256 * MEBIBYTE


class Budget(Settings):
    """How long to train: exactly one of the four fields is set.

    Minutes count updates only; reading data, validation and checkpoints are reported separately. `like` repeats a run that had a
    budget in minutes: it names the progress.txt of that run, which contains the share of the budget spent before each update.
    """

    steps: int | None = Field(None, gt=0, description="updates")
    tokens: int | None = Field(None, gt=0, description="real target tokens")
    minutes: float | None = Field(None, gt=0, description="minutes of updates")
    like: Path | None = Field(None, description="the progress.txt of a run to repeat")

    @model_validator(mode="after")
    def _exactly_one(self) -> "Budget":
        if sum(value is not None for value in (self.steps, self.tokens, self.minutes, self.like)) != 1:
            raise ValueError("give exactly one of steps, tokens and minutes (--steps, --tokens, --minutes)")
        return self

    def share(self, fraction: float) -> "Budget":
        """A part of the budget."""
        if self.steps is not None:
            return Budget(steps=max(1, round(self.steps * fraction)))
        if self.tokens is not None:
            return Budget(tokens=max(1, round(self.tokens * fraction)))
        if self.minutes is None:
            raise ConfigError(
                "a budget that repeats another run cannot be divided; give --steps, --tokens or --minutes"
            )
        return Budget(minutes=self.minutes * fraction)

    def __str__(self) -> str:
        if self.steps is not None:
            return counted(self.steps, "step")
        if self.tokens is not None:
            return counted(self.tokens, "target token")
        return (
            f"{self.minutes:g} {'minute' if self.minutes == 1 else 'minutes'} of updates"
            if self.minutes is not None
            else f"the updates of {self.like}"
        )


class BudgetClock:
    """Computes which share of a budget is spent.

    Raises:
        ConfigError: the budget repeats another run, and its progress.txt cannot be read or is damaged.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._shares = _read_shares(budget.like) if budget.like is not None else []

    def spent(self, counters: Counters) -> float:
        """The share spent after the updates so far, 0 to 1."""
        budget = self._budget
        if budget.like is not None:
            return self._shares[counters.step] if counters.step < len(self._shares) else 1.0
        if budget.steps is not None:
            return counters.step / budget.steps
        if budget.tokens is not None:
            return min(1.0, counters.tokens / budget.tokens)
        assert budget.minutes is not None
        return min(1.0, counters.seconds / (60 * budget.minutes))


def _read_shares(path: Path) -> list[float]:
    """The share of the budget that another run had spent before each of its updates."""
    try:
        text = read_text(path, max_bytes=_MAX_PROGRESS_BYTES, error=ConfigError)
        shares = [float(line) for line in text.split()]
        if not all(map(math.isfinite, shares)):
            raise ValueError("a share in it is not a finite number")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not the progress.txt of a run: {str(error)[:200]}") from None
    if not shares:
        raise ConfigError(f"{path}: its run made no update")
    return shares
