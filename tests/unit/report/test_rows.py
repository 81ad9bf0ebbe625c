"""What the charts are given: everything that was measured, and nothing that was not."""

import math

from seqloom.report import rows
from tests.comparison_factory import make, make_many, make_text_corpus


def test_seeds_have_dots_only_where_there_are_several() -> None:
    assert sum(row["what"] == "seed" for row in rows.quality_rows(make())) == 3 * 2 * 2
    assert not any(row["what"] == "seed" for row in rows.quality_rows(make(seeds=(0,))))


def test_every_bin_of_every_arm_is_a_row() -> None:
    comparison = make()
    expected = sum(len(bins) for arm in comparison.arms for bins in arm.by_length.values())
    found = rows.length_rows(comparison)
    assert len(found) == expected
    assert all(row["low"] <= row["value"] <= row["high"] for row in found)
    assert "3–6|412" in {row["bin"] for row in found}


def test_times_are_in_the_unit_that_is_named() -> None:
    comparison = make()
    assert rows.time_unit(comparison) == "seconds"
    last = comparison.arms[0].runs[0].curve[-1]
    assert any(math.isclose(row["time"], last.seconds) for row in rows.curve_rows(comparison))
    slow = tuple(
        arm.model_copy(
            update={
                "runs": tuple(
                    run.model_copy(
                        update={"curve": tuple(p.model_copy(update={"seconds": p.seconds * 60}) for p in run.curve)}
                    )
                    for run in arm.runs
                )
            }
        )
        for arm in comparison.arms
    )
    slower = comparison.model_copy(update={"arms": slow})
    assert rows.time_unit(slower) == "minutes"
    fast_times = [row["time"] for row in rows.curve_rows(comparison)]
    slow_times = [row["time"] for row in rows.curve_rows(slower)]
    assert all(math.isclose(a, b) for a, b in zip(fast_times, slow_times, strict=True))


def test_what_was_not_measured_has_no_bar() -> None:
    measured = {row["measure"] for row in rows.cost_rows(make_text_corpus())}
    assert measured == rows.COSTS.keys() - {"decode_rate", "latency"}
    assert "Hand-written rules" not in {row["arm"] for row in rows.cost_rows(make())}


def test_too_many_pairs_are_those_with_the_best_arm() -> None:
    comparison = make_many(20)
    drawn = rows.drawn_differences(comparison, "test")
    assert len(drawn) == 20
    best = comparison.arms[0].name
    assert all(best in (found.better, found.worse) for found in drawn)
    few = make()
    assert len(rows.drawn_differences(few, "test")) == len([d for d in few.differences if d.test == "test"])
