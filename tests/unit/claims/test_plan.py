"""The plan: all arms of a ladder are counted once, at each budget, and finished runs are not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from seqloom.claims import plan
from seqloom.claims.claim import Claim, claims
from seqloom.claims.plan import arms_of, cost_key, plan_queue, time_updates
from seqloom.claims.queue import ORDER
from seqloom.claims.running import recorded
from seqloom.experiment.arms import arm
from seqloom.models import make_model
from seqloom.vocabulary import Vocabulary

LADDERED = [claim for claim in claims().values() if claim.ladder is not None]


class EachSecond(Mapping[str, float]):
    """An update of any arm takes a second."""

    def __getitem__(self, key: str) -> float:
        return 1.0

    def __iter__(self) -> None:  # type: ignore[override]
        raise AssertionError("nothing asks for all arms")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize("claim", LADDERED, ids=lambda claim: claim.name)
def test_the_arms_are_those_that_the_study_trains(claim: Claim) -> None:
    assert claim.ladder is not None
    known = next((verdict for verdict in recorded().verdicts if verdict.claim == claim.name), None)
    assert known is not None
    steps = claim.ladder.steps[-1]
    arms = arms_of(claim, steps)
    # A ladder may ask fewer tasks of its arms.
    names = {item.name for item in arms}
    assert names
    assert names <= {item.name for item in known.audit.arms}
    assert {item.steps for item in arms} == {steps}


@pytest.mark.parametrize("claim", LADDERED, ids=lambda claim: claim.name)
def test_arms_of_a_ladder_are_equally_large(claim: Claim) -> None:
    """Claims that compare architectures do so at equal size, also where their ladder changes the models."""
    if claim.name in ("tied-embeddings", "positions"):
        pytest.skip("its arms differ in their tables of embeddings or positions")
    assert claim.ladder is not None
    arms = arms_of(claim, claim.ladder.steps[0])
    sizes = {
        item.name: make_model(item.recipe.model, Vocabulary(size, size, shared=True)).num_parameters()
        for item in arms
        for size in [2000 if "multi30k" in item.name or "python-docs" in item.name else 40]
    }
    assert max(sizes.values()) < 1.08 * min(sizes.values()), sizes


def test_shared_runs_are_counted_once(tmp_path: Path) -> None:
    equal_size, time_to_quality = claims()["equal-size"], claims()["time-to-quality"]
    assert equal_size.ladder is not None
    rungs = plan_queue([equal_size, time_to_quality], tmp_path, seconds=EachSecond())
    steps = equal_size.ladder.steps
    assert [rung.steps for rung in rungs] == [*steps, *steps]
    first, shared = rungs[: len(steps)], rungs[len(steps) :]
    # Three rates for three arms, and two more seeds.
    assert [rung.runs for rung in first] == [3 * (3 + 2)] * len(steps)
    assert [rung.runs for rung in shared] == [0] * len(steps)
    assert first[0].hours == pytest.approx(15 * steps[0] / 3600)
    assert all(rung.most_hours >= rung.hours for rung in rungs)


def test_finished_runs_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "is_trained", lambda folder: folder.name.endswith("seed0"))
    rungs = plan_queue([claims()["equal-size"]], tmp_path, seconds=EachSecond())
    assert {rung.runs for rung in rungs} == {3 * 2}


def test_the_queue_fits_its_budget_by_count(tmp_path: Path) -> None:
    """Every claim of the queue is planned, in its order."""
    rungs = plan_queue([claims_of[number] for number in ORDER], tmp_path, seconds=EachSecond())
    assert list(dict.fromkeys(rung.number for rung in rungs)) == list(ORDER)


claims_of = {claim.number: claim for claim in claims().values()}


def test_updates_are_timed() -> None:
    arms = [arm("rnn-tiny", "copy", 50, small=True), arm("rnn-tiny", "copy", 500, small=True)]
    seconds = time_updates(arms)
    assert set(seconds) == {cost_key(arms[0])} == {cost_key(arms[1])}
    assert all(0 < value < 10 for value in seconds.values())
