"""The queue with a results file: what is finished outlives the folder, and the verdict is the same."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from seqloom.claims import claim as claim_module
from seqloom.claims import running
from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.effects import NATS, WORDS, Part, contrast
from seqloom.claims.plan import PlannedRung, cost_key, plan_queue
from seqloom.claims.queue import run_queue
from seqloom.claims.rule import ask
from seqloom.claims.running import FILE
from seqloom.claims.verdict import Verdict
from seqloom.corpus.settings import CorpusSettings
from seqloom.experiment.arms import RECURRENT, Arm, Test, arm
from seqloom.experiment.results_file import ResultsFile
from seqloom.experiment.runner import ExperimentRunner
from tests.unit.claims.mini import MINI, PROBE

CORPUS = CorpusSettings(data="copy", size=120)


def arms(steps: int, probes: tuple[str, ...]) -> dict[str, Arm]:
    return {
        recipe: arm(recipe, CORPUS, steps, small=True, multiples=(0.5, 1), tests=(Test("test", 8),), probes=probes)
        for recipe in (RECURRENT,)
    }


def asking(*probes: str) -> Claim:
    def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
        trained = list(runner.train(arms(protocol.steps, probes), seeds=protocol.seeds, measure=WORDS).values())
        for probe in probes:
            assert all(run.probe(probe)["words"] for item in trained for run in item.runs)
        question = ask("Is it high?", contrast(NATS, Part(1, trained[0])), unit=NATS.unit)
        return Finding((question,), ())

    ladder = Ladder(steps=(2,), seeds=(2,), most_rates=2)
    return replace(MINI, study=study, ladder=ladder, name="probing" if probes else "plain", number=len(probes) + 1)


KNOWN = {claim.name: claim for claim in (asking(), asking(PROBE))}


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    claim_module.claims.cache_clear()
    monkeypatch.setattr(claim_module, "claims", lambda: KNOWN)
    monkeypatch.setattr(running, "claims", lambda: KNOWN)


class Interrupts:
    """A progress whose user presses Ctrl-C after some finished runs."""

    def __init__(self, runs: int) -> None:
        self.runs = runs

    def say(self, text: str) -> None:
        pass

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        if "training" not in task or "seed" not in str(facts.get("status")):
            return
        self.runs -= 1
        if not self.runs:
            raise KeyboardInterrupt


def without_times(verdict: Verdict) -> Verdict:
    assert verdict.ladder
    return verdict.model_copy(update={"seconds": 0.0, "audit": None, "environment": {}})


def test_what_is_finished_outlives_the_folder(tmp_path: Path) -> None:
    file, whole, again = tmp_path / "results.jsonl", tmp_path / "whole", tmp_path / "again"
    (uninterrupted,) = run_queue(whole, ["plain"]).verdicts
    with pytest.raises(KeyboardInterrupt):
        run_queue(tmp_path / "lost", ["plain"], results=file, progress=Interrupts(2))
    shutil.rmtree(tmp_path / "lost")
    before = ResultsFile(file).runs
    assert len(before) == 2
    assert [rung.runs for rung in planned(again, file)] == [3 - 2]
    (verdict,) = run_queue(again, ["plain"], results=file).verdicts
    assert without_times(verdict) == without_times(uninterrupted)
    # The trial whose rate was chosen is trained once more, since it was not tested; and the run of the other seed.
    trained = {folder.name for folder in (again / "runs").iterdir()}
    assert len(trained) == 2
    assert len(trained & set(before)) == 1
    assert not list(again.rglob("*.safetensors"))
    # Another claim asks a probe of the same runs: it was asked before the weights were removed.
    (probed,) = (item for item in run_queue(again, ["probing"], results=file).verdicts if item.claim == "probing")
    assert probed.questions == verdict.questions
    assert {folder.name for folder in (again / "runs").iterdir()} == trained
    # Runs of a command without a results file are added to it; only the probe is still asked.
    (whole / FILE).unlink()
    times = {path: path.stat().st_mtime_ns for path in whole.rglob("run.json")}
    (added,) = run_queue(whole, ["plain"], results=tmp_path / "second.jsonl").verdicts
    assert without_times(added) == without_times(uninterrupted)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("run.json")} == times
    assert not list(whole.rglob("*.safetensors"))


def planned(folder: Path, file: Path) -> list[PlannedRung]:
    costs = {cost_key(item): 1.0 for item in arms(2, ()).values()}
    return plan_queue([KNOWN["plain"]], folder, results=ResultsFile(file), seconds=costs)
