"""The queue: claims in order, each once; one queue a folder; what is settled is not asked again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqloom.claims import queue
from seqloom.claims.claim import Ladder, claims
from seqloom.claims.verdict import Verdict, Verdicts
from seqloom.errors import ConfigError
from tests import claims_factory


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The claims that the queue asks, without training."""
    names: list[str] = []

    def run_claims(chosen: list[str], **options: Any) -> None:
        assert (options["effort"], options["workers"]) == ("ladder", 0)
        names.extend(chosen)

    monkeypatch.setattr(queue, "run_claims", run_claims)
    return names


def verdict_of(name: str, **values: Any) -> Verdict:
    made = claims_factory.make_verdicts().verdicts[0]
    return made.model_copy(update={"claim": name, "number": claims()[name].number, "effort": "ladder", **values})


def test_the_order_is_that_of_the_queue(asked: list[str], tmp_path: Path) -> None:
    queue.run_queue(tmp_path)
    assert [claims()[name].number for name in asked] == list(queue.ORDER)


def test_what_is_settled_or_open_is_not_asked_again(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Verdicts(verdicts=(verdict_of("equal-size", status="settled"), verdict_of("recall", status="open")))
    monkeypatch.setattr(queue, "_known", lambda folder: known)
    queue.run_queue(tmp_path, ["equal-size", "recall", "composition"])
    assert asked == ["composition"]


def test_a_longer_ladder_is_climbed_on(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = claims()["recall"]
    rung = claims_factory.make_rung(steps=claim.ladder.steps[-1] if claim.ladder else 0)
    known = Verdicts(verdicts=(verdict_of("recall", status="still learning", ladder=(rung,)),))
    monkeypatch.setattr(queue, "_known", lambda folder: known)
    queue.run_queue(tmp_path, ["recall"])
    assert asked == []
    longer = replace(claim, ladder=Ladder(steps=(rung.steps, 4 * rung.steps)))
    monkeypatch.setattr(queue, "find_claim", lambda name: longer)
    queue.run_queue(tmp_path, ["recall"])
    assert asked == ["recall"]


def test_claims_without_a_ladder_are_refused(asked: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="parallel-training: no ladder of budgets"):
        queue.run_queue(tmp_path, ["parallel-training"])


def test_one_queue_a_folder(asked: list[str], tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with queue._Lock(tmp_path / queue.LOCK), pytest.raises(ConfigError, match="another queue works here"):
        queue.run_queue(tmp_path, ["recall"])
    queue.run_queue(tmp_path, ["recall"])
    assert asked == ["recall"]
