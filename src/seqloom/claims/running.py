"""Running claims. Input: names and an effort; output: verdicts, in a folder from which a repeated command goes on.

The module of a claim defines its experiment; `rule` turns its numbers into a verdict.
"""

import datetime
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from seqloom import machine
from seqloom.claims.claim import Claim, Protocol, claims, find_claim
from seqloom.claims.convergence import Settlement, settle_at_one_budget
from seqloom.claims.ladder import Climbed, climb, ladder_charts
from seqloom.claims.plan import requests_of
from seqloom.claims.rule import LEVEL, together
from seqloom.claims.verdict import Answer, Audit, FailedClaim, Verdict, Verdicts
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import CheckpointError, ConfigError, CorpusError, SeqloomError
from seqloom.experiment.audit import AuditedArm, Effort, arm_labels
from seqloom.experiment.results_file import ResultsFile
from seqloom.experiment.runner import ExperimentRunner
from seqloom.experiment.tuning import is_at_edge
from seqloom.files import check_folder, check_not_read, model_json, write_text
from seqloom.messages import command_line
from seqloom.progress import Progress, Silent
from seqloom.run.command import corpus_options
from seqloom.training.checkpoint import read_json

FILE = "verdicts.json"
UNLEARNED = "Not learned even on the training distribution, so no evidence against the claim"
_LARGEST_DIFFERENCE = 0.05


def run_claims(
    names: Sequence[str] | None = None,
    *,
    effort: Effort = "quick",
    out: Path | str,
    seeds: int | None = None,
    corpus: CorpusSettings | None = None,
    workers: int | None = None,
    results: ResultsFile | None = None,
    progress: Progress | None = None,
) -> Verdicts:
    """Tests claims, one after the other.

    Args:
        names: names or numbers of claims; by default all claims.
        effort: "quick" tests in minutes what can be decided in minutes, and shows the other claims' recorded verdicts.
        out: the folder of runs and verdicts. Finished runs in it are not repeated.
        seeds: runs of each arm; by default the claim's own number.
        corpus: data for claims that can be tested on the user's own.
        workers: number of parallel processes; by default one for each core. 0: this process trains, on one thread.
        results: a file that stores finished runs, so that their weights are removed.

    Raises:
        ConfigError: there is no such claim, it cannot be tested so, or the verdicts that lie in `out` cannot be read.
        CorpusError: the data of a named claim are not there.
    """
    progress = progress or Silent()
    folder = Path(out)
    chosen = [find_claim(name) for name in names] if names else list(claims().values())
    if seeds is not None and seeds < 2:
        raise ConfigError(f"--seeds {seeds}: a verdict needs 2 seeds or more, to see how far another seed would fall")
    if effort == "quick" and (corpus is not None or seeds is not None):
        shown = [claim.name for claim in chosen if claim.protocol_at(effort) is None]
        text = f"{', '.join(shown)}: shown as recorded at effort quick, not tested on your data or with your seeds"
        if names and shown:
            raise ConfigError(f"{text}; say --effort standard")
        if shown:
            progress.say(f"{text} (--effort standard would).")
    untested = [claim.name for claim in chosen if effort != "quick" and claim.protocol_at(effort) is None]
    if untested and names:
        raise ConfigError(f"{', '.join(untested)}: there is no protocol at effort {effort}; take another --effort")
    if corpus is not None and not any(claim.takes_data for claim in chosen):
        raise ConfigError("none of these claims can be tested on other data; leave the data options out")
    # Files that cannot be read or written are an error before hours of training, not after.
    _stored_verdicts(folder)
    check_folder(folder)
    for name in (FILE, "report.html"):
        check_not_read(folder / name, "--out", corpus.paths() if corpus is not None else ())
    known = {verdict.claim: verdict for verdict in recorded().verdicts}
    runner = ExperimentRunner(folder, effort, recorded_rates(), corpus, seeds, progress=progress, results=results)
    if results is not None and effort == "ladder":
        runner.requests = requests_of(claims().values())
    if workers is not None:
        runner.workers = workers
    verdicts: list[Verdict] = []
    failures: list[FailedClaim] = []
    first_error: Exception | None = None
    for claim in chosen:
        protocol = claim.protocol_at(effort)
        if protocol is not None:
            progress.say(f"{claim.number}. {claim.statement}")
            try:
                verdicts.append(_test(claim, protocol, runner))
            except Exception as error:
                if isinstance(error, CorpusError) and not names:
                    # One data set that cannot be had is no reason to give up the other claims.
                    progress.say(f"{claim.number}. {claim.name}: not tested: {error}")
                    continue
                first_error = first_error or error
                failures.append(_failed(claim, error, folder))
                progress.say(
                    f"{failures[-1]}. The other claims go on; the same command, begun again, tries it once more."
                )
                continue
            except KeyboardInterrupt:
                progress.say(f"Run the same command again to go on: what is finished lies in {folder}.")
                raise
        elif claim.name in known:
            verdicts.append(known[claim.name].model_copy(update={"origin": "recorded"}))
        else:
            progress.say(f"{claim.number}. {claim.name}: not tested at effort {effort}, and no verdict is recorded yet")
            continue
        progress.say(f"{claim.number}. {claim.name}: {verdicts[-1].headline} ({verdicts[-1].origin})")
        _write(folder, verdicts, failures)
    if first_error is not None and not verdicts:
        raise first_error
    if failures:
        _write(folder, verdicts, failures)
    return Verdicts(verdicts=tuple(verdicts), failures=tuple(failures))


