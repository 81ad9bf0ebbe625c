"""The ladder: it ends where all arms have converged, adds seeds until the interval decides, and draws the answer along training."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

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

    def __call__(self, runner: Any, protocol: Protocol) -> Finding:
        self.asked.append((protocol.steps, protocol.seeds))
        terms = []
        for name, weight in (("A", 1), ("B", -1)):
            seeds = range(protocol.seeds)
            values = tuple(self.scores[name](protocol.steps, seed) for seed in seeds)
            runs = tuple(SimpleNamespace(val_loss=self.losses[name](protocol.steps, seed)) for seed in seeds)
            runner.trained[name] = SimpleNamespace(arm=SimpleNamespace(label=name), runs=runs)
            runner.audited[name] = SimpleNamespace(scores=values)
            terms.append(Term(arm=name, weight=weight, values=values))
        return Finding((ask("Is A better?", Contrast(terms=tuple(terms)), unit="points", margin=1.0),), ())


def climbed(study: Study, *, steps: Sequence[int] = (100, 400, 1600), **ladder: Any) -> Any:
    protocol = Protocol("a test", ladder=Ladder(steps=tuple(steps), **ladder))
    runner: Any = SimpleNamespace(audited={}, trained={}, seeds=None, most_rates=0, progress=Silent())
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
    assert question.unit == "points of seeds that learn"
    assert set(question.contrast.terms[0].values) == {100.0}


def test_charts_along_training() -> None:
    losses = {"A": constant(2.0), "B": lambda steps, seed: 3.0 if steps == 100 else 2.0}
    found = climbed(Study(losses, {"A": scattered(9.0), "B": scattered(1.0)}))
    effects, curves = ladder_charts(found.rungs)
    assert [point.x for point in effects.series[0].points] == [100.0, 400.0, 1600.0]
    assert [series.label for series in curves.series] == ["A", "B"]
    assert [point.y for point in curves.series[1].points] == [3.0, 2.0, 2.0]
    assert ladder_charts(found.rungs[:1]) == ()


@pytest.mark.parametrize("effort", ["quick", "ladder"])
def test_a_claim_says_how_it_is_tested_up_its_ladder(effort: Any) -> None:
    claim = replace(MINI, ladder=Ladder(steps=(10, 40), options={"sentences": 9}))
    protocol = claim.protocol_at(effort)
    assert protocol is not None
    assert (protocol.ladder is not None) == (effort == "ladder")
    if effort == "ladder":
        assert "10, 40 updates" in protocol.words
        assert protocol["sentences"] == 9
    assert MINI.protocol_at("ladder") is None
