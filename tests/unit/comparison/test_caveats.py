"""What readers must know about a comparison: which arms still improved when their budget ended."""

from dataclasses import replace
from pathlib import Path

import pytest

from seqloom.comparison.arm_results import ArmRuns, FinishedRun
from seqloom.comparison.caveats import find_caveats, late_improvement
from seqloom.recipes import load_recipe
from tests.run_info import RESULT, make_result_info, make_run_info
from tests.unit.comparison.test_findings import corpus


def trained(*curves: list[tuple[int, float]], recipe: str = "rnn-tiny") -> ArmRuns:
    """An arm with a run for each curve of steps and validation losses."""
    runs: list[FinishedRun] = []
    for seed, curve in enumerate(curves):
        points = [RESULT["curve"][0] | {"step": step, "val_loss": loss} for step, loss in curve]
        info = make_run_info(seed=seed, result=make_result_info(steps=curve[-1][0], curve=points))
        runs.append(FinishedRun(info, {}, Path("runs/r")))
    return ArmRuns(load_recipe(recipe), runs, ())


@pytest.mark.parametrize(
    ("curves", "share"),
    [
        ([[(50, 4.0), (90, 2.0), (100, 1.9)]], 0.05),
        ([[(90, 2.0), (95, 1.95), (100, 1.9)]], 0.05),
        ([[(90, 2.0), (100, 1.9)], [(90, 2.0), (100, 2.0)]], 0.025),
        ([[(90, 2.0), (100, 2.1)]], -0.05),
        ([[(100, 2.0)]], 0.0),
        ([[(90, 2.0), (100, float("nan"))]], 0.0),
    ],
)
def test_the_improvement_over_the_last_tenth(curves: list[list[tuple[int, float]]], share: float) -> None:
    assert late_improvement(trained(*curves)) == pytest.approx(share)


def test_arms_that_still_improve_are_named() -> None:
    results = {
        "rnn-tiny": trained([(90, 2.0), (100, 1.9)]),
        "transformer-tiny": trained([(90, 2.0), (100, 1.999)], recipe="transformer-tiny"),
    }
    recipes = [load_recipe(name) for name in results]
    (caveat,) = [text for text in find_caveats(recipes, {}, results, 3, corpus("bleu")) if "Still improving" in text]
    assert "last tenth of training: RNN by 5.0%. The verdict is about this budget" in caveat
    del results["rnn-tiny"]
    assert not any("Still improving" in text for text in find_caveats(recipes, {}, results, 3, corpus("bleu")))


@pytest.mark.parametrize(("kind", "items"), [("pairs", "sentences"), ("text", "passages")])
def test_one_seed_says_what_the_intervals_are_over(kind: str, items: str) -> None:
    results = {"rnn-tiny": trained([(90, 2.0), (100, 2.0)])}
    data = replace(corpus("bleu"), kind=kind)
    (caveat,) = [text for text in find_caveats([load_recipe("rnn-tiny")], {}, results, 1, data) if "One seed" in text]
    assert f"the intervals are over test {items}. They hold for the difference between these runs" in caveat
