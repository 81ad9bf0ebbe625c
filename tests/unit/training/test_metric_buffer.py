"""MetricBuffer: at once on a CPU, in bunches on an accelerator, every number once and in order."""

import math

import pytest
import torch

from seqloom.training.data_schedule import Cursor
from seqloom.training.metric_buffer import MetricBuffer


def _add(buffer: MetricBuffer, step: int, *nlls: float, norm: float = 1.0) -> None:
    buffer.add(step, [torch.tensor(nll) for nll in nlls], torch.tensor(norm), 10 * step, Cursor(0, 0, step))


def test_on_a_cpu_each_update_is_due() -> None:
    buffer = MetricBuffer(torch.device("cpu"))
    assert not buffer.is_due
    _add(buffer, 1, 2.5, 0.5, norm=3.0)
    assert buffer.is_due
    (metrics,) = buffer.read()
    assert (metrics.step, metrics.nll, metrics.norm, metrics.weight, metrics.cursor) == (
        1,
        3.0,
        3.0,
        10,
        Cursor(0, 0, 1),
    )
    assert buffer.read() == []


def test_elsewhere_they_are_kept_for_a_while_and_read_once_in_order() -> None:
    buffer = MetricBuffer(torch.device("meta"))
    count = 0
    while not buffer.is_due:
        count += 1
        _add(buffer, count, float(count), *([0.25] if count % 2 else []))
    assert count > 5
    read = buffer.read()
    assert [metrics.step for metrics in read] == list(range(1, count + 1))
    assert [metrics.nll for metrics in read] == [n + 0.25 * (n % 2) for n in range(1, count + 1)]
    assert not buffer.is_due
    assert buffer.read() == []


@pytest.mark.parametrize(("nll", "norm"), [(math.nan, 1.0), (1.0, math.inf), (math.inf, 1.0)])
def test_what_is_no_number_is_noticed(nll: float, norm: float) -> None:
    buffer = MetricBuffer(torch.device("meta"))
    _add(buffer, 1, 1.0)
    _add(buffer, 2, nll, norm=norm)
    assert [metrics.is_finite for metrics in buffer.read()] == [True, False]
