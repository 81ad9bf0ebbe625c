"""Tasks: what is learned from a kind of data. Adding a kind is adding a file here and a line to `TASKS`."""

from collections.abc import Mapping

from seqloom.tasks.language_modeling import LanguageModeling
from seqloom.tasks.task import Task, TestData
from seqloom.tasks.translation import Translation

TASKS: Mapping[str, Task] = {task.kind: task for task in (Translation(), LanguageModeling())}


def task_of(kind: str) -> Task:
    """The task of a kind of data (`Corpus.kind`)."""
    return TASKS[kind]


__all__ = ["TASKS", "Task", "TestData", "task_of"]
