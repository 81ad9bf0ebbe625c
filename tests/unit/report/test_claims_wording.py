"""Numbers as people read them, without a change of side."""

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seqloom.claims.rule import answer
from seqloom.claims.verdict import Question
from seqloom.report import claims_wording
from tests.claims_factory import make_rung, make_verdicts

numbers = st.floats(min_value=-1e6, max_value=1e6, allow_subnormal=False)


def read(text: str) -> list[float]:
    return [float(part.strip("[],").replace(",", "").replace("−", "-")) for part in text.split()]


@given(numbers, st.floats(min_value=1e-4, max_value=1e5), st.floats(min_value=0.01, max_value=100))
def test_what_is_shown_gives_the_same_answer(effect: float, reach: float, margin: float) -> None:
    low, high = effect - reach, effect + reach
    # Nobody declares margins, or measures effects, to more digits than are ever shown.
    margin = round(margin, 2)
    assume(min(abs(low - margin), abs(high - margin)) > 1e-5)
    given_question = make_verdicts().verdicts[0].questions[0]
    question = Question.model_validate(
        {**given_question.model_dump(), "asks": "more", "effect": effect, "low": low, "high": high, "margin": margin}
    )
    _, shown_low, shown_high = read(claims_wording.estimate(question))
    assert answer(shown_low, shown_high, margin, "more") == answer(low, high, margin, "more")


@given(numbers)
def test_three_digits_are_right(value: float) -> None:
    assume(value == 0 or abs(value) > 1e-3)
    (shown,) = read(claims_wording.significant(value))
    assert shown == pytest.approx(value, rel=0.0051)


@given(st.decimals(min_value=-1000, max_value=1000, places=3))
def test_margins_are_shown_as_they_were_given(value: object) -> None:
    number = float(str(value))
    assert read(claims_wording.plain(number)) == [number]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (0.5, "0.5"), (99.0, "99"), (100.0, "100"), (1234.5, "1,234"), (1e-7, "1.000e−07")],
)
def test_short_numbers(value: float, expected: str) -> None:
    assert claims_wording.short(value) == expected


def test_not_a_number_is_a_dash() -> None:
    assert claims_wording.significant(math.nan) == "–"
    assert claims_wording.significant(None) == "–"


def test_the_tally_leaves_out_what_did_not_happen() -> None:
    supported = [one for one in make_verdicts().verdicts if one.verdict == "supported"]
    assert claims_wording.tally(supported) == "4 claims: 4 supported"
    assert claims_wording.tally(supported[:1]) == "1 claim: 1 supported"
    assert claims_wording.tally([]) == "no claims"


def test_claims_made_in_the_same_way_share_a_line() -> None:
    lines = claims_wording.made_where(make_verdicts().verdicts)
    assert [line.split()[0] for line in lines] == ["5", "1"]
    assert all("Imaginary Processor" in line and "2026-11-25" in line for line in lines)


def test_a_card_says_of_which_question_its_effect_is() -> None:
    by_name = {one.claim: one for one in make_verdicts().verdicts}
    told = claims_wording.questions(by_name["copying"])
    assert told == "Question 1 of 3; answers: 1 supported, 1 contradicted and 1 inconclusive"
    assert claims_wording.questions(by_name["order"]) == ""


@pytest.mark.parametrize(
    ("status", "headline"),
    [(None, "supported"), ("settled", "settled: supported"), ("still learning", "still learning"), ("open", "open")],
)
def test_the_headline_says_whether_a_claim_is_settled(status: Any, headline: str) -> None:
    verdict = make_verdicts().verdicts[0].model_copy(update={"verdict": "supported", "status": status})
    assert verdict.headline == headline


def test_the_answers_along_training() -> None:
    verdict = make_verdicts().verdicts[0]
    assert claims_wording.along_training(verdict) == ""
    first = make_rung(200, improving=True)
    other = first.questions[0].model_copy(update={"answer": "contradicted"})
    ladder = (
        first.model_copy(update={"verdict": "contradicted", "questions": (other,)}),
        make_rung(800),
    )
    text = claims_wording.along_training(verdict.model_copy(update={"ladder": ladder}))
    assert text.startswith("Along training: 200 updates: contradicted; 800 updates: ")
    assert text.endswith("The answer changes at 800 updates.")
