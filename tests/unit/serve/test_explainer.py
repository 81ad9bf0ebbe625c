"""The explainer rejects tasks beyond its capacity, drops cancelled tasks, and computes in order."""

import threading
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

from seqloom.serve.batcher import ClosedError, QueueFullError
from seqloom.serve.explainer import Explainer, ExplanationTask, TaskCancelledError


def task(work: Callable[[Callable[[], None]], bytes], *, deadline: float | None = None) -> ExplanationTask:
    return ExplanationTask("run", work, deadline=time.monotonic() + 60 if deadline is None else deadline)


def test_tasks_are_computed_in_order_and_counted() -> None:
    seen: list[int] = []
    reported: list[str] = []
    explainer = Explainer(queue=9, on_explanation=lambda run, seconds: reported.append(run))
    tasks = [task(lambda check_cancelled, n=n: seen.append(n) or str(n).encode()) for n in range(5)]
    explainer.submit(tasks)
    assert [item.future.result(20) for item in tasks] == [b"0", b"1", b"2", b"3", b"4"]
    assert seen == [0, 1, 2, 3, 4]
    explainer.close()
    assert reported == ["run"] * 5
    assert len(explainer) == 0
    with pytest.raises(ClosedError):
        explainer.submit([task(lambda check_cancelled: b"")])


def test_a_full_queue_rejects_all_tasks_and_cancelling_frees_capacity() -> None:
    explainer, go = Explainer(queue=3), threading.Event()
    first = task(lambda check_cancelled: go.wait(20) and b"done")
    explainer.submit([first])
    explainer.submit([task(lambda check_cancelled: b"2")])
    with pytest.raises(QueueFullError):
        explainer.submit([task(lambda check_cancelled: b"3"), task(lambda check_cancelled: b"4")])
    last = task(lambda check_cancelled: b"3")
    explainer.submit([last])
    last.cancel()
    assert len(explainer) == 2
    go.set()
    assert first.future.result(20) == b"done"
    explainer.close()


def test_a_running_task_ends_when_it_is_cancelled_or_too_late() -> None:
    explainer, begun = Explainer(queue=3), threading.Event()

    def endless(check_cancelled: Callable[[], None]) -> NoReturn:
        begun.set()
        while True:
            check_cancelled()
            time.sleep(0.001)

    left = task(endless)
    explainer.submit([left])
    assert begun.wait(20)
    left.cancel()
    with pytest.raises(TaskCancelledError):
        left.future.result(20)
    late = task(endless, deadline=time.monotonic() + 0.05)
    explainer.submit([late])
    with pytest.raises(TaskCancelledError):
        late.future.result(20)
    explainer.close()
