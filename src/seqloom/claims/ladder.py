"""The ladder: a claim's study is repeated at growing budgets until all its arms have converged; then seeds are added.

Input: a claim, its protocol and an experiment runner; output: a Ladder's rungs, their settlement and two charts. Every run is a
folder that a repeated command finds again, so a ladder that was interrupted goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.convergence import ArmLosses, Settlement, make_rung, overfits, settle
from seqloom.claims.interim import LEAST_BIMODAL, at_level, is_bimodal, level_of, shares
from seqloom.claims.series import chart
from seqloom.claims.verdict import Chart, ChartSeries, Point, Question, Rung
from seqloom.experiment.runner import ExperimentRunner


@dataclass(frozen=True)
class Climbed:
    """The results of a ladder.

    Attributes:
        finding: the finding at the last rung.
        seeds: the number of runs of each arm at the last rung.
    """

    rungs: tuple[Rung, ...]
    finding: Finding
    settlement: Settlement
    seeds: int


def climb(claim: Claim, protocol: Protocol, runner: ExperimentRunner) -> Climbed:
    """Tests a claim at one rung after the other until all arms have converged, then with more seeds until the interval decides."""
    ladder = protocol.ladder
    assert ladder is not None
    runner.most_rates = ladder.most_rates
    runner.middle_rates = {}
    plan = (runner.seeds,) if runner.seeds else ladder.seeds
    rungs: list[Rung] = []
    for steps in ladder.steps:
        runner.progress.say(f"{claim.number}. {claim.name}: {steps:,} updates")
        finding, rung = _ask(claim, protocol, runner, steps, plan[0], plan, rungs[-1] if rungs else None)
        rungs.append(rung)
        if not any(arm.improving for arm in rung.arms):
            break
        if steps != ladder.steps[-1]:
            # The best learning rate of a budget is near that of the budget before, so the next grid has its middle there.
            runner.middle_rates = {name: trained.arm.rates[0] for name, trained in runner.trained.items()}
    seeds = plan[0]
    for more in plan[1:]:
        if any(arm.improving for arm in rungs[-1].arms) or _is_decided(rungs[-1], seeds, ladder):
            break
        runner.progress.say(f"{claim.number}. {claim.name}: not decided with {seeds} seeds, going on to {more}")
        finding, rungs[-1] = _ask(
            claim, protocol, runner, rungs[-1].steps, more, plan, rungs[-2] if len(rungs) > 1 else None
        )
        seeds = more
    return Climbed(tuple(rungs), finding, settle(rungs), seeds)


def _ask(
    claim: Claim,
    protocol: Protocol,
    runner: ExperimentRunner,
    steps: int,
    seeds: int,
    plan: Sequence[int],
    before: Rung | None,
) -> tuple[Finding, Rung]:
    assert protocol.ladder is not None
    runner.audited.clear()
    runner.trained.clear()
    finding = claim.study(runner, replace(protocol, steps=steps, seeds=seeds))
    arms = [
        ArmLosses(
            name,
            arm.arm.label,
            tuple(run.val_loss for run in arm.runs),
            arm.val_scores or runner.audited[name].scores,
            tuple(overfits(run.val_losses, run.train_losses) for run in arm.runs),
        )
        for name, arm in runner.trained.items()
    ]
    level, threshold = level_of(plan), protocol.ladder.learned
    questions = tuple(_answer(question, level, threshold) for question in finding.questions)
    rung = make_rung(steps, questions, arms, before, threshold)
    return replace(finding, questions=questions), rung


def _answer(question: Question, level: float, threshold: float | None) -> Question:
    """The question at the level of the plan; about shares of seeds that learn if some seeds of an arm learn and others do not."""
    terms = question.contrast.terms
    if (
        threshold is not None
        and len(terms) == 2
        and min(len(term.values) for term in terms) >= LEAST_BIMODAL
        and any(is_bimodal(term.values, threshold) for term in terms)
    ):
        return shares(question, threshold, level)
    return at_level(question, level)


def _is_decided(rung: Rung, seeds: int, ladder: Ladder) -> bool:
    """Whether all questions have an answer. If some seeds learn and others do not, it takes at least five seeds."""
    bimodal = ladder.learned is not None and any(is_bimodal(arm.scores, ladder.learned) for arm in rung.arms)
    if bimodal and seeds < LEAST_BIMODAL:
        return False
    return all(question.answer != "inconclusive" for question in rung.questions)


def ladder_charts(rungs: Sequence[Rung]) -> tuple[Chart, ...]:
    """The effect of each question with its interval along the budgets, and the validation losses of the arms."""
    if len(rungs) < 2:
        return ()
    effects = tuple(
        ChartSeries(
            label=question.text,
            points=tuple(
                Point(x=float(rung.steps), y=answered.effect, low=answered.low, high=answered.high)
                for rung in rungs
                if (answered := next((q for q in rung.questions if q.text == question.text), None)) is not None
            ),
        )
        for question in rungs[-1].questions
    )
    losses = tuple(
        ChartSeries(
            label=last.label,
            points=tuple(
                Point(x=float(rung.steps), y=fmean(arm.val_losses), low=min(arm.val_losses), high=max(arm.val_losses))
                for rung in rungs
                for arm in rung.arms
                if arm.name == last.name
            ),
        )
        for last in rungs[-1].arms
    )
    unit = rungs[-1].questions[0].unit
    return (
        chart("The answer along training", "updates", unit, effects, log_x=True),
        chart("Validation loss along training", "updates", "nats a token", losses, log_x=True),
    )
