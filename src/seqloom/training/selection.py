"""WeightSelection: decides which weights of a run are the best, and when training ends early.

It writes files of weights into the run folder: best, last, step-N of the last validations, and their average.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from seqloom.models.base import Model
from seqloom.training.counters import Counters
from seqloom.training.settings import TrainingSettings
from seqloom.training.weights import average_weights, fill_from, save_weights


@dataclass(frozen=True)
class Validation:
    """The result of a validation.

    Attributes:
        loss: nats per token.
        metric: the leading metric of greedy decoding; None if nothing was decoded. Logs and curves call it `val_quality`.
    """

    loss: float
    metric: float | None
    higher_is_better: bool = True

    def merit(self, select_by: str) -> list[float]:
        """The values by which weights are compared; larger is better, and later values decide only between equals.

        They are the metric (if the settings select by it), negative if lower is better, and then the negative loss.
        """
        if select_by == "loss" or self.metric is None:
            return [-self.loss]
        return [self.metric if self.higher_is_better else -self.metric, -self.loss]


Validate = Callable[[Model], Validation]


def measure(model: Model, validate: Validate) -> Validation:
    """Validates a model in evaluation mode, without gradients."""
    model.eval()
    with torch.inference_mode():
        return validate(model)


class WeightSelection:
    """Saves the weights of one run that have the best validation.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path, settings: TrainingSettings) -> None:
        self._folder = folder
        self._settings = settings

    def add(self, result: Validation, model: Model, counters: Counters) -> bool:
        """Saves the weights that were validated, also as the best weights if their validation is the best so far.

        Returns:
            Whether patience is exhausted.
        """
        settings = self._settings
        save_weights(self._path(f"step-{counters.step}"), model.state_dict())
        counters.snapshots.append(counters.step)
        merit = result.merit(settings.select_by)
        if merit > counters.best_merit:
            counters.best_merit, counters.best_step, counters.since_best = merit, counters.step, 0
            save_weights(self._path("best"), model.state_dict())
        else:
            counters.since_best += 1
        for old in counters.snapshots[: -settings.average_last]:
            self._path(f"step-{old}").unlink(missing_ok=True)
        counters.snapshots = counters.snapshots[-settings.average_last :]
        return bool(counters.since_best and settings.patience is not None and counters.since_best >= settings.patience)

    def ensure_best(self, model: Model) -> None:
        """Saves the weights as the best ones if there are none, so that a run can generate as soon as it has a checkpoint."""
        if not self._path("best").exists():
            save_weights(self._path("best"), model.state_dict())

    def try_average(self, model: Model, counters: Counters, validate: Validate) -> Validation | None:
        """Saves the last weights, and measures the average of the last validations' weights.

        Afterwards the model has its own weights again.

        Returns:
            The validation of the average; None if there is only one set of weights. `counters.best_is_average` says whether the
            average became the best weights.
        """
        save_weights(self._path("last"), model.state_dict())
        files = [self._path(f"step-{step}") for step in counters.snapshots]
        if len(files) < 2:
            return None
        trained = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        averaged = average_weights(files, within=self._folder)
        save_weights(self._path("averaged"), averaged)
        model.load_state_dict(averaged)
        result = measure(model, validate)
        merit = result.merit(self._settings.select_by)
        if merit > counters.best_merit:
            counters.best_merit, counters.best_is_average = merit, True
            save_weights(self._path("best"), averaged)
        model.load_state_dict(trained)
        return result

    def load_best(self, model: Model) -> None:
        """Loads the best weights into the model."""
        fill_from(model, self._path("best"), within=self._folder)

    def _path(self, name: str) -> Path:
        return self._folder / "weights" / f"{name}.safetensors"
