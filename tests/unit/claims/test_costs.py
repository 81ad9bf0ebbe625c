"""Costs: fits give the exponents of known laws, and measurements have a value for every length."""

import pytest

from seqloom.claims.costs import decoding_seconds, exponent, mixing_cost, step_seconds
from seqloom.experiment.arms import MAIN_RECIPES


@pytest.mark.parametrize("power", [-0.5, 0.0, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_found(power: float) -> None:
    assert exponent({str(x): 3.0 * x**power for x in (16, 32, 64, 128)}) == pytest.approx(power)


def test_without_the_short_lengths_a_constant_part_does_not_matter() -> None:
    costs = {str(x): 1.0 + 1e-4 * x**2 for x in (1, 2, 4, 1024, 2048, 4096)}
    assert exponent(costs) < 1.5
    assert exponent(costs, least=1024) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("recipe", MAIN_RECIPES)
def test_steps_and_decoding_are_timed_at_every_length(recipe: str) -> None:
    assert set(step_seconds(recipe, [4, 8], 16, 0.0, threads=1)) == {"4", "8"}
    seconds = decoding_seconds(recipe, [4, 8], src_len=4, repeats=1)
    assert set(seconds["stepwise"]) == set(seconds["at once"]) == {"4", "8"}
    assert seconds["stepwise"]["8"] > seconds["stepwise"]["4"] > 0


def test_the_cache_of_attention_grows_and_that_of_recurrence_does_not() -> None:
    caches = {recipe: decoding_seconds(recipe, [4, 8], src_len=4, repeats=1)["cache"] for recipe in MAIN_RECIPES}
    assert caches["rnn-tiny"]["8"] == caches["rnn-tiny"]["4"]
    assert caches["transformer-tiny"]["8"] == 2 * caches["transformer-tiny"]["4"]


@pytest.mark.parametrize("mixer", ["explicit attention", "fused attention", "recurrence"])
def test_layers_are_measured_in_time_and_memory(mixer: str) -> None:
    costs = mixing_cost(mixer, [8, 16], 0.0, width=16)
    assert all(cost["seconds"] > 0 and cost["mib"] > 0 for cost in costs.values())
