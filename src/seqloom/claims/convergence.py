"""The rule of convergence: when a verdict about quality is settled, and when training was too short for one.

A claim about quality is asked at a ladder of budgets, each a fixed factor (4 by default) longer than the one before. The same
seed gives the same initial weights and the same order of data at each rung. Each rung has a whole learning-rate schedule of its
own: a number in the middle of a schedule says little about a budget that ends there.

**Improving.** An arm improves at a rung if its validation loss, the mean over seeds, is lower than at the rung before by more than
1% of that loss and by more than 0.005 nats a token. The first rung has none before it, so all arms improve there. If a loss follows
a power law with an exponent of 0.5 or more, all later training together lowers it by no more than the last rung did. So the
rest is below the tolerance too.

**Overfitting.** From the second rung on, an arm also counts as converged if most of its runs overfit: the validation loss at the
end is above the run's best by more than the tolerance, while the training loss has fallen since. A longer run passes the best point
too, with a higher learning rate. The weights of the best validation are the ones that are kept.

**Learned.** A claim about a task with a known ceiling declares the score from which an arm has learned its training distribution.
The score is that on validation data where runs decode these, else that on the test.
A loss that stands still at guessing (before a model finds the rule of a task) satisfies the rule above, and this one not.

**Status.** With the answers of the last rung:

- "still learning" where an arm of the claim improves. Nothing is supported or contradicted.
- "open" where no arm improves and the answer is inconclusive, or is "contradicted" by an arm that has not learned its training
  distribution. Such an arm cannot contradict anything; an arm that fails to learn may be what a claim says, so it can support one.
- "settled" where no arm improves and the answer is supported or contradicted.

**One budget.** A claim that has a ladder can also be asked at one short budget, where it is unknown whether its arms have
converged. Such a budget may support the claim, and the headline names the budget. It never contradicts it: then the status is
"still learning".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from seqloom.claims.rule import together
from seqloom.claims.verdict import Answer, Question, Rung, RungArm

Status = Literal["settled", "still learning", "open"]

RELATIVE = 0.01
ABSOLUTE = 0.005
"""An arm improves from one rung to the next if its loss falls by more than both: a share of the loss, and nats per token."""


@dataclass(frozen=True)
class Settlement:
    """What a ladder says about a claim.

    Attributes:
        status: None if the claim was tested at one budget only, and this supports it.
        answer: the verdict; inconclusive if the status is "still learning" or "open".
        reasons: the reasons for the status, one sentence each; empty if the status is "settled" or None.
    """

    status: Status | None
    answer: Answer
    reasons: tuple[str, ...] = ()


def improvement(before: Sequence[float], now: Sequence[float]) -> float:
    """How much lower the mean loss is than at the rung before, in nats per token; NaN if a loss is NaN."""
    return fmean(before) - fmean(now)


def is_improving(before: Sequence[float] | None, now: Sequence[float]) -> bool:
    """Whether an arm still improves at a rung.

    Args:
        before: the validation losses at the rung before, one for each seed; None at the first rung.
    """
    if before is None:
        return True
    gain = improvement(before, now)
    # Comparisons with NaN are False, so with `not` an arm whose loss is NaN counts as improving: a diverged run settles nothing.
    return not (gain <= RELATIVE * fmean(before) or gain <= ABSOLUTE)


def overfits(val_losses: Sequence[float], train_losses: Sequence[float | None]) -> bool:
    """Whether a run's validation loss rose from its best to its end by more than the tolerance, and the training loss fell.

    Args:
        val_losses: the loss at each validation, in order.
        train_losses: for each validation the mean training loss since the one before; None if it is unknown.
    """
    best = min(range(len(val_losses)), key=val_losses.__getitem__)
    rise = val_losses[-1] - val_losses[best]
    then, last = train_losses[best], train_losses[-1]
    return then is not None and last is not None and last < then and rise > max(RELATIVE * val_losses[best], ABSOLUTE)


def has_learned(scores: Sequence[float], threshold: float | None) -> bool:
    """Whether an arm has learned its training distribution: most of its seeds reach the declared score.

    Args:
        threshold: the declared score; None if the task has no known ceiling, and then every arm counts as having learned.
    """
    return threshold is None or 2 * sum(score >= threshold for score in scores) > len(scores)


def settle(rungs: Sequence[Rung]) -> Settlement:
    """The status and headline of a claim from its ladder, the shortest budget first."""
    last = rungs[-1]
    improving = list(dict.fromkeys(arm.label for arm in last.arms if arm.improving))
    if improving:
        return Settlement(
            "still learning",
            "inconclusive",
            (f"Still improving at {last.steps:,} updates: {', '.join(improving)}.",),
        )
    answers: list[Answer] = []
    reasons: list[str] = []
    for question in last.questions:
        failed = unlearned_arms(question, last.arms)
        if question.answer == "contradicted" and failed:
            answers.append("inconclusive")
            reasons.append(f"Not learned, so it cannot contradict anything: {', '.join(failed)} ({question.text})")
        else:
            answers.append(question.answer)
    answer = together(answers)
    if answer == "inconclusive":
        return Settlement("open", answer, (*reasons, *_undecided(last.questions)))
    return Settlement("settled", answer)


def settle_at_one_budget(answer: Answer, steps: int) -> Settlement:
    """The status and headline of a claim that has a ladder, from its answer after a number of updates."""
    if answer == "supported":
        return Settlement(None, answer)
    return Settlement(
        "still learning",
        "inconclusive",
        (
            f"Asked after {steps:,} updates only, where its models may still improve. The answer at this budget is {answer}.",
        ),
    )


def unlearned_arms(question: Question, arms: Sequence[RungArm]) -> list[str]:
    """The labels of a question's arms that have not learned their training distribution.

    If several arms have one label (one arm for each corpus), the label is listed unless all of them have learned.
    """
    labels = sorted({arm.label for arm in arms}, key=len, reverse=True)
    # A term's name is "LABEL" or "LABEL, SPLIT". Longer labels are tried first, because a label may begin with another one.
    of_question = {
        next((label for label in labels if f"{term.arm}, ".startswith(f"{label}, ")), term.arm)
        for term in question.contrast.terms
    }
    return list(dict.fromkeys(arm.label for arm in arms if arm.label in of_question and not arm.learned))


def turning_points(rungs: Sequence[Rung]) -> tuple[int, ...]:
    """The budgets at which the answer differs from that of the rung before, in updates."""
    answers = [together([question.answer for question in rung.questions]) for rung in rungs]
    return tuple(
        rung.steps for rung, before, now in zip(rungs[1:], answers, answers[1:], strict=False) if before != now
    )


@dataclass(frozen=True)
class ArmLosses:
    """The values of an arm at a rung that the rules need; each tuple has a value for each seed.

    Attributes:
        val_losses: the best validation loss of each run.
        scores: the scores on data from the training distribution.
        overfitting: whether the run overfits; empty if that is unknown.
    """

    name: str
    label: str
    val_losses: tuple[float, ...]
    scores: tuple[float, ...]
    overfitting: tuple[bool, ...] = ()


def make_rung(
    steps: int, questions: tuple[Question, ...], arms: Sequence[ArmLosses], before: Rung | None, threshold: float | None
) -> Rung:
    """A rung of the ladder, with the rules applied to its arms.

    Args:
        before: the rung before; None at the first.
        threshold: an arm has learned if it reaches this score; None if the task has no known ceiling.
    """
    known = {arm.name: arm.val_losses for arm in before.arms} if before is not None else {}
    return Rung(
        steps=steps,
        questions=questions,
        verdict=together([question.answer for question in questions]),
        arms=tuple(
            RungArm(
                name=arm.name,
                label=arm.label,
                val_losses=arm.val_losses,
                scores=arm.scores,
                improvement=improvement(known[arm.name], arm.val_losses) if arm.name in known else None,
                overfitting=arm.overfitting,
                improving=is_improving(known.get(arm.name), arm.val_losses)
                and not (arm.name in known and 2 * sum(arm.overfitting) > len(arm.val_losses)),
                learned=has_learned(arm.scores, threshold),
            )
            for arm in arms
        ),
    )


def _undecided(questions: Sequence[Question]) -> list[str]:
    return [
        f"The interval reaches over the margin: {question.text}"
        for question in questions
        if question.answer == "inconclusive"
    ]
