"""Agreements of pictures, against counts by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from seqloom.explain.agreement import Picture, ReferencePictures, agreement, alignment_agreement


def picture(*rows: Sequence[float]) -> Picture:
    return np.array(rows, dtype=np.float64)


def test_a_picture_agrees_with_itself() -> None:
    one = picture([0.1, 0.2, 0.7], [0.6, 0.3, 0.1])
    found = agreement(one, one, [0, 1], [[0, 1, 2]] * 2)
    assert (found.alike, found.rank, found.count) == (1, 1, 2)


def test_a_picture_contradicts_its_opposite() -> None:
    one = picture([0.1, 0.2, 0.7], [0.6, 0.3, 0.1])
    found = agreement(one, -one, [0, 1], [[0, 1, 2]] * 2)
    assert (found.alike, found.rank) == (0, -1)


def test_ranks_against_a_count_by_hand() -> None:
    # Ranks 1 2 3 4 and 2 1 3 4: 1 - 6 * 2 / (4 * 15) = 0.8.
    found = agreement(picture([1, 2, 3, 4]), picture([20, 10, 30, 40]), [0], [[0, 1, 2, 3]])
    assert found.rank == pytest.approx(0.8)
    # Equal values share their rank; a row of equals says nothing.
    assert agreement(picture([1, 1, 1]), picture([1, 2, 3]), [0], [[0, 1, 2]]).rank is None


def test_columns_that_are_left_out_do_not_count() -> None:
    found = agreement(picture([0.1, 0.2, 0.7]), picture([0.1, 0.9, 0.0]), [0], [[0, 1]])
    assert found.alike == 1
    assert agreement(picture([1, 2]), picture([1, 2]), [0], [[1]]) is None
    assert agreement(picture([1, 2]), None, [0], [[0, 1]]) is None


def test_truth_counts_pointing_mass_and_chance() -> None:
    found = alignment_agreement(picture([0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [1, 0, 0]), [(0,), (0, 1), ()], [0, 1, 2])
    assert found.count == 2
    assert found.alike == pytest.approx(0.5)
    assert found.mass == pytest.approx((0.5 + 0.2) / 2)
    assert found.chance == pytest.approx((1 / 3 + 2 / 3) / 2)
    # What speaks against a word is no weight on it.
    assert alignment_agreement(picture([-5, 1]), [(1,)], [0, 1]).mass == 1


def test_blind_guessing_agrees_by_chance() -> None:
    rng = np.random.default_rng(0)
    rows = rng.random((4000, 5))
    found = alignment_agreement(rows, [(2,)] * 4000, range(5))
    assert found.alike == pytest.approx(found.chance, abs=0.03)
    assert found.mass == pytest.approx(found.chance, abs=0.03)


def test_a_picture_within_the_target_is_judged_by_what_was_there() -> None:
    one = picture([1, 9, 9, 9], [0, 1, 9, 9], [0, 5, 1, 9], [0, 1, 2, 3])
    references = ReferencePictures(
        occlusion=None,
        gradient=None,
        within_target=(one, None),
        truth=None,
        src_positions=[],
        tgt_positions=[0, 1, 2],
        fed_positions=[1, 2, 3],
    )
    # Rows 0 and 1 have at most one token before them besides bos.
    assert references.agreements_within_target(one).occlusion.count == 1
    assert references.agreements_within_target(one).gradient is None
