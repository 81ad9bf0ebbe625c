"""BatchStream: the batches of a data schedule, on the device; on an accelerator they are made before they are needed."""

from collections.abc import Generator
from dataclasses import dataclass

import torch

from seqloom.data.batching import PairBatch
from seqloom.data.prefetch import Prefetch
from seqloom.training.data_schedule import ALL, Cursor, DataSchedule, Share


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """A batch on its device, with numbers on the host that would be slow to read from the device.

    Attributes:
        cursor: the position in the data schedule after the batch.
        batch: None where another process trains on it; its numbers are then 0.
        num_tokens: the number of real target tokens.
        weight: the sum of the loss weights.
    """

    cursor: Cursor
    batch: PairBatch | None
    num_tokens: int = 0
    weight: float = 0

    @property
    def sizes(self) -> tuple[float, ...]:
        """The sum of the loss weights, and the numbers of examples, of real target tokens, and of positions with padding."""
        if self.batch is None:
            return 0, 0, 0, 0
        return self.weight, len(self.batch.tgt_in), self.num_tokens, self.batch.num_positions


class BatchStream:
    """Provides the micro-batches of each update in order.

    On an accelerator a thread makes batches ahead of their use. If the schedule changes to another phase, the batches that were
    made ahead are dropped.

    Args:
        share: which batches to make. An update takes a multiple of `share.size` batches.
    """

    def __init__(self, schedule: DataSchedule, cursor: Cursor, device: torch.device, share: Share = ALL) -> None:
        self._share = share
        self._schedule = schedule
        self._cursor = cursor
        self._device = device
        self._items = self._open(cursor)

    def take(self, count: int, progress: float) -> list[MicroBatch]:
        """The next batches.

        Args:
            progress: the share of the budget that is spent, 0 to 1.
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
        # On a CPU, making a batch takes about 1 ms of an update of hundreds of ms, and needs the same cores as the update.
        items = self._make(cursor)
        return items if self._device.type == "cpu" else Prefetch(items)

    def _make(self, cursor: Cursor) -> Generator[MicroBatch]:
        for after, batch in self._schedule.batches(cursor, self._share):
            if batch is None:
                yield MicroBatch(after, None)
            else:
                moved = batch.to(self._device, non_blocking=True)
                yield MicroBatch(after, moved, batch.num_tokens, batch.weight)
