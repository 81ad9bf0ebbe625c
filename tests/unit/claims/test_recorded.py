"""The recorded verdicts: that each follows from its own numbers, and that its arms are those which the catalogue asks for."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import yaml

from seqloom.claims.claim import claims
from seqloom.claims.convergence import settle
from seqloom.claims.interim import SHARES, at_level
from seqloom.claims.rule import ask, together
from seqloom.claims.running import recorded, settlement_of
from seqloom.claims.verdict import Verdict
from seqloom.experiment.arms import Arm
from seqloom.experiment.runner import Measured
from seqloom.recipes import Recipe

VERDICTS = recorded().verdicts


class _AskedError(Exception):
    def __init__(self, arms: Mapping[object, Arm]) -> None:
        self.arms = list(arms.values())


class _Asks:
    """A runner that only hears which arms are asked for first; costs are none of its business."""

    corpus = None

    def train(self, arms: Mapping[object, Arm], *, seeds: int, measure: Measured) -> None:
        raise _AskedError(arms)

    def measure(self, function: str, arguments: Mapping[str, list[int]], *, rounds: int) -> list[dict[str, float]]:
        return [{str(x): float(x) for x in arguments["widths"]}] * rounds


def by_name(verdict: Verdict) -> str:
    return verdict.claim


def test_every_claim_has_a_recorded_verdict() -> None:
    assert [verdict.claim for verdict in VERDICTS] == list(claims())


def test_quick_effort_runs_only_what_little_training_decides() -> None:
    undecided = {verdict.claim for verdict in VERDICTS if verdict.verdict == "inconclusive"}
    live = {name for name, claim in claims().items() if claim.protocol_at("quick") is not None}
    assert len(live) >= 5
    assert not live & undecided


@pytest.mark.parametrize("verdict", VERDICTS, ids=by_name)
def test_a_recorded_verdict_can_be_worked_out_from_its_json_alone(verdict: Verdict) -> None:
    for question in verdict.questions:
        if question.unit == SHARES:
            # Newcombe's interval, which has tests of its own.
            continue
        again = ask(question.text, question.contrast, unit=question.unit, margin=question.margin, asks=question.asks)
        again = at_level(again, question.level)
        assert (again.answer, again.method) == (question.answer, question.method)
        found = (again.effect, again.low, again.high)
        assert found == pytest.approx((question.effect, question.low, question.high))
    if verdict.ladder:
        settlement = settle(verdict.ladder)
        assert (verdict.status, verdict.verdict) == (settlement.status, settlement.answer)
        assert verdict.questions == verdict.ladder[-1].questions
    else:
        claim = claims()[verdict.claim]
        protocol = claim.protocol_at(verdict.effort)
        assert protocol is not None
        settlement = settlement_of(claim, protocol, together([question.answer for question in verdict.questions]))
        assert (verdict.status, verdict.verdict, verdict.reasons) == (
            settlement.status,
            settlement.answer,
            settlement.reasons,
        )
        assert verdict.updates == (protocol.steps or None)
    assert verdict.effort == ("ladder" if verdict.ladder else "standard")


@pytest.mark.parametrize("verdict", [one for one in VERDICTS if one.audit.arms], ids=by_name)
def test_a_recorded_verdict_is_that_of_the_arms_in_the_catalogue(verdict: Verdict) -> None:
    claim = claims()[verdict.claim]
    protocol = claim.protocol_at(verdict.effort)
    if verdict.ladder:
        protocol = replace(protocol, steps=verdict.ladder[-1].steps)
    with pytest.raises(_AskedError) as asked:
        claim.study(_Asks(), protocol)
    known = {arm.name: arm for arm in verdict.audit.arms}
    for arm in asked.value.arms:
        found = known[arm.name]
        assert found.steps == arm.steps
        tried = sorted(trial.learning_rate for trial in found.trials)
        if verdict.ladder:
            # A grid whose best rate was at its edge was widened.
            tried = [rate for rate in tried if any(rate == pytest.approx(own) for own in arm.rates)]
        assert tried == pytest.approx(sorted(arm.rates))
        # Settings that did not exist yet have their defaults.
        then = Recipe.parse(yaml.safe_load(found.recipe), source=arm.name)
        assert then == arm.at_rate(found.learning_rate).recipe
