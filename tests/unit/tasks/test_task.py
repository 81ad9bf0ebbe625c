"""Tasks by kind of data."""

import pytest

from seqloom.errors import ConfigError
from seqloom.tasks import TASKS, Task, task_of


def test_each_kind_has_its_task() -> None:
    assert {"pairs", "text"} <= set(TASKS)
    assert all(task_of(kind).kind == kind for kind in TASKS)
    assert [kind for kind, task in TASKS.items() if not task.has_sources] == ["text"]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_says_what_messages_need(task: Task) -> None:
    assert task.noun
    assert task.unit
    assert task.description
    assert task.command in ("translate", "generate", "evaluate")


def test_a_kind_without_a_task_is_named() -> None:
    with pytest.raises(ConfigError, match="no task for data of the kind 'sound'; known kinds: pairs, text"):
        task_of("sound")
