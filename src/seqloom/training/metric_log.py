"""MetricLog: metrics.jsonl, progress.txt and, if the recipe asks for them, TensorBoard's files of a run.

A checkpoint stores the lengths of both files, so that a resumed run can remove the lines that were written after the checkpoint.
"""

import json
from pathlib import Path
from typing import Any

from seqloom.errors import CheckpointError, ConfigError
from seqloom.files import append_text, cut, sync_size, write_bytes
from seqloom.training.counters import Counters


class MetricLog:
    """Writes the log of one run.

    Raises:
        ConfigError: TensorBoard is requested, but not installed.
    """

    def __init__(self, folder: Path, *, tensorboard: bool = False) -> None:
        self._metrics = folder / "metrics.jsonl"
        self._progress = folder / "progress.txt"
        self._board = _open_board(folder / "tensorboard") if tensorboard else None

    def clear(self) -> None:
        """Makes both files empty, for a new run."""
        write_bytes(self._metrics, b"")
        write_bytes(self._progress, b"")

    def add_progress(self, progress: float) -> None:
        """Logs the share of the budget that was spent before an update; another run can repeat it (`Budget.like`)."""
        append_text(self._progress, f"{progress!r}\n")

    def add(self, counters: Counters, **values: Any) -> None:
        """Logs the counters of the run, and further values."""
        line = {
            "step": counters.step,
            "tokens": counters.tokens,
            "seconds": round(counters.seconds, 3),
            "progress": counters.progress,
            "tokens_per_second": round(counters.tokens / max(1e-9, counters.seconds), 1),
            "padding_share": round(1 - counters.tokens / max(1, counters.positions), 4),
            **values,
        }
        append_text(self._metrics, json.dumps(line) + "\n")
        if self._board is not None:
            for name, value in line.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(name, value, counters.step)
            self._board.flush()

    def sync(self, counters: Counters) -> None:
        """Waits until the lines are on the disk, and stores the lengths of the files in the counters."""
        counters.metrics_bytes = sync_size(self._metrics)
        counters.progress_bytes = sync_size(self._progress)

    def cut(self, counters: Counters) -> None:
        """Removes the lines that were written after a checkpoint.

        Raises:
            CheckpointError: a file is shorter than the checkpoint says.
        """
        for path, size in ((self._metrics, counters.metrics_bytes), (self._progress, counters.progress_bytes)):
            if not path.is_file() or path.stat().st_size < size:
                raise CheckpointError(
                    f"{path}: is shorter than the {size:,} bytes that it had at the checkpoint; restore it, or start a new run "
                    "from this one by --from"
                )
            cut(path, size)


class SilentLog(MetricLog):
    """Writes nothing: the log of a process that is not rank 0."""

    def __init__(self) -> None:
        pass

    def clear(self) -> None:
        """Leaves the files of rank 0 as they are."""

    def add_progress(self, progress: float) -> None:
        """Ignores the share."""

    def add(self, counters: Counters, **values: Any) -> None:
        """Ignores the values."""

    def sync(self, counters: Counters) -> None:
        """Leaves the counters as they are."""

    def cut(self, counters: Counters) -> None:
        """Leaves the files of rank 0 as they are."""


def _open_board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError("training.tensorboard needs an extra: pip install 'seqloom[tensorboard]'") from None
    return SummaryWriter(folder)
