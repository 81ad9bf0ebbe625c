"""The ladder: it ends where all arms have converged, adds seeds until the interval decides, and draws the answer along training."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqloom.claims.claim import Finding, Ladder, Protocol
from seqloom.claims.ladder import climb, ladder_charts
from seqloom.claims.rule import ask
from seqloom.claims.verdict import Contrast, Term
from seqloom.progress import Silent
from tests.unit.claims.mini import MINI

Curve = Callable[[int, int], float]
"""A value by the number of updates and the seed."""


class Study:
    """A study of two arms whose losses and scores are known; it notes at which budgets and seeds it was asked."""

    def __init__(self, losses: dict[str, Curve], scores: dict[str, Curve]) -> None:
        self.losses, self.scores = losses, scores
        self.asked: list[tuple[int, int]] = []
        self.middle_rates: list[dict[str, float]] = []
        self.overfits_from: dict[str, int] = {}
        self.val_scores: dict[str, tuple[float, ...]] = {}

    def curve(self, name: str, steps: int, loss: float) -> dict[str, list[float]]:
        """The validation and training losses of a run, which overfits from a number of updates."""
        if steps < self.overfits_from.get(name, steps + 1):
            return {"val_losses": [loss + 1, loss], "train_losses": [3.0, 2.0]}
        return {"val_losses": [loss, loss + 0.5], "train_losses": [2.0, 1.0]}

    def __call__(self, runner: Any, protocol: Protocol) -> Finding:
        self.asked.append((protocol.steps, protocol.seeds))
        self.middle_rates.append(dict(runner.middle_rates))
        terms = []
        for name, weight in (("A", 1), ("B", -1)):
            seeds = range(protocol.seeds)
            values = tuple(self.scores[name](protocol.steps, seed) for seed in seeds)
            losses = [self.losses[name](protocol.steps, seed) for seed in seeds]
            runs = tuple(SimpleNamespace(val_loss=loss, **self.curve(name, protocol.steps, loss)) for loss in losses)
            runner.trained[name] = SimpleNamespace(
                arm=SimpleNamespace(label=name, rates=(0.1 / protocol.steps,)),
                runs=runs,
                val_scores=self.val_scores.get(name, ()),
            )
            runner.audited[name] = SimpleNamespace(scores=values)
            terms.append(Term(arm=name, weight=weight, values=values))
        return Finding((ask("Is A better?", Contrast(terms=tuple(terms)), unit="points", margin=1.0),), ())


def climbed(study: Study, *, steps: Sequence[int] = (100, 400, 1600), **ladder: Any) -> Any:
    protocol = Protocol("a test", ladder=Ladder(steps=tuple(steps), **ladder))
    runner: Any = SimpleNamespace(audited={}, trained={}, seeds=None, most_rates=0, middle_rates={}, progress=Silent())
    return climb(replace(MINI, study=study), protocol, runner)


def constant(value: float) -> Curve:
    return lambda steps, seed: value


def scattered(value: float) -> Curve:
    return lambda steps, seed: value + (0.1, -0.1, 0.05)[seed % 3]


def test_the_ladder_ends_where_all_arms_have_converged() -> None:
    losses = {"A": constant(2.0), "B": lambda steps, seed: 3.0 if steps == 100 else 2.0}
    study = Study(losses, {"A": scattered(9.0), "B": scattered(1.0)})
    found = climbed(study)
    # At 400 updates B is better than at 100, at 1,600 no longer.
    assert study.asked == [(100, 3), (400, 3), (1600, 3)]
    assert (found.settlement.status, found.settlement.answer, found.seeds) == ("settled", "supported", 3)
    flat = Study({"A": constant(2.0), "B": constant(2.0)}, study.scores)
    climbed(flat)
    assert flat.asked == [(100, 3), (400, 3)]


def test_arms_that_improve_at_the_top_are_still_learning_and_get_no_more_seeds() -> None:
    study = Study(
        {"A": lambda steps, seed: 100 / steps, "B": constant(2.0)}, {"A": scattered(1.0), "B": scattered(9.0)}
    )
    found = climbed(study)
    assert [seeds for _, seeds in study.asked] == [3, 3, 3]
    assert (found.settlement.status, found.settlement.answer) == ("still learning", "inconclusive")
    assert found.settlement.reasons == ("Still improving at 1,600 updates: A.",)


def test_each_budget_tries_rates_around_the_best_of_the_one_before() -> None:
    losses = {"A": constant(2.0), "B": lambda steps, seed: 3.0 if steps == 100 else 2.0}
    study = Study(losses, {"A": scattered(5.0), "B": lambda steps, seed: 3.5 + (seed % 2)})
    climbed(study)
    middles = [rates.get("A") for rates in study.middle_rates]
    # More seeds at the last budget have the rates that its first seeds had.
    assert middles == [None, 0.001, *[0.1 / 400] * (len(middles) - 2)]
    assert len(middles) > 3


def test_an_arm_that_overfits_has_converged() -> None:
    study = Study(
        {"A": lambda steps, seed: 100 / steps, "B": constant(2.0)}, {"A": scattered(9.0), "B": scattered(1.0)}
    )
    study.overfits_from = {"A": 400}
    found = climbed(study)
    assert study.asked == [(100, 3), (400, 3)]
    assert found.settlement.status == "settled"
    assert found.rungs[-1].arms[0].overfitting == (True, True, True)
    # At the first budget nothing is known of a shorter one.
    study.overfits_from = {"A": 100}
    assert climbed(study).rungs[0].arms[0].improving


def test_scores_on_validation_data_say_whether_an_arm_has_learned() -> None:
    """The test may be unlike training, as in SCAN's splits: low scores there do not mean that nothing was learned."""
    study = Study(dict.fromkeys("AB", constant(2.0)), {"A": scattered(1.0), "B": scattered(9.0)})
    assert climbed(study, learned=90.0).settlement.status == "open"
    study.val_scores = dict.fromkeys("AB", (99.0, 98.0, 99.0))
    settled = climbed(study, learned=90.0).settlement
    assert (settled.status, settled.answer) == ("settled", "contradicted")


