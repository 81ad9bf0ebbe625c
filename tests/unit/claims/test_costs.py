"""Costs: that fits find known laws, and that what is measured has the shape it should."""

import pytest

from seqloom.claims.costs import decoding_seconds, exponent, mixing_cost, step_seconds
from seqloom.experiment.arms import THREE


@pytest.mark.parametrize("power", [-0.5, 0.0, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(power):
    assert exponent({str(x): 3.0 * x**power for x in (16, 32, 64, 128)}) == pytest.approx(power)


def test_a_constant_part_is_left_out_with_the_short_lengths():
    costs = {str(x): 1.0 + 1e-4 * x**2 for x in (1, 2, 4, 1024, 2048, 4096)}
    assert exponent(costs) < 1.5
    assert exponent(costs, least=1024) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("recipe", THREE)
def test_steps_and_decoding_are_timed_at_every_length(recipe):
    assert set(step_seconds(recipe, [4, 8], 16, 0.0, threads=1)) == {"4", "8"}
    found = decoding_seconds(recipe, [4, 8], src_len=4, repeats=1)
    assert set(found["stepwise"]) == set(found["at once"]) == {"4", "8"}
    assert found["stepwise"]["8"] > found["stepwise"]["4"] > 0


def test_the_cache_of_attention_grows_and_that_of_recurrence_does_not():
    caches = {recipe: decoding_seconds(recipe, [4, 8], src_len=4, repeats=1)["cache"] for recipe in THREE}
    assert caches["rnn-tiny"]["8"] == caches["rnn-tiny"]["4"]
    assert caches["transformer-tiny"]["8"] == 2 * caches["transformer-tiny"]["4"]


@pytest.mark.parametrize("mixer", ["explicit attention", "fused attention", "recurrence"])
def test_layers_are_measured_in_time_and_memory(mixer):
    found = mixing_cost(mixer, [8, 16], 0.0, width=16)
    assert all(cost["seconds"] > 0 and cost["mib"] > 0 for cost in found.values())
