"""Counters: how far a run has been trained. Checkpoints contain them, and all random numbers derive from them.

`Counters.restore` checks the plain values of a checkpoint. This module knows neither models nor files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seqloom.errors import CheckpointError

# Checkpoints of earlier versions use these names.
_FORMER_NAMES = {
    "report_tokens": "report_weight",
    "window_nll": "since_validation_nll",
    "window_tokens": "since_validation_weight",
}


@dataclass
class Counters:
    """How far a run has been trained; part of every checkpoint.

    Attributes:
        epoch, batch: the position in the current phase of the data schedule; see `Cursor`.
        positions: target positions, padding included; `tokens` counts real target tokens.
        progress: the share of the budget that is spent, 0 to 1.
        best_merit: `Validation.merit` of the best weights; lists are compared from left to right.
        since_best: the number of validations since the best one.
        snapshots: the steps whose weights are kept for averaging.
        metrics_bytes, progress_bytes: the lengths of the log files at the checkpoint; a resumed run cuts off the rest.
        curve: for each validation its step and values.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    examples: int = 0
    tokens: int = 0
    positions: int = 0
    seconds: float = 0.0
    validation_seconds: float = 0.0
    progress: float = 0.0
    best_merit: list[float] = field(default_factory=list)
    best_step: int | None = None
    since_best: int = 0
    snapshots: list[int] = field(default_factory=list)
    metrics_bytes: int = 0
    progress_bytes: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False
    best_is_average: bool = False
    # How many phases of the data schedule follow the current one, to which `epoch` and `batch` belong.
    phases_left: int = 0
    # Sums of negative log-likelihood and of loss weights since the last report, and since the last validation.
    report_nll: float = 0.0
    report_weight: float = 0
    since_validation_nll: float = 0.0
    since_validation_weight: float = 0

    @classmethod
    def restore(cls, values: Mapping[str, Any], folder: Path) -> "Counters":
        """The counters of a checkpoint, which may come from another person.

        Args:
            folder: the folder of the checkpoint.

        Raises:
            CheckpointError: a value is missing, of another type or out of range.
        """
        path = folder / "counters.json"
        saved = {_FORMER_NAMES.get(name, name): value for name, value in values.items() if name != "format"}
        # Version 0.1 stored whether pairs were still trained on in both directions, which is the first of two phases.
        if isinstance(saved.get("both_ways"), bool):
            saved["phases_left"] = int(saved.pop("both_ways"))
        try:
            counters = TypeAdapter(cls).validate_python(saved)
            unknown = sorted(set(saved) - {counter.name for counter in fields(cls)})
            if unknown:
                raise ValueError(f"{unknown[0][:80]} is not known")
            for counter in fields(cls):
                value = getattr(counters, counter.name)
                if isinstance(value, int | float) and not counter.name.endswith("_nll") and not 0 <= value < 1 << 62:
                    raise ValueError(f"{counter.name} is out of range")
            if len(counters.snapshots) > 1_000 or any(step < 0 for step in counters.snapshots):
                raise ValueError("snapshots are out of range")
            for point in counters.curve:
                if not {"step", "tokens", "seconds", "train_loss", "val_loss", "val_quality"} <= set(point):
                    raise ValueError("a point of the curve is not complete")
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))[:200]
            raise CheckpointError(f"{path}: damaged: {where}: {problem['msg'].lower()}") from None
        except ValueError as error:
            raise CheckpointError(f"{path}: damaged: {error}") from None
        return counters
