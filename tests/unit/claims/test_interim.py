"""Sequential seeds: few false alarms where there is no effect, and effects of twice the margin are found. By simulation."""

import numpy as np
import pytest

from seqloom.claims.interim import PLAN, at_level, is_bimodal, level_of, newcombe, shares
from seqloom.claims.rule import ask, interval_of
from seqloom.claims.verdict import Answer, Contrast, Question, Term


def question(first: np.ndarray, second: np.ndarray, margin: float = 0.0) -> Question:
    terms = (Term(arm="A", weight=1, values=tuple(first)), Term(arm="B", weight=-1, values=tuple(second)))
    return ask("?", Contrast(terms=terms), unit="points", margin=margin)


def sequential(
    first: np.ndarray, second: np.ndarray, margin: float, plan: tuple[int, ...] = PLAN
) -> tuple[Answer, int]:
    """The answer of the rule, and the number of seeds at which it was given."""
    for seeds in plan:
        answer = at_level(question(first[:seeds], second[:seeds], margin), level_of(plan)).answer
        if answer != "inconclusive":
            break
    return answer, seeds


def test_no_effect_raises_few_alarms() -> None:
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(2000):
        first, second = rng.normal(0, 1, (2, PLAN[-1]))
        answers.append(sequential(first, second, margin=0.0)[0])
    assert sum(answer != "inconclusive" for answer in answers) / 2000 <= 0.06


@pytest.mark.parametrize("plan", [PLAN, (3, 5, 8)])
def test_an_effect_at_the_margin_raises_few_alarms(plan: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    answers = [
        sequential(rng.normal(2, 1, plan[-1]), rng.normal(0, 1, plan[-1]), margin=2.0, plan=plan)[0]
        for _ in range(2000)
    ]
    assert sum(answer != "inconclusive" for answer in answers) / 2000 <= 0.06


def test_effects_of_twice_the_margin_are_found() -> None:
    """Where seeds scatter by half of the margin or less."""
    rng = np.random.default_rng(2)
    found = [sequential(rng.normal(2, 0.5, PLAN[-1]), rng.normal(0, 0.5, PLAN[-1]), margin=1.0) for _ in range(2000)]
    assert sum(answer == "supported" for answer, _ in found) / 2000 >= 0.8
    # Most are found before all seeds were needed.
    assert np.mean([seeds for _, seeds in found]) < PLAN[-1]


def test_looking_often_at_the_usual_level_would_raise_more_alarms() -> None:
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(400):
        first, second = rng.normal(0, 1, (2, PLAN[-1]))
        alarms += any(question(first[:seeds], second[:seeds]).answer != "inconclusive" for seeds in PLAN)
    assert alarms / 400 > 0.08


@pytest.mark.parametrize(
    ("values", "bimodal"),
    [((98, 97, 30, 99), True), ((98, 97, 99), False), ((30, 31), False), ((92, 88, 85, 95), False)],
)
def test_seeds_of_which_some_learn(values: tuple[float, ...], bimodal: bool) -> None:
    assert is_bimodal(values, 90.0) is bimodal


def test_shares_of_seeds_that_learn() -> None:
    asked = question(np.array([98.0] * 11 + [30.0]), np.array([20.0] * 11 + [97.0]), margin=10.0)
    by_share = shares(asked, 90.0, 0.95)
    assert by_share.effect == pytest.approx(100 * 10 / 12)
    assert by_share.low is not None
    assert by_share.low > 10.0
    assert (by_share.answer, by_share.unit) == ("supported", "percentage points of seeds that learn")


def test_newcombe_against_the_paper() -> None:
    """Newcombe 1998, table II, case (a): 56/70 against 48/80, method 10."""
    assert newcombe(56, 70, 48, 80, 0.95) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_bimodal_seeds_raise_few_alarms() -> None:
    """Both arms learn in 70% of seeds: with 12 seeds, few experiments call one of them better."""
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(2000):
        first, second = np.where(rng.random((2, 12)) < 0.7, 98.0, 30.0)
        alarms += shares(question(first, second), 90.0, level_of(PLAN)).answer != "inconclusive"
    assert alarms / 2000 <= 0.06


def test_the_level_of_the_interval() -> None:
    asked = question(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 2.5]))
    wider = at_level(asked, 0.99)
    assert (wider.low, wider.high) == interval_of(asked.contrast, 0.99)
    assert wider.low is not None
    assert asked.low is not None
    assert wider.low < asked.low
