"""Intervals and p-values: that they keep what they promise, by simulation."""

import contextlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from seqloom.errors import ConfigError, CorpusError
from seqloom.metrics import (
    METRICS,
    bootstrap_interval,
    by_length,
    choose_bins,
    difference,
    interval,
    paired_bootstrap,
    score_runs,
)
from seqloom.metrics.metric import Stats
from seqloom.metrics.student import critical_value, two_sided_p


def outcomes(right: ArrayLike) -> Stats:
    """Counts of the metric exact_match for an array of chances or of truth values."""
    right = np.asarray(right, dtype=np.float64)
    return np.stack([right, np.ones(len(right))], axis=1)


def draw(rng: np.random.Generator, chances: NDArray[np.float64]) -> Stats:
    return outcomes(rng.random(len(chances)) < chances)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (2, 4.303), (2.5, 3.558), (4, 2.776), (10, 2.228), (30, 2.042), (1e6, 1.960)]
)
def test_students_t_against_printed_tables(freedom: float, expected: float) -> None:
    if freedom == 2.5:
        # No table holds it, but the two functions must be each other's inverse.
        expected = critical_value(0.95, freedom)
        assert 3.182 < expected < 4.303
    assert critical_value(0.95, freedom) == pytest.approx(expected, abs=1.5e-3)
    assert two_sided_p(expected, freedom) == pytest.approx(0.05, abs=1e-4)


def test_the_bootstrap_interval_is_that_of_a_share() -> None:
    low, high = bootstrap_interval("exact_match", outcomes(np.arange(1000) < 300))
    reach = 196 * np.sqrt(0.3 * 0.7 / 1000)
    assert low == pytest.approx(30 - reach, abs=0.5)
    assert high == pytest.approx(30 + reach, abs=0.5)


def test_the_paired_bootstrap_rarely_gives_a_false_alarm() -> None:
    # Two systems with the same chances at each sentence.
    rng = np.random.default_rng(1)
    alarms = 0
    for trial in range(400):
        chances = rng.random(150)
        result = paired_bootstrap("exact_match", draw(rng, chances), draw(rng, chances), num_resamples=300, seed=trial)
        alarms += result.significant
    assert 0.02 < alarms / 400 < 0.085


def test_the_paired_bootstrap_finds_a_difference_that_is_there() -> None:
    rng = np.random.default_rng(2)
    chances = rng.random(600) * 0.8
    result = paired_bootstrap("exact_match", draw(rng, chances + 0.15), draw(rng, chances))
    assert result.significant
    assert result.low > 0
    assert result.low < 15 < result.high


def test_exchanging_the_systems_negates_the_difference() -> None:
    rng = np.random.default_rng(3)
    a, b = draw(rng, np.full(200, 0.5)), draw(rng, np.full(200, 0.6))
    forward, reverse = paired_bootstrap("exact_match", a, b), paired_bootstrap("exact_match", b, a)
    assert (forward.difference, forward.low, forward.high) == pytest.approx(
        (-reverse.difference, -reverse.high, -reverse.low)
    )
    assert forward.p_value == reverse.p_value


def test_equal_systems_do_not_differ() -> None:
    a = outcomes(np.arange(50) % 3 == 0)
    result = paired_bootstrap("exact_match", a, a)
    assert (result.difference, result.low, result.high, result.p_value, result.significant) == (0, 0, 0, 1, False)
    over_seeds = difference("exact_match", [a, a], [a, a])
    assert (over_seeds.difference, over_seeds.p_value) == (0, 1)


def test_the_size_of_blocks_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = outcomes(np.arange(90) % 2), outcomes(np.arange(90) % 3 == 0)
    whole = paired_bootstrap("exact_match", a, b)
    monkeypatch.setattr("seqloom.metrics.significance._BLOCK", 1000)
    assert paired_bootstrap("exact_match", a, b) == whole


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    stats = outcomes(np.arange(101) % 2)
    metric_intervals = [bootstrap_interval("exact_match", stats, num_resamples=101, seed=seed) for seed in (0, 0, 1)]
    assert metric_intervals[0] == metric_intervals[1] != metric_intervals[2]


def simulate_arm(
    rng: np.random.Generator,
    sentence_effects: NDArray[np.float64],
    seed_spread: float,
    num_seeds: int,
    effect: float = 0.0,
) -> list[Stats]:
    """Runs of an arm: the truth is the mean over all seeds and sentences that might have been drawn."""
    luck = rng.normal(0, seed_spread, num_seeds)
    return [draw(rng, np.clip(sentence_effects + effect + shift, 0, 1)) for shift in luck]