def _failed(claim: Claim, error: Exception, folder: Path) -> FailedClaim:
    """The record of a failure; the traceback of an error that is no SeqloomError is written to a file."""
    message, log = str(error) or type(error).__name__, None
    if not isinstance(error, SeqloomError):
        message = f"{type(error).__name__}: {message.splitlines()[0]}"
        position = folder / "failures" / f"{claim.name}.txt"
        with suppress(SeqloomError):
            write_text(position, "".join(traceback.format_exception(error)))
            log = position.relative_to(folder).as_posix()
    return FailedClaim(claim=claim.name, number=claim.number, error=message, log=log)


def _test(claim: Claim, protocol: Protocol, runner: ExperimentRunner) -> Verdict:
    begin = time.perf_counter()
    runner.audited.clear()
    runner.disturbances.clear()
    runner.trained.clear()
    climbed = climb(claim, protocol, runner) if protocol.ladder is not None else None
    finding = climbed.finding if climbed is not None else claim.study(runner, protocol)
    answer = together([item.answer for item in finding.questions])
    settlement = climbed.settlement if climbed is not None else settlement_of(claim, protocol, answer)
    leading = finding.questions[0]
    arms = tuple(runner.audited.values())
    named = dict.fromkeys(term.arm for question in finding.questions for term in question.contrast.terms)
    bounds = (leading.low, leading.high) if leading.low is not None and leading.high is not None else None
    return Verdict(
        claim=claim.name,
        number=claim.number,
        # Times that were measured while other programs used the processor give no verdict.
        verdict="inconclusive" if runner.disturbances else settlement.answer,
        effect=leading.effect,
        unit=leading.unit,
        interval=bounds,
        level=leading.level if climbed is not None else LEVEL,
        arms=tuple(arm.label for arm in arms) or tuple(named),
        seeds=climbed.seeds if climbed is not None else runner.seeds or protocol.seeds,
        effort=runner.effort,
        origin="live",
        published=claim.published,
        questions=finding.questions,
        charts=(*finding.charts, *(ladder_charts(climbed.rungs) if climbed is not None else ())),
        audit=Audit(arms=arms, remarks=(*fairness_remarks(arms), *_unlearned(climbed))),
        caveats=(*runner.disturbances, *finding.caveats),
        status=settlement.status,
        updates=protocol.steps or None if climbed is None else None,
        reasons=settlement.reasons,
        ladder=climbed.rungs if climbed is not None else (),
        environment={
            **machine.describe_machine(machine.choose_device("cpu")),
            "date": datetime.date.today().isoformat(),
        },
        command=_command(claim, runner),
        seconds=round(time.perf_counter() - begin, 1),
    )


def settlement_of(claim: Claim, protocol: Protocol, answer: Answer) -> Settlement:
    """The settlement of a claim from the answer at the only budget of a protocol."""
    return Settlement(None, answer) if claim.ladder is None else settle_at_one_budget(answer, protocol.steps)


