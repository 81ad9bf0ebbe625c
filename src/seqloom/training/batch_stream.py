"""BatchStream: the batches of a data schedule on the device, made ahead of their use on accelerators."""

from collections.abc import Generator
from dataclasses import dataclass

import torch

from seqloom.batching import PairBatch
from seqloom.prefetch import Prefetch
from seqloom.training.data_schedule import Cursor, DataSchedule


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """A batch on its device, with the numbers that would have to be read back from there.

    Attributes:
        cursor: where the data schedule stands after the batch.
        num_tokens: real target tokens.
        weight: the sum of the loss weights.
    """

    cursor: Cursor
    num_tokens: int
    weight: float
    batch: PairBatch


class BatchStream:
    """Gives the micro-batches of one update after the other.

    On an accelerator a thread makes batches ahead of their use. A schedule may change to other batches; those made ahead are then
    dropped.
    """

    def __init__(self, schedule: DataSchedule, cursor: Cursor, device: torch.device) -> None:
        self._schedule = schedule
        self._cursor = cursor
        self._device = device
        self._items = self._open(cursor)

    def take(self, count: int, progress: float) -> list[MicroBatch]:
        """The next batches.

        Args:
            progress: the share of the budget that is spent.
        """
        cursor = self._schedule.advance(self._cursor, progress)
        if cursor != self._cursor:
            self.close()
            self._items = self._open(cursor)
        batches = [next(self._items) for _ in range(count)]
        self._cursor = batches[-1].cursor
        return batches

    def close(self) -> None:
        """Ends the thread that makes batches ahead."""
        self._items.close()

    def _open(self, cursor: Cursor) -> "Generator[MicroBatch] | Prefetch[MicroBatch]":
        # On a CPU, a batch takes about a millisecond of an update of hundreds, on the cores that the update needs.
        items = self._make(cursor)
        return items if self._device.type == "cpu" else Prefetch(items)

    def _make(self, cursor: Cursor) -> Generator[MicroBatch]:
        for after, batch in self._schedule.batches(cursor):
            yield MicroBatch(after, batch.num_tokens, batch.weight, batch.to(self._device, non_blocking=True))