@pytest.mark.parametrize("seed_spread", [0.0, 0.02, 0.08])
def test_intervals_over_three_seeds_cover_the_truth(seed_spread: float) -> None:
    rng = np.random.default_rng(4)
    trials = 120
    covered = alarms = 0
    for trial in range(trials):
        sentences = rng.choice([0.3, 0.7], 200)
        arm = simulate_arm(rng, sentences, seed_spread, 3)
        other = simulate_arm(rng, sentences, seed_spread, 3)
        estimate = interval("exact_match", arm, num_resamples=60, seed=trial)
        covered += estimate.low <= 50 <= estimate.high
        alarms += difference("exact_match", arm, other, num_resamples=60, seed=trial).significant
    assert covered / trials > 0.91
    assert alarms / trials < 0.09


def test_intervals_from_resampling_three_seeds_would_be_too_narrow() -> None:
    # Why there is no hierarchical bootstrap: the same simulation, seeds resampled.
    rng = np.random.default_rng(5)
    trials, covered = 300, 0
    for _ in range(trials):
        values = 50 + rng.normal(0, 8, 3)
        means = rng.choice(values, (400, 3)).mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        covered += low <= 50 <= high
    assert covered / trials < 0.85


def test_several_seeds_are_compared_with_one_outside_system() -> None:
    rng = np.random.default_rng(6)
    runs = simulate_arm(rng, np.full(300, 0.6), 0.02, 3)
    outside = draw(rng, np.full(300, 0.2))
    result = difference("exact_match", runs, [outside])
    assert result.significant
    assert "3 and 1 seeds" in result.method


def test_more_seeds_and_more_sentences_make_intervals_narrower() -> None:
    rng = np.random.default_rng(7)

    def width(num_seeds: int, num_sentences: int) -> float:
        arms = [simulate_arm(rng, np.full(num_sentences, 0.5), 0.03, num_seeds) for _ in range(20)]
        estimates = [interval("exact_match", arm, num_resamples=200) for arm in arms]
        return float(np.mean([estimate.high - estimate.low for estimate in estimates]))

    assert width(8, 300) < width(3, 300)
    assert width(5, 2000) < width(5, 100)


def test_the_score_of_runs_is_their_mean() -> None:
    runs = [outcomes(np.arange(100) < right) for right in (40, 50, 60)]
    result = score_runs("exact_match", runs)
    assert result.value == pytest.approx(50)
    assert result.interval is not None
    assert result.interval[0] < 40 < 60 < result.interval[1]
    assert result.signature.startswith("exact_match|")
    assert str(result).startswith("exact match 50.00 [")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_bootstrap("exact_match", outcomes([1, 0]), outcomes([1, 0, 1])), "2 and 3 sentences"),
        (lambda: bootstrap_interval("exact_match", outcomes([1])), "at least 2 test sentences"),
        (lambda: interval("exact_match", []), "no runs"),
        (lambda: by_length("exact_match", ["a"], [outcomes([1, 0])]), "2 scored sentences were given for 1 sources"),
        (lambda: choose_bins([]), "no sources"),
    ],
)
def test_errors(call: Callable[[], object], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        call()


def test_bins_are_adjacent_and_have_enough_sentences() -> None:
    rng = np.random.default_rng(8)
    lengths = rng.integers(1, 40, 1000)
    sources = ["w " * length for length in lengths]
    bins = choose_bins(sources)
    assert 5 <= len(bins) <= 6
    assert bins[0][0] == lengths.min()
    assert bins[-1][1] == lengths.max()
    assert all(high + 1 == low for (_, high), (low, _) in pairwise(bins))
    assert all(np.sum((lengths >= low) & (lengths <= high)) >= 100 for low, high in bins)


@pytest.mark.parametrize(
    "lengths", [[3] * 500, [1, 2, 3], list(range(1, 50)), [1] * 400 + [9] * 2, [2] * 29 + [50] * 31]
)
def test_bins_of_odd_corpora(lengths: list[int]) -> None:
    bins = choose_bins(["w " * length for length in lengths])
    sizes = [sum(low <= length <= high for length in lengths) for low, high in bins]
    assert sum(sizes) == len(lengths)
    assert len(bins) == 1 or min(sizes) >= 30


def test_by_length_scores_each_group() -> None:
    sources = ["a"] * 40 + ["a b c"] * 60
    right = outcomes([1] * 40 + [0] * 30 + [1] * 30)
    short, long = by_length("exact_match", sources, [right, right])
    assert (short.low, short.high, short.num_sentences, short.estimate.value) == (1, 2, 40, 100)
    assert (long.low, long.high, long.num_sentences, long.estimate.value) == (3, 3, 60, 50)


def test_bins_that_miss_a_length_are_an_error() -> None:
    with pytest.raises(ConfigError, match="3 words falls into no bin"):
        by_length("exact_match", ["a", "a b c"], [outcomes([1, 0])], bins=[(1, 2)])


def test_every_metric_has_what_reports_need() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        with contextlib.suppress(ConfigError):  # a tokenizer that is not installed
            assert metric.sign(" ; ")
        assert metric.label
