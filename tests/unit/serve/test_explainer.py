"""The explainer takes no more than it has room for, drops what nobody wants, and is done in order."""

import threading
import time

import pytest

from seqloom.serve.batcher import ClosedError, QueueFullError
from seqloom.serve.explainer import Explainer, ExplanationTask, TaskCancelledError


def task(work, *, deadline=None):
    return ExplanationTask("run", work, deadline=time.monotonic() + 60 if deadline is None else deadline)


def test_tasks_are_done_in_their_order_and_counted():
    seen, told = [], []
    explainer = Explainer(queue=9, on_explanation=lambda run, seconds: told.append(run))
    tasks = [task(lambda goes_on, n=n: seen.append(n) or str(n).encode()) for n in range(5)]
    explainer.submit(tasks)
    assert [one.future.result(20) for one in tasks] == [b"0", b"1", b"2", b"3", b"4"]
    assert seen == [0, 1, 2, 3, 4]
    explainer.close()
    assert told == ["run"] * 5
    assert len(explainer) == 0
    with pytest.raises(ClosedError):
        explainer.submit([task(lambda goes_on: b"")])


def test_what_has_no_room_is_refused_whole_and_who_leaves_makes_room():
    explainer, go = Explainer(queue=3), threading.Event()
    first = task(lambda goes_on: go.wait(20) and b"done")
    explainer.submit([first])
    explainer.submit([task(lambda goes_on: b"2")])
    with pytest.raises(QueueFullError):
        explainer.submit([task(lambda goes_on: b"3"), task(lambda goes_on: b"4")])
    last = task(lambda goes_on: b"3")
    explainer.submit([last])
    last.cancel()
    assert len(explainer) == 2
    go.set()
    assert first.future.result(20) == b"done"
    explainer.close()


def test_what_is_being_done_ends_when_nobody_waits():
    explainer, begun = Explainer(queue=3), threading.Event()

    def endless(goes_on):
        begun.set()
        while True:
            goes_on()
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