def test_seeds_are_added_until_the_interval_decides() -> None:
    # The first three seeds scatter widely, the others do not.
    def wild(value: float) -> Curve:
        return lambda steps, seed: value + ((4.0, -4.0, 0.0)[seed] if seed < 3 else 0.01 * seed)

    study = Study(dict.fromkeys("AB", constant(2.0)), {"A": wild(9.0), "B": wild(4.0)})
    found = climbed(study)
    assert found.settlement.status == "settled"
    assert found.seeds in (8, 12)
    assert [seeds for _, seeds in study.asked[:3]] == [3, 3, 5]
    equal = Study(study.losses, {"A": scattered(5.0), "B": lambda steps, seed: 3.5 + (seed % 2)})
    assert climbed(equal).settlement.status == "open"
    assert equal.asked[-1] == (400, 12)


def test_bimodal_seeds_are_at_least_five_and_counted() -> None:
    study = Study(
        dict.fromkeys("AB", constant(2.0)),
        {"A": constant(99.0), "B": lambda steps, seed: 97.0 if seed == 1 else 20.0},
    )
    found = climbed(study, learned=90.0)
    assert found.seeds > 3
    question = found.rungs[-1].questions[0]
    assert question.unit == "percentage points of seeds that learn"
    assert set(question.contrast.terms[0].values) == {100.0}


def test_charts_along_training() -> None:
    losses = {"A": constant(2.0), "B": lambda steps, seed: 3.0 if steps == 100 else 2.0}
    found = climbed(Study(losses, {"A": scattered(9.0), "B": scattered(1.0)}))
    effects, curves = ladder_charts(found.rungs)
    assert [point.x for point in effects.series[0].points] == [100.0, 400.0, 1600.0]
    assert [series.label for series in curves.series] == ["A", "B"]
    assert [point.y for point in curves.series[1].points] == [3.0, 2.0, 2.0]
    assert ladder_charts(found.rungs[:1]) == ()


def test_a_ladder_sets_what_its_arms_need() -> None:
    ladder = Ladder(settings={"training": {"label_smoothing": 0.0}}, models={"rnn-tiny": {"d_model": 32}})
    claim = replace(MINI, ladder=ladder)
    protocol = claim.protocol_at("ladder")
    assert protocol is not None
    own = {"model": {"reverse_source": True}, "training": {"validations": 2}}
    assert protocol.changes("rnn-tiny", own) == {
        "training": {"label_smoothing": 0.0, "validations": 2},
        "model": {"d_model": 32, "reverse_source": True},
    }
    assert protocol.changes("transformer-tiny") == {"training": {"label_smoothing": 0.0}, "model": {}}
    # Other efforts stay as they were recorded.
    assert claim.protocols["standard"].changes("rnn-tiny", own) == own


def drawn(values: np.ndarray) -> Curve:
    return lambda steps, seed: float(values[seed])


def rates(plan: tuple[int, ...], effect: float, spread: float, trials: int, seed: int) -> dict[str, float]:
    """How often each answer is given by whole ladders where A is better by `effect`; the margin is 1."""
    rng = np.random.default_rng(seed)
    counts = Counter[str]()
    for _ in range(trials):
        values = {"A": rng.normal(effect, spread, plan[-1]), "B": rng.normal(0.0, spread, plan[-1])}
        study = Study(
            dict.fromkeys("AB", constant(2.0)),
            {name: drawn(values[name]) for name in "AB"},
        )
        counts[climbed(study, seeds=plan).settlement.answer] += 1
    return {answer: count / trials for answer, count in counts.items()}


def test_whole_ladders_raise_few_alarms_and_find_effects() -> None:
    plan = (3, 5, 8, 12)
    at_margin = rates(plan, effect=1.0, spread=0.5, trials=150, seed=0)
    # 6%, and the noise of 150 trials; 2,000 are drawn in the tests of the rule for interim looks.
    assert 1 - at_margin.get("inconclusive", 0.0) <= 0.06 + 0.04
    twice = rates(plan, effect=2.0, spread=0.5, trials=75, seed=1)
    assert twice.get("supported", 0.0) >= 0.8
    assert twice.get("contradicted", 0.0) <= 0.01


@pytest.mark.parametrize("effort", ["quick", "ladder"])
def test_a_claim_says_how_it_is_tested_up_its_ladder(effort: Any) -> None:
    claim = replace(MINI, ladder=Ladder(steps=(10, 40), options={"sentences": 9}))
    protocol = claim.protocol_at(effort)
    assert protocol is not None
    assert (protocol.ladder is not None) == (effort == "ladder")
    if effort == "ladder":
        assert "10, 40 updates" in protocol.description
        assert protocol["sentences"] == 9
    assert MINI.protocol_at("ladder") is None
