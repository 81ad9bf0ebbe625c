"""The tables of the claims page, as texts: the values of each chart, the terms of each question, and the audit of the arms.

Input: verdicts. Output: tables of texts. This module does not know HTML.
"""

from statistics import fmean

from seqloom.claims.rule import interval_of
from seqloom.claims.verdict import Chart, ChartSeries, Contrast, Question, Term, Verdict
from seqloom.experiment.audit import AuditedArm
from seqloom.report.claims_wording import level, measured, plain, short, significant
from seqloom.report.tables import Table
from seqloom.report.wording import MISSING, number


def chart_table(chart: Chart) -> Table:
    """The values of a chart: a row for each x value, a column for each series."""
    positions = list(dict.fromkeys(point.x for series in chart.series for point in series.points))
    if all(isinstance(position, float) for position in positions):
        positions.sort(key=float)
    rows = [(_x_text(position), *(_cell(series, position) for series in chart.series)) for position in positions]
    columns = (chart.x_title, *(series.label for series in chart.series))
    return Table(f"{chart.title}, {chart.y_title} [interval]", columns, tuple(rows))


def contrast_table(question: Question) -> Table:
    """The terms of the weighted sum that is the effect: a row for each term."""
    rows = [
        (
            term.arm,
            plain(term.weight),
            significant(fmean(term.values), 4),
            ", ".join(short(value) for value in term.values),
        )
        for term in question.contrast.terms
    ]
    caption = f"The effect is the sum of weight times mean. {question.method}"
    if question.contrast.num_sentences > 1:
        deviation = significant(question.contrast.sentence_variance**0.5)
        caption += f"; standard deviation over sentences {deviation}"
    return Table(caption, ("Arm", "Weight", "Mean", "Values"), tuple(rows))


def audit_table(verdict: Verdict) -> Table:
    """Settings and costs of each arm, and its results: mean, interval, best, and one score per seed."""
    rows, labels = [], verdict.audit.labels
    for arm in verdict.audit.arms:
        rows.append(
            (
                labels[arm.name],
                number(arm.parameters),
                number(arm.steps),
                number(arm.tokens),
                number(arm.train_seconds, 1),
                _tried(arm),
                number(arm.beam),
                _mean(arm, verdict.level),
                short(arm.best),
                ", ".join(short(score) for score in arm.scores) or MISSING,
            )
        )
    heads = ("Arm", "Parameters", "Steps", "Target tokens", "Seconds of updates", "Learning rate", "Beam")
    metrics = " and ".join(dict.fromkeys(arm.measure for arm in verdict.audit.arms)) or "score"
    return Table(
        f"Settings, costs and {metrics} of each arm, with {level(verdict.level)} intervals over seeds",
        (*heads, "Mean", "Best", "By seed"),
        tuple(rows),
    )


def ladder_table(verdict: Verdict) -> Table | None:
    """A row for each arm at each budget: whether it still improves and whether it has learned; None without a ladder."""
    if not verdict.ladder:
        return None
    rows = [
        (
            number(rung.steps),
            arm.name,
            number(fmean(arm.val_losses), 3),
            MISSING if arm.improvement is None else number(arm.improvement, 3),
            "still improving" if arm.improving else "converged",
            "yes" if arm.learned else "no",
        )
        for rung in verdict.ladder
        for arm in rung.arms
    ]
    heads = ("Updates", "Arm", "Validation loss", "Improvement", "State", "Learned")
    return Table("The arms at each budget: validation loss in nats a token, mean over seeds", heads, tuple(rows))


def trials_table(verdict: Verdict) -> Table | None:
    """All learning rates that were tried, with their validation loss; None if none was tried."""
    labels = verdict.audit.labels
    rows = [
        (labels[arm.name], f"{trial.learning_rate:g}", number(trial.val_loss, 4), "chosen" if trial.chosen else MISSING)
        for arm in verdict.audit.arms
        for trial in arm.trials
    ]
    heads = ("Arm", "Learning rate", "Validation loss, nats a token", "Choice")
    return Table("Learning rates that were tried", heads, tuple(rows), frozenset({3})) if rows else None


def _tried(arm: AuditedArm) -> str:
    text = f"{arm.learning_rate:g}"
    return f"{text}, best of {len(arm.trials)}" if len(arm.trials) > 1 else text


def _mean(arm: AuditedArm, at_level: float) -> str:
    if not arm.scores:
        return MISSING
    bounds = interval_of(Contrast(terms=(Term(arm=arm.name, weight=1, values=arm.scores),)), at_level)
    return measured(fmean(arm.scores), *(bounds or (None, None)))


def _x_text(position: float | str) -> str:
    return position if isinstance(position, str) else plain(position)


def _cell(series: ChartSeries, position: float | str) -> str:
    # If a series has several points at one x value, the cell holds all of them.
    cells = [measured(point.y, point.low, point.high) for point in series.points if point.x == position]
    return "; ".join(cells) or MISSING
