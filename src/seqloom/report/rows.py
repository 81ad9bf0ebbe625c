"""A comparison as flat rows, the form of data that charts need.

Output: named lists of rows. Each list is in the page once, and several charts draw from it. This module does not know charts.
"""

import math
from collections.abc import Mapping
from typing import Any

from seqloom.comparison.comparison import Comparison, Difference, RunResult
from seqloom.report import wording
from seqloom.report.wording import leading

Row = Mapping[str, Any]

# The measures of cost and their titles; `cost_title` fills in the item of a test split.
COSTS: Mapping[str, str] = {
    "train_rate": "Training, target tokens a second",
    "train_time": "Training, minutes of updates",
    "decode_rate": "Decoding, {item}s a second",
    "latency": "Latency of one {item}, ms",
    "memory": "Peak memory, MiB",
    "parameters": "Parameters",
}
# With more pairs, the chart of all differences is unreadable.
MAX_PAIRS = 28


def finite(value: float | None) -> float | None:
    """The value, or None if it is infinite or NaN, which JSON cannot express."""
    return value if value is not None and math.isfinite(value) else None


def quality_rows(comparison: Comparison) -> list[Row]:
    """The leading metric by test split and arm: a row for the mean, and a row for each seed."""
    labels = wording.arm_labels(comparison)
    rows: list[Row] = []
    for test in comparison.test_labels:
        for arm in comparison.arms:
            quality = leading(arm.tests.get(test, ()), comparison.metric)
            if quality is None or finite(quality.value) is None:
                continue
            span = quality.interval
            rows.append(
                {
                    "test": test,
                    "arm": labels[arm.name],
                    "what": "mean",
                    "value": quality.value,
                    "low": finite(span.low) if span else None,
                    "high": finite(span.high) if span else None,
                    "text": wording.score_with_interval(quality),
                }
            )
            for run in arm.runs:
                of_seed = leading(run.tests.get(test, ()), comparison.metric)
                if of_seed is not None and len(arm.runs) > 1 and finite(of_seed.value) is not None:
                    rows.append(
                        {
                            "test": test,
                            "arm": labels[arm.name],
                            "what": "seed",
                            "value": of_seed.value,
                            "text": f"seed {run.seed}: {wording.score(comparison.metric, of_seed.value)}",
                        }
                    )
    return rows


def length_rows(comparison: Comparison) -> list[Row]:
    """The leading metric by test split, arm and source length. `bin` holds the words and the number of sentences."""
    labels = wording.arm_labels(comparison)
    rows: list[Row] = []
    for test in comparison.test_labels:
        sizes = bin_sizes(comparison, test)
        for arm in comparison.arms:
            for length_bin in arm.by_length.get(test, ()):
                quality, key = length_bin.quality, (length_bin.low, length_bin.high)
                if finite(quality.value) is None:
                    continue
                span = quality.interval
                rows.append(
                    {
                        "test": test,
                        "arm": labels[arm.name],
                        "bin": f"{wording.words_of(length_bin)}|{wording.number(sizes[key])}",
                        "order": length_bin.low,
                        "value": quality.value,
                        "low": finite(span.low) if span else quality.value,
                        "high": finite(span.high) if span else quality.value,
                        "text": wording.score_with_interval(quality),
                    }
                )
    return rows


def bin_sizes(comparison: Comparison, test: str) -> dict[tuple[int, int], int]:
    """The number of sentences by (low, high) source words on a test split, in order."""
    sizes: dict[tuple[int, int], int] = {}
    for arm in comparison.arms:
        for length_bin in arm.by_length.get(test, ()):
            key = length_bin.low, length_bin.high
            sizes[key] = max(sizes.get(key, 0), length_bin.num_sentences)
    return dict(sorted(sizes.items()))


def curve_rows(comparison: Comparison) -> list[Row]:
    """Every validation of every run; `time` is in `time_unit`."""
    scale = 60 if time_unit(comparison) == "minutes" else 1
    labels = wording.arm_labels(comparison)
    return [
        {
            "arm": labels[arm.name],
            "seed": run.seed,
            "step": point.step,
            "tokens": point.tokens,
            "time": point.seconds / scale,
            "loss": finite(point.val_loss),
            "quality": finite(point.val_quality),
        }
        for arm in comparison.arms
        for run in arm.runs
        for point in run.curve
    ]


def time_unit(comparison: Comparison) -> str:
    """The unit of the training times in charts: `seconds` if all are short, else `minutes`."""
    longest = max((point.seconds for arm in comparison.arms for run in arm.runs for point in run.curve), default=0.0)
    return "seconds" if longest < 300 else "minutes"


def cost_of(run: RunResult, measure: str) -> float | None:
    """The cost of a run by a measure of COSTS; None if it was not measured."""
    values = {
        "train_rate": run.tokens_per_second,
        "train_time": run.train_seconds / 60,
        "decode_rate": run.decoding.sentences_per_second,
        "latency": run.decoding.latency_ms,
        "memory": run.peak_memory_mib,
        "parameters": float(run.parameters),
    }
    value = finite(values[measure])
    return value if value is not None and value > 0 else None


def cost_title(comparison: Comparison, measure: str) -> str:
    """The title of a measure of COSTS."""
    return COSTS[measure].format(item=wording.test_item(comparison))


def cost_text(measure: str, value: float | None) -> str:
    """A cost as text, without its unit."""
    if value is None:
        return wording.MISSING
    if measure == "parameters":
        return wording.compact(value)
    return wording.number(value, 2 if value < 10 else 1 if value < 100 else 0)


def cost_rows(comparison: Comparison) -> list[Row]:
    """The measured costs by arm, as means over its seeds."""
    labels = wording.arm_labels(comparison)
    rows: list[Row] = []
    for measure in COSTS:
        for arm in comparison.arms:
            value = wording.mean(cost for run in arm.runs if (cost := cost_of(run, measure)) is not None)
            if value is not None:
                text = cost_text(measure, value)
                rows.append({"measure": measure, "arm": labels[arm.name], "value": value, "text": text})
    return rows


def drawn_differences(comparison: Comparison, test: str) -> list[Difference]:
    """The differences on a test split, the largest first; if there are too many, only those with the best arm."""
    results = [difference for difference in comparison.differences if difference.test == test]
    if len(results) > MAX_PAIRS:
        best = comparison.arms[0].name
        results = [difference for difference in results if best in (difference.better, difference.worse)]
    return sorted(results, key=lambda difference: -difference.difference)


def difference_rows(comparison: Comparison) -> list[Row]:
    """A row for each difference that is drawn, by test split."""
    labels = wording.arm_labels(comparison)
    return [
        {
            "test": test,
            "pair": f"{labels[difference.better]} over {labels[difference.worse]}{wording.judged_by(comparison, difference)}",
            "arm": labels[difference.better],
            "value": finite(difference.difference),
            "low": finite(difference.interval.low),
            "high": finite(difference.interval.high),
            "significant": difference.significant,
            "text": wording.difference_value(difference, comparison.metric),
        }
        for test in comparison.test_labels
        for difference in drawn_differences(comparison, test)
    ]
