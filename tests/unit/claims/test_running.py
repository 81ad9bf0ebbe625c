"""Running claims with arms that are trained for two steps: what is shared, reused, recorded and an error."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, Self

import pytest

from seqloom.claims import claim as claim_module
from seqloom.claims import running
from seqloom.claims.claim import Finding, Protocol
from seqloom.claims.rule import ask, together
from seqloom.claims.running import FILE, read_verdicts, run_claims
from seqloom.claims.verdict import Contrast, Term, Verdict
from seqloom.errors import CheckpointError, ConfigError, CorpusError
from seqloom.experiment.runner import ExperimentRunner, RunRecord
from tests.run_info import make_result_info, make_run_info
from tests.unit.claims.mini import ELSEWHERE, MINI, PROBE

NAMES = ("mini", "elsewhere")


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    claim_module.claims.cache_clear()
    known = {claim.name: claim for claim in (MINI, ELSEWHERE)}
    monkeypatch.setattr(claim_module, "claims", lambda: known)
    monkeypatch.setattr(running, "claims", lambda: known)


class Interrupts:
    """A progress whose user presses Ctrl-C once a run is finished."""

    def say(self, text: str) -> None:
        pass

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        if fraction < 1:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verdict]:
    """A folder in which the claim was tested without interruption, and its verdict."""
    folder = tmp_path_factory.mktemp("quick")
    patch = pytest.MonkeyPatch()
    patch.setattr(claim_module, "claims", lambda: {"mini": MINI})
    patch.setattr(running, "claims", lambda: {"mini": MINI})
    verdicts = run_claims(["mini"], out=folder, workers=1)
    patch.undo()
    return folder, verdicts.verdicts[0]


def without_times(verdict: Verdict) -> Verdict:
    return verdict.model_copy(update={"seconds": 0.0, "audit": None, "environment": {}})


def test_a_verdict_has_everything_that_a_reader_needs(quick: tuple[Path, Verdict]) -> None:
    folder, verdict = quick
    assert (verdict.claim, verdict.origin, verdict.effort, verdict.seeds) == ("mini", "live", "quick", 2)
    assert [arm.label for arm in verdict.audit.arms] == ["RNN", "RNN with attention"]
    assert all(len(arm.scores) == 2 and arm.best == max(arm.scores) for arm in verdict.audit.arms)
    assert verdict.interval is not None
    assert verdict.interval[0] <= verdict.effect <= verdict.interval[1]
    assert "seqloom claims run mini --effort quick" in verdict.command
    assert read_verdicts(folder).verdicts == (verdict,)


def test_every_verdict_can_be_worked_out_from_the_json_alone(quick: tuple[Path, Verdict]) -> None:
    folder, verdict = quick
    plain = json.loads((folder / FILE).read_text())
    assert plain["schema_version"] == 1
    for question in verdict.questions:
        again = ask(question.text, question.contrast, unit=question.unit, margin=question.margin, asks=question.asks)
        assert again == question
    assert plain["verdicts"][0]["verdict"] == together([question.answer for question in verdict.questions])


def test_an_interruption_loses_no_finished_run_and_changes_no_verdict(
    quick: tuple[Path, Verdict], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_claims(["mini"], out=tmp_path, workers=1, progress=Interrupts())
    finished = {
        path: path.stat().st_mtime_ns
        for path in tmp_path.glob("runs/*/run.json")
        if json.loads(path.read_text())["result"] is not None
    }
    assert finished
    verdict = run_claims(["mini"], out=tmp_path, workers=1).verdicts[0]
    assert without_times(verdict) == without_times(quick[1])
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


def test_finished_runs_are_not_trained_again(quick: tuple[Path, Verdict]) -> None:
    folder, before = quick
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json") if path.name != FILE}
    after = run_claims(["mini"], out=folder, workers=1).verdicts[0]
    assert after.questions == before.questions
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_the_values_of_probes_are_saved_with_each_run(quick: tuple[Path, Verdict]) -> None:
    folder, _verdict = quick
    values = [json.loads(path.read_text()) for path in folder.glob(f"runs/*/probes/*{PROBE.rpartition(':')[2]}.json")]
    assert {value["name"] for value in values} == {"rnn-tiny", "attention-rnn-tiny"}


def test_standard_effort_tries_the_rates_and_keeps_the_best(tmp_path: Path) -> None:
    verdict = run_claims(["mini"], effort="standard", out=tmp_path, workers=2).verdicts[0]
    for arm in verdict.audit.arms:
        assert len(arm.trials) == 3
        best = min(arm.trials, key=lambda trial: trial.val_loss)
        assert best.chosen
        assert arm.learning_rate == best.learning_rate
    # The trial that won is the first seed's run: three trials and one more seed, for each of two arms.
    assert len(list(tmp_path.glob("runs/*/run.json"))) == 2 * 4


def test_claims_without_quick_protocol_are_shown_as_recorded(
    quick: tuple[Path, Verdict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = running.Verdicts(verdicts=(quick[1].model_copy(update={"claim": "elsewhere", "number": 2}),))
    monkeypatch.setattr(running, "recorded", lambda: kept)
    (verdict,) = run_claims(["elsewhere"], out=tmp_path).verdicts
    assert verdict.origin == "recorded"
    assert not (tmp_path / "runs").exists()


def test_recorded_verdicts_are_not_shown_for_other_numbers_of_seeds(
    quick: tuple[Path, Verdict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = running.Verdicts(verdicts=(quick[1].model_copy(update={"claim": "elsewhere", "number": 2}),))
    monkeypatch.setattr(running, "recorded", lambda: kept)
    with pytest.raises(ConfigError, match=r"elsewhere: shown as recorded .* say --effort standard"):
        run_claims(["elsewhere"], out=tmp_path, seeds=3)


def test_a_run_of_other_data_is_trained_again(quick: tuple[Path, Verdict], tmp_path: Path) -> None:
    folder = shutil.copytree(quick[0], tmp_path / "claims")
    file = min(folder.glob("runs/*/run.json"))
    facts = json.loads(file.read_text())
    facts["corpus"]["fingerprint"] = "of a file that has been edited"
    file.write_text(json.dumps(facts))
    times = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/run.json")}
    verdict = run_claims(["mini"], out=folder, workers=1).verdicts[0]
    assert without_times(verdict) == without_times(quick[1])
    assert [path for path, time in times.items() if path.stat().st_mtime_ns != time] == [file]


def test_quick_effort_takes_the_recorded_learning_rates(tmp_path: Path) -> None:
    runner = ExperimentRunner(tmp_path, "quick", rates={"rnn-tiny/small/copy": 0.123}, workers=1)
    MINI.study(runner, MINI.protocols["quick"])
    rates = {arm.name: arm.learning_rate for arm in runner.audited.values()}
    assert rates == {"rnn-tiny/small/copy": 0.123, "attention-rnn-tiny/small/copy": 0.008}


def test_quick_effort_takes_a_models_rate_from_another_corpus(tmp_path: Path) -> None:
    rates = {"rnn-tiny/small/reverse": 0.123, "attention-rnn-tiny/reverse": 0.4}
    runner = ExperimentRunner(tmp_path, "quick", rates=rates, workers=1)
    MINI.study(runner, MINI.protocols["quick"])
    # The attention model's recorded rate is that of another size.
    assert {arm.name: arm.learning_rate for arm in runner.audited.values()} == {
        "rnn-tiny/small/copy": 0.123,
        "attention-rnn-tiny/small/copy": 0.008,
    }


def test_verdicts_that_cannot_be_read_are_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"schema_version": 1, "verdicts": [{"claim": "mini"}]}')
    with pytest.raises(ConfigError, match=FILE):
        run_claims(["mini"], out=tmp_path, workers=1)
    assert not (tmp_path / "runs").exists()


def test_verdicts_of_other_claims_in_the_folder_stay(quick: tuple[Path, Verdict], tmp_path: Path) -> None:
    other = quick[1].model_copy(update={"claim": "another", "number": 9})
    (tmp_path / FILE).write_text(running.Verdicts(verdicts=(other,)).model_dump_json())
    running._write(tmp_path, [quick[1]])
    assert [verdict.claim for verdict in read_verdicts(tmp_path).verdicts] == ["mini", "another"]


def test_data_that_are_missing_stop_one_claim_and_not_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(runner: ExperimentRunner, protocol: Protocol) -> NoReturn:
        raise CorpusError("multi30k: cannot be had")

    lost = claim_module.Claim(
        **{name: getattr(MINI, name) for name in MINI.__dataclass_fields__ if name != "study"}, study=fail
    )
    known = {"lost": lost, "mini": MINI}
    monkeypatch.setattr(running, "claims", lambda: known)
    monkeypatch.setattr(running, "_test", lambda claim, *rest: fail(*rest) if claim is lost else pytest.skip("reached"))
    with pytest.raises(pytest.skip.Exception, match="reached"):
        run_claims(out=tmp_path)
    monkeypatch.setattr(claim_module, "claims", lambda: {"lost": lost})
    with pytest.raises(CorpusError, match="cannot be had"):
        run_claims(["lost"], out=tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["minni"]}, "Did you mean 'mini'"),
        ({"names": ["mini"], "seeds": 1}, "2 seeds or more"),
        ({"names": ["mini"], "effort": "thorough"}, "no protocol at effort thorough"),
    ],
)
def test_options_that_no_claim_can_be_tested_with_are_an_error(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        run_claims(**options, out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_verdicts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"seqloom claims run"):
        read_verdicts(tmp_path)


def test_a_failing_experiment_does_not_lose_the_others(
    quick: tuple[Path, Verdict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(runner: ExperimentRunner, protocol: Protocol) -> NoReturn:
        raise MemoryError("no memory left")

    bad = dataclasses.replace(MINI, name="bad", number=7, study=explode)
    known = {"bad": bad, "mini": MINI}
    monkeypatch.setattr(claim_module, "claims", lambda: known)
    monkeypatch.setattr(running, "claims", lambda: known)
    folder = tmp_path / "copy"
    shutil.copytree(quick[0], folder)
    results = run_claims(["bad", "mini"], out=folder, workers=1)
    assert [verdict.claim for verdict in results.verdicts] == ["mini"]
    assert [failure.claim for failure in results.failures] == ["bad"]
    assert "MemoryError: no memory left" in str(results.failures[0])
    assert "explode" in (folder / results.failures[0].log).read_text()
    assert read_verdicts(folder).failures == results.failures
    # Tried again, what works now is no failure any more.
    known["bad"] = dataclasses.replace(MINI, name="bad", number=7)
    assert run_claims(["bad"], out=folder, workers=1).failures == ()
    assert read_verdicts(folder).failures == ()


def test_the_failure_of_the_only_claim_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(runner: ExperimentRunner, protocol: Protocol) -> NoReturn:
        raise CorpusError("no such data")

    known = {"bad": dataclasses.replace(MINI, name="bad", study=explode)}
    monkeypatch.setattr(claim_module, "claims", lambda: known)
    monkeypatch.setattr(running, "claims", lambda: known)
    with pytest.raises(CorpusError, match="no such data"):
        run_claims(["bad"], out=tmp_path, workers=1)


class InThisProcess:
    """A pool of processes that hands back what tests give it."""

    def __init__(self, *results: tuple[float, float]) -> None:
        self.results = iter(results)

    @contextmanager
    def __call__(self, count: int, *, fresh: bool = False) -> Iterator[Self]:
        yield self

    def submit(self, *_: object) -> SimpleNamespace:
        return SimpleNamespace(result=lambda: next(self.results))


def test_a_measurement_that_other_programs_disturbed_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = ExperimentRunner(tmp_path, "quick")
    monkeypatch.setattr(runner, "_processes", InThisProcess((7.0, 0.9), (5.0, 0.0)))
    assert runner.measure("module:cost", {}, rounds=1) == [5.0]
    assert runner.disturbances == []


def test_a_measurement_that_stays_disturbed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = ExperimentRunner(tmp_path, "quick")
    monkeypatch.setattr(runner, "_processes", InThisProcess((7.0, 0.9), (6.0, 0.4), (8.0, 1.1)))
    assert runner.measure("module:cost", {}, rounds=1) == [6.0]
    assert "0.4 cores" in runner.disturbances[0]
    # What lies there already says the same, and is not measured again.
    again = ExperimentRunner(tmp_path, "quick")
    again.measure("module:cost", {}, rounds=1)
    assert again.disturbances == runner.disturbances


def test_runs_that_shared_their_core_are_reported(tmp_path: Path) -> None:
    def run(share: float) -> RunRecord:
        return RunRecord(None, 0, tmp_path, make_run_info(result=make_result_info(processor_share=share)))

    runner = ExperimentRunner(tmp_path, "quick")
    runner.check_times([run(0.99), run(1.0), RunRecord(None, 0, tmp_path, make_run_info(result=make_result_info()))])
    assert runner.disturbances == []
    runner.check_times([run(0.99), run(0.5)])
    assert "1 of 2 runs" in runner.disturbances[0]
    assert "50%" in runner.disturbances[0]


def test_a_disturbed_claim_is_inconclusive_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
        runner.disturbances.append("Other programs used the processor.")
        return Finding((ask("Is it?", Contrast(terms=(Term(arm="a", weight=1, values=(5.0, 5.1)),)), unit="s"),), ())

    disturbed = replace(MINI, study=study)
    monkeypatch.setattr(running, "find_claim", lambda _: disturbed)
    verdict = run_claims(["mini"], out=tmp_path, workers=1).verdicts[0]
    assert verdict.questions[0].answer == "supported"
    assert verdict.verdict == "inconclusive"
    assert verdict.caveats == ("Other programs used the processor.",)
