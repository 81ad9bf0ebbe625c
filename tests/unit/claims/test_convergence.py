"""The rule of convergence on curves whose truth is known: arms that improve, or never learned, contradict nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.claims.convergence import (
    ABSOLUTE,
    RELATIVE,
    ArmLosses,
    has_learned,
    is_improving,
    make_rung,
    overfits,
    settle,
    turning_points,
)
from seqloom.claims.rule import ask
from seqloom.claims.verdict import Contrast, Question, Rung, Term

STEPS = tuple(200 * 4**rung for rung in range(8))


def power_law(steps: float, floor: float, height: float, exponent: float) -> float:
    """The loss of a model that learns by a power law."""
    return floor + height * steps**-exponent


def question(first: Sequence[float], second: Sequence[float], margin: float = 0.0) -> Question:
    terms = (
        Term(arm="A", weight=1, values=tuple(first)),
        Term(arm="B, beyond", weight=-1, values=tuple(second)),
    )
    return ask("Is A better?", Contrast(terms=terms), unit="points", margin=margin)


def climb(
    losses: Mapping[str, Sequence[Sequence[float]]],
    scores: Mapping[str, Sequence[Sequence[float]]],
    threshold: float | None = None,
    margin: float = 0.0,
) -> list[Rung]:
    """A ladder of two arms: for each arm, for each rung, a value for each seed. It ends where both have converged."""
    rungs: list[Rung] = []
    for index, steps in enumerate(STEPS[: len(losses["A"])]):
        arms = [ArmLosses(name, name, tuple(losses[name][index]), tuple(scores[name][index])) for name in "AB"]
        asked = question(scores["A"][index], scores["B"][index], margin)
        rungs.append(make_rung(steps, (asked,), arms, rungs[-1] if rungs else None, threshold))
        if not any(arm.improving for arm in rungs[-1].arms):
            break
    return rungs


@given(
    floor=st.floats(0.05, 4.0),
    height=st.floats(0.0, 60.0),
    exponent=st.floats(0.5, 2.0),
    rung=st.integers(1, 7),
)
@settings(max_examples=200, deadline=None)
def test_where_a_power_law_counts_as_converged_little_is_left(
    floor: float, height: float, exponent: float, rung: int
) -> None:
    before, now = (power_law(STEPS[index], floor, height, exponent) for index in (rung - 1, rung))
    if not is_improving([before] * 3, [now] * 3):
        assert now - floor <= max(RELATIVE * before, ABSOLUTE) + 1e-9


@given(before=st.lists(st.floats(0.01, 9), min_size=1, max_size=5), gain=st.floats(0.03, 0.9))
@settings(deadline=None)
def test_an_arm_that_gets_better_by_more_than_the_tolerance_improves(before: list[float], gain: float) -> None:
    now = [loss * (1 - gain) for loss in before]
    mean = sum(before) / len(before)
    assert is_improving(before, now) == (gain * mean > ABSOLUTE)
    # Worse or equal is never an improvement.
    assert not is_improving(now, before)
    assert not is_improving(before, before)


def test_the_first_rung_and_losses_that_are_no_numbers_settle_nothing() -> None:
    assert is_improving(None, [1.0])
    assert is_improving([1.0], [float("nan")])
    assert is_improving([float("nan")], [1.0])


@pytest.mark.parametrize(
    ("val_losses", "train_losses", "expected"),
    [
        ((3.0, 2.0, 2.1), (3.0, 2.0, 1.5), True),
        # Noise, no memory of the training data: the training loss rose too.
        ((3.0, 2.0, 2.1), (3.0, 2.0, 2.2), False),
        ((3.0, 2.0, 2.01), (3.0, 2.0, 1.5), False),
        ((0.03, 0.010, 0.014), (0.1, 0.02, 0.01), False),
        ((3.0, 2.5, 2.0), (3.0, 2.0, 1.5), False),
        ((3.0, 2.0, 2.1), (None, None, 1.5), False),
        ((2.0,), (2.0,), False),
    ],
)
def test_a_run_overfits_where_validation_rises_and_training_falls(
    val_losses: tuple[float, ...], train_losses: tuple[float | None, ...], expected: bool
) -> None:
    assert overfits(val_losses, train_losses) is expected


@pytest.mark.parametrize(("overfitting", "improving"), [((True, True, False), False), ((True, False, False), True)])
def test_an_arm_most_of_whose_runs_overfit_no_longer_improves(overfitting: tuple[bool, ...], improving: bool) -> None:
    asked = question([9.0, 9.1, 9.2], [1.0, 1.1, 1.2])
    first = make_rung(200, (asked,), [ArmLosses("A", "A", (3.0,) * 3, (), overfitting)], None, None)
    second = make_rung(800, (asked,), [ArmLosses("A", "A", (2.0,) * 3, (), overfitting)], first, None)
    assert first.arms[0].improving
    assert second.arms[0].improving is improving


def first_convergence(curves: Sequence[np.ndarray]) -> int:
    """The first rung at which no arm improves; the last where one always does."""
    for rung in range(1, len(STEPS)):
        if not any(is_improving(curve[rung - 1], curve[rung]) for curve in curves):
            return rung
    return len(STEPS) - 1


def test_an_arm_that_improves_never_contradicts_by_simulation() -> None:
    """A is better in the end and far behind at first: the claim is hardly ever called contradicted on the way."""
    rng = np.random.default_rng(0)
    steps = np.array(STEPS, dtype=float)[:, None]
    alarms = supported = 0
    for _ in range(2000):
        exponents = rng.uniform(0.8, 1.0, 2)
        curves = [
            floor + height * steps**-exponent + rng.normal(0, 0.005, (len(STEPS), 3))
            for floor, height, exponent in ((1.0, 100.0, exponents[0]), (1.3, 8.0, exponents[1]))
        ]
        scores = [100 * np.exp(-curve) for curve in curves]
        assert scores[0][0].mean() < scores[1][0].mean()
        last = first_convergence(curves)
        asked = question(scores[0][last], scores[1][last])
        before, now = (
            [ArmLosses(name, name, tuple(curve[rung]), ()) for name, curve in zip("AB", curves, strict=True)]
            for rung in (last - 1, last)
        )
        rung = make_rung(STEPS[last - 1], (asked,), before, None, None)
        settlement = settle([rung, make_rung(STEPS[last], (asked,), now, rung, None)])
        alarms += settlement.answer == "contradicted"
        supported += settlement.answer == "supported"
    assert alarms / 2000 <= 0.06
    assert supported / 2000 >= 0.8


def test_an_arm_that_has_not_learned_cannot_contradict_but_support() -> None:
    flat = [[2.0] * 3, [2.0] * 3]
    guessing, right = [[26.0, 25.0, 27.0]] * 2, [[99.0, 98.0, 99.5]] * 2
    failed = settle(climb({"A": flat, "B": flat}, {"A": guessing, "B": right}, threshold=90.0))
    assert (failed.status, failed.answer) == ("open", "inconclusive")
    assert "cannot contradict anything: A" in failed.reasons[0]
    ahead = settle(climb({"A": flat, "B": flat}, {"A": right, "B": guessing}, threshold=90.0))
    assert (ahead.status, ahead.answer, ahead.reasons) == ("settled", "supported", ())
    # Without a threshold convergence alone counts.
    assert settle(climb({"A": flat, "B": flat}, {"A": guessing, "B": right})).answer == "contradicted"


def test_the_three_states() -> None:
    flat, falling = [[2.0] * 3] * 2, [[3.0] * 3, [2.0] * 3]
    equal = [[50.0, 51.0, 49.0]] * 2
    assert settle(climb({"A": falling, "B": flat}, {"A": equal, "B": equal})).status == "still learning"
    undecided = settle(climb({"A": flat, "B": flat}, {"A": equal, "B": equal}))
    assert undecided.status == "open"
    assert undecided.reasons == ("The interval reaches over the margin: Is A better?",)


@pytest.mark.parametrize(
    ("scores", "threshold", "learned"),
    [((99.0, 98.0, 20.0), 90.0, True), ((99.0, 20.0), 90.0, False), ((1.0,), None, True), ((90.0,), 90.0, True)],
)
def test_most_seeds_have_to_learn(scores: tuple[float, ...], threshold: float | None, learned: bool) -> None:
    assert has_learned(scores, threshold) is learned


def test_turning_points() -> None:
    losses = {"A": [[4.0] * 3, [3.0] * 3, [2.0] * 3], "B": [[4.0] * 3, [3.0] * 3, [2.0] * 3]}
    low, high = [10.0, 11.0, 10.5], [20.0, 21.0, 20.5]
    rungs = climb(losses, {"A": [low, high, high], "B": [high, low, low]})
    assert [rung.verdict for rung in rungs] == ["contradicted", "supported", "supported"]
    assert turning_points(rungs) == (800,)
