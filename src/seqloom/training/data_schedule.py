"""Data schedules: which batches are trained on at which share of the budget, and the position in their order.

A schedule combines batches of one or several kinds into one stream, which is all that the training loop uses. A schedule knows
neither models nor losses.
"""

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from seqloom.data.batching import Batches, PairBatch


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a data schedule: only integers, so a checkpoint can store it.

    Attributes:
        phases_left: how many phases of the schedule come after this one.
        epoch: counted over all phases, from 0.
        batch: how many batches of the epoch were used.
    """

    phases_left: int = 0
    epoch: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """Every `size`-th batch, from batch number `rank` on: what one of several processes trains on."""

    rank: int = 0
    size: int = 1


ALL = Share()


class DataSchedule(Protocol):
    """An order of batches that depends only on integers and on the share of the budget that is spent."""

    def start(self) -> Cursor:
        """The cursor of the first batch."""

    def advance(self, cursor: Cursor, progress: float) -> Cursor:
        """The cursor to continue from at this share of the budget: the same one, or the start of a later phase."""

    def batches(self, cursor: Cursor, share: Share = ALL) -> Generator[tuple[Cursor, PairBatch | None]]:
        """An endless iterator over the batches of the cursor's phase from the cursor on, each with the cursor after it.

        Args:
            share: which of these batches to make; the iterator gives None in place of the others.
        """


class Phases:
    """Phases with different batches, each up to a share of the budget.

    Bidirectional training (Ding 2021) has two phases: pairs in both directions, then pairs in one.

    Args:
        batches: the batches of each phase.
        ends: the share of the budget at which each phase but the last one ends.
    """

    def __init__(self, *batches: Batches, ends: tuple[float, ...] = ()) -> None:
        if len(batches) != len(ends) + 1:
            raise ValueError(f"{len(batches)} phases need {len(batches) - 1} ends, not {len(ends)}")
        self._batches = batches
        self._ends = ends

    def start(self) -> Cursor:
        """The cursor of the first batch of the first phase."""
        return Cursor(phases_left=len(self._ends))

    def advance(self, cursor: Cursor, progress: float) -> Cursor:
        """The cursor to continue from at this share of the budget; a new phase begins with a new epoch."""
        while cursor.phases_left and progress >= self._ends[-cursor.phases_left]:
            cursor = Cursor(cursor.phases_left - 1, cursor.epoch + 1)
        return cursor

    def batches(self, cursor: Cursor, share: Share = ALL) -> Generator[tuple[Cursor, PairBatch | None]]:
        """The batches of the cursor's phase from the cursor on, epoch after epoch; None for those outside the share."""
        left, epoch, start = cursor.phases_left, cursor.epoch, cursor.batch
        batches = self._batches[-1 - left]
        turns = count()
        while True:
            for number, indices in enumerate(batches.indices(epoch, start), start=start + 1):
                batch = batches.make(epoch, indices) if next(turns) % share.size == share.rank else None
                yield Cursor(left, epoch, number), batch
            epoch, start = epoch + 1, 0
