"""Readings: at once on a CPU, in bunches on an accelerator, every number once and in order."""

import math

import pytest
import torch

from seqloom.readings import Readings


def _add(readings: Readings, step: int, *nlls: float, norm: float = 1.0) -> None:
    readings.add(step, [torch.tensor(nll) for nll in nlls], torch.tensor(norm), 10 * step, (0, step))


def test_on_a_cpu_each_update_is_due() -> None:
    readings = Readings(torch.device("cpu"))
    assert not readings.are_due
    _add(readings, 1, 2.5, 0.5, norm=3.0)
    assert readings.are_due
    (reading,) = readings.read()
    assert (reading.step, reading.nll, reading.norm, reading.num_tokens, reading.place) == (1, 3.0, 3.0, 10, (0, 1))
    assert readings.read() == []


def test_elsewhere_they_are_kept_for_a_while_and_read_once_in_order() -> None:
    readings = Readings(torch.device("meta"))
    count = 0
    while not readings.are_due:
        count += 1
        _add(readings, count, float(count), *([0.25] if count % 2 else []))
    assert count > 5
    read = readings.read()
    assert [reading.step for reading in read] == list(range(1, count + 1))
    assert [reading.nll for reading in read] == [n + 0.25 * (n % 2) for n in range(1, count + 1)]
    assert not readings.are_due
    assert readings.read() == []


@pytest.mark.parametrize(("nll", "norm"), [(math.nan, 1.0), (1.0, math.inf), (math.inf, 1.0)])
def test_what_is_no_number_is_noticed(nll: float, norm: float) -> None:
    readings = Readings(torch.device("meta"))
    _add(readings, 1, 1.0)
    _add(readings, 2, nll, norm=norm)
    assert [reading.is_finite for reading in readings.read()] == [True, False]