def _unlearned(climbed: Climbed | None) -> tuple[str, ...]:
    """Which arms have not learned their training distribution at the last budget."""
    failed = [arm.name for arm in climbed.rungs[-1].arms if not arm.learned] if climbed is not None else []
    return (f"{UNLEARNED}: {', '.join(failed)}.",) if failed else ()


def fairness_remarks(arms: Sequence[AuditedArm]) -> tuple[str, ...]:
    """Sentences about unequal conditions of the arms."""
    remarks, labels = [], arm_labels(arms)
    for what, values in (
        ("parameters", [arm.parameters for arm in arms]),
        ("training tokens", [arm.tokens for arm in arms]),
    ):
        if values and max(values) > (1 + _LARGEST_DIFFERENCE) * min(values):
            listed = "; ".join(f"{labels[arm.name]} {value:,}" for arm, value in zip(arms, values, strict=True))
            remarks.append(f"The models differ by more than 5% in {what}: {listed}.")
    tried = {len(arm.trials) for arm in arms}
    if len(tried) > 1:
        remarks.append("Not all models had as many learning rates to choose from.")
    elif tried == {0}:
        remarks.append("Learning rates were not searched here: they are those recorded earlier, or the recipes' own.")
    edges = [labels[arm.name] for arm in arms if is_at_edge(arm.trials, arm.learning_rate)]
    if edges:
        remarks.append(
            f"The best learning rate is at the edge of the grid, so a better one may exist: {', '.join(edges)}."
        )
    return tuple(remarks)


def _command(claim: Claim, runner: ExperimentRunner) -> str:
    words: list[str | Path] = ["claims", "run", claim.name, "--effort", runner.effort]
    if runner.seeds:
        words += ["--seeds", str(runner.seeds)]
    if runner.corpus is not None and claim.takes_data:
        words += corpus_options(runner.corpus)
    return command_line(*words, "--out", "DIR")


def _write(folder: Path, verdicts: Sequence[Verdict], failures: Sequence[FailedClaim] = ()) -> None:
    """Writes verdicts and failures into the folder's file, and keeps those of other claims."""
    names = {verdict.claim for verdict in verdicts} | {failure.claim for failure in failures}
    before = read_verdicts(folder) if (folder / FILE).exists() else Verdicts(verdicts=())
    # If a later try fails, the earlier verdict stays.
    tested = {verdict.claim for verdict in verdicts}
    merged = [verdict for verdict in before.verdicts if verdict.claim not in tested] + list(verdicts)
    failed = [failure for failure in before.failures if failure.claim not in names] + list(failures)
    written = Verdicts(
        verdicts=tuple(sorted(merged, key=lambda item: item.number)),
        failures=tuple(sorted(failed, key=lambda item: item.number)),
    )
    write_text(folder / FILE, model_json(written, indent=1))


def _stored_verdicts(folder: Path) -> tuple[Verdict, ...]:
    return read_verdicts(folder).verdicts if (folder / FILE).exists() else ()


def read_verdicts(folder: Path | str) -> Verdicts:
    """The verdicts in a folder.

    Raises:
        CheckpointError: there are none, or they cannot be read.
    """
    file = Path(folder) / FILE
    if not file.is_file():
        raise CheckpointError(
            f"{folder}: there are no verdicts ({FILE}); make some: "
            f"{command_line('claims', 'run', '--all', '--out', Path(folder))}"
        )
    return Verdicts.parse(read_json(file), source=str(file))


def recorded() -> Verdicts:
    """The verdicts that come with seqloom, one for each claim: that of its ladder if there is one, else of standard effort."""
    last = {verdict.claim: verdict for effort in ("standard", "ladder") for verdict in stored(effort)}
    return Verdicts(verdicts=tuple(sorted(last.values(), key=lambda verdict: verdict.number)))


def stored(effort: Effort) -> tuple[Verdict, ...]:
    """The verdicts of an effort that come with seqloom."""
    file = files("seqloom.claims").joinpath("recorded.json")
    verdicts = Verdicts.model_validate_json(file.read_text(encoding="utf-8")).verdicts
    return tuple(verdict for verdict in verdicts if verdict.effort == effort)


def recorded_rates() -> dict[str, float]:
    """The learning rates that the experiments at standard effort chose, by the names of arms. Ladders train with other settings."""
    return {arm.name: arm.learning_rate for verdict in stored("standard") for arm in verdict.audit.arms}
