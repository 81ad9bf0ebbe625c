"""Tasks: what is learned from a kind of data. Adding a kind is adding a file here and a line to `TASKS`."""

from collections.abc import Mapping

from seqloom.errors import ConfigError
from seqloom.tasks.forecasting import Forecasting, ForecastingSettings
from seqloom.tasks.language_modeling import LanguageModeling
from seqloom.tasks.task import Task
from seqloom.tasks.translation import Translation

TASKS: Mapping[str, Task] = {task.kind: task for task in (Translation(), LanguageModeling(), Forecasting())}

# The settings of tasks that have any; `name` distinguishes several.
AnyTaskSettings = ForecastingSettings


def task_of(kind: str) -> Task:
    """The task of a kind of data (`Corpus.kind`).

    Raises:
        ConfigError: there is none; a run of a later version may have one.
    """
    if kind not in TASKS:
        raise ConfigError(f"there is no task for data of the kind {kind[:40]!r}; known kinds: {', '.join(TASKS)}")
    return TASKS[kind]


__all__ = ["TASKS", "AnyTaskSettings", "Task", "task_of"]
