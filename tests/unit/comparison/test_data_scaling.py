"""Data scaling: nested parts of the data, a power law that is found again, and what is said of it."""

from collections.abc import Iterator

import numpy as np
import pytest

from seqloom.comparison.data_scaling import (
    PartResult,
    measure_scaling,
    part_of,
    part_sizes,
    scaling_sentence,
    with_scaling,
)
from seqloom.comparison.quality_measure import QualityMeasure
from seqloom.corpus import Corpus, SentencePair
from seqloom.corpus.corpus import Document, Split
from seqloom.errors import ConfigError
from seqloom.evaluation import TestOutputs
from tests.comparison_factory import make

SIZES = (1000, 2000, 4000, 8000)
REFERENCE = "eight by"
NUM_TEST = 400


def corpus(num_items: int, unit: str = "pairs") -> Corpus:
    def read() -> Iterator[SentencePair | Document]:
        for number in range(num_items):
            yield SentencePair(f"s{number}", f"t{number}")

    split = Split("train", "made", "abc", read, num_items, unit=unit)
    return Corpus("made", "pairs", split, split, {"test": split}, metric="chrf", item_separator=" ; ")


def results(exponent: float, bend: tuple[float, ...] = (1, 1, 1, 1), noise: float = 0.3) -> list[PartResult]:
    """An arm whose loss is 8000 ** exponent at one item, times `bend`: bits per byte of sentences of eight bytes."""
    # The same sentences are hard after each size, so the noise is shared.
    difficulty = np.exp(np.random.default_rng(0).normal(0, noise, NUM_TEST))
    difficulty /= difficulty.mean()
    parts = []
    for size, factor in zip(SIZES, bend, strict=True):
        bits = (8000 / size) ** exponent * factor * difficulty
        nats = tuple(-bits * np.log(2) * len(REFERENCE))
        outputs = TestOutputs(
            sources=("x",) * NUM_TEST,
            references=(REFERENCE,) * NUM_TEST,
            outputs=(REFERENCE,) * NUM_TEST,
            log_probs=nats,
            num_tokens=(2,) * NUM_TEST,
            sentences_per_second=1.0,
            latency_ms=1.0,
            notes=(),
        )
        parts.append(PartResult(size, 100, outputs))
    return parts


def test_parts_are_nested_random_and_the_same_each_time() -> None:
    whole = corpus(1600)
    parts = [list(part_of(whole, 1600, size).train.pairs()) for size in part_sizes(1600)]
    assert [len(part) for part in parts] == [200, 400, 800]
    assert set(parts[0]) < set(parts[1]) < set(parts[2])
    assert parts[0] == list(part_of(whole, 1600, 200).train.pairs())
    # In the order of the data, and from all of it.
    numbers = [int(pair.src[1:]) for pair in parts[0]]
    assert numbers == sorted(numbers)
    assert min(numbers) < 100
    assert max(numbers) > 1500
    prints = {part_of(whole, 1600, size).train.fingerprint for size in (200, 400, 1600)}
    assert len(prints) == 3


def test_of_running_text_the_first_passages_are_taken() -> None:
    part = part_of(corpus(1600, "passages"), 1600, 200)
    assert [pair.src for pair in part.train.pairs()] == [f"s{number}" for number in range(200)]


def test_too_few_items_are_an_error() -> None:
    with pytest.raises(ConfigError, match=r"there are only 159 training items; it needs at least 160"):
        part_sizes(159)


def test_a_power_law_is_found_again() -> None:
    scaling = measure_scaling("a", "A", results(0.2), QualityMeasure(corpus(8000)))
    assert scaling.exponent == pytest.approx(0.2)
    assert scaling.exponent_interval.low < 0.2 < scaling.exponent_interval.high
    assert [point.loss for point in scaling.points] == pytest.approx([8**0.2, 4**0.2, 2**0.2, 1])
    assert scaling.fitted == pytest.approx([8**0.2, 4**0.2, 2**0.2, 1])
    assert [item.num_items for item in scaling.predictions] == [16_000, 32_000]
    assert scaling.predictions[0].loss == pytest.approx(2**-0.2)
    assert scaling.predictions[0].interval.low < 2**-0.2 < scaling.predictions[0].interval.high
    assert scaling.points[0].quality.value == pytest.approx(100)


def test_intervals_hold_the_truth_where_points_scatter() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(40):
        bend = tuple(np.exp(rng.normal(0, 0.03, len(SIZES))))
        interval = measure_scaling("a", "A", results(0.1, bend), QualityMeasure(corpus(8000))).exponent_interval
        held += interval.low < 0.1 < interval.high
    assert held >= 34


def test_what_is_said_of_gains_and_of_none() -> None:
    measure = QualityMeasure(corpus(8000))
    assert scaling_sentence(measure_scaling("a", "A", results(0.2), measure)).startswith(
        "A: twice as many pairs lower the loss by 12.9% [12."
    )
    flat = scaling_sentence(measure_scaling("a", "A", results(0.0, (1.0, 1.02, 0.99, 1.0)), measure))
    assert flat.endswith("so these runs do not show that more pairs would help.")


def test_a_comparison_says_where_the_law_does_not_hold() -> None:
    comparison = make()
    name = comparison.arms[0].name
    straight = with_scaling(comparison, corpus(8000), {name: results(0.2)})
    bent = with_scaling(comparison, corpus(8000), {name: results(0.2, (1, 1, 1, 1.4))})
    assert straight.verdict[: len(comparison.verdict)] == comparison.verdict
    assert len(straight.scaling) == 1
    assert "extrapolated by a power law" in straight.caveats[-1]
    assert "do not follow a power law" in bent.caveats[-1]
    assert with_scaling(comparison, corpus(8000), {}) == comparison
