"""Verdict: the results of an experiment about a claim, as data, with all numbers from which the verdict can be computed again.

Input: numbers of runs and measurements; output: verdicts. This module does not train, measure or draw. The module `rule` decides
how numbers become a verdict.
"""

from typing import Literal

from pydantic import Field

from seqloom.config import Results
from seqloom.experiment.audit import AuditedArm, Effort, arm_labels

SCHEMA_VERSION = 1

Answer = Literal["supported", "contradicted", "inconclusive"]
Origin = Literal["live", "recorded"]


class Term(Results):
    """One arm's part in a contrast.

    Attributes:
        values: one for each seed, or for each round of a measurement; all in the contrast's unit.
    """

    arm: str
    weight: float
    values: tuple[float, ...] = Field(min_length=1)


class Contrast(Results):
    """An effect: the weighted sum of the terms' means.

    Attributes:
        sentence_variance: the variance of the effect over test sentences (bootstrap), in squared units; 0 if the effect does
            not come from test sentences.
        num_sentences: the number of test sentences that the variance comes from.
    """

    terms: tuple[Term, ...] = Field(min_length=1)
    sentence_variance: float = Field(0.0, ge=0)
    num_sentences: int = Field(0, ge=0)


class Question(Results):
    """What a claim says about one effect, and the measured effect with its interval.

    Attributes:
        asks: "more": the effect is above the margin. "alike": it lies between -margin and +margin.
        low: the interval's lower end; None if neither seeds nor sentences vary, so there is no interval.
    """

    text: str
    unit: str
    asks: Literal["more", "alike"]
    margin: float
    contrast: Contrast
    effect: float
    low: float | None
    high: float | None
    level: float
    method: str
    answer: Answer


class Point(Results):
    """A point of a chart; `low` and `high` are the ends of its interval."""

    x: float | str
    y: float
    low: float | None = None
    high: float | None = None


class ChartSeries(Results):
    """A line, or a group of bars."""

    label: str
    points: tuple[Point, ...]


class Chart(Results):
    """A chart of measurements.

    Attributes:
        description: the text alternative of the chart, for readers who cannot see it.
    """

    title: str
    x_title: str
    y_title: str
    series: tuple[ChartSeries, ...]
    log_x: bool = False
    log_y: bool = False
    description: str


class Audit(Results):
    """Facts that show whether the arms had equal conditions; `remarks` name the differences."""

    arms: tuple[AuditedArm, ...]
    remarks: tuple[str, ...]

    @property
    def labels(self) -> dict[str, str]:
        """See `arm_labels`."""
        return arm_labels(self.arms)


class RungArm(Results):
    """An arm at one budget.

    Attributes:
        val_losses: the best validation loss of each seed, in nats a token.
        scores: the score of each seed, on validation data if the runs decode them, otherwise on the test.
        overfitting: whether each seed's run overfits; empty in verdicts of versions that did not check it.
        improvement: how much lower the mean loss is than at the budget before; None at the first.
        improving: whether that is more than the tolerance, and most runs do not overfit.
        learned: whether it has learned its training distribution.
    """

    name: str
    label: str
    val_losses: tuple[float, ...]
    scores: tuple[float, ...]
    overfitting: tuple[bool, ...] = ()
    improvement: float | None
    improving: bool
    learned: bool


class Rung(Results):
    """The answers at one budget of the ladder. The module `convergence` derives the status from them."""

    steps: int = Field(description="updates of each run")
    verdict: Answer
    questions: tuple[Question, ...] = Field(min_length=1)
    arms: tuple[RungArm, ...]


class Verdict(Results):
    """The verdict on a claim. `effect`, `unit` and `interval` are those of the first question."""

    claim: str
    number: int
    verdict: Answer
    effect: float
    unit: str
    interval: tuple[float, float] | None
    level: float
    arms: tuple[str, ...]
    seeds: int
    effort: Effort
    origin: Origin
    published: str
    questions: tuple[Question, ...] = Field(min_length=1)
    charts: tuple[Chart, ...]
    audit: Audit
    caveats: tuple[str, ...]
    environment: dict[str, str] = Field(description="machine, threads, versions, date")
    command: str
    seconds: float = Field(description="how long it took, without arms that another claim had trained")
    status: Literal["settled", "still learning", "open"] | None = Field(
        None,
        description="None if one budget supports the claim, or if the claim has no ladder of budgets",
    )
    updates: int | None = Field(
        None,
        description="updates of each run, if the claim was tested at one budget; None for ladders and measured times",
    )
    reasons: tuple[str, ...] = Field((), description="why the status is not settled")
    ladder: tuple[Rung, ...] = Field((), description="the answers at each budget, the shortest first")

    @property
    def headline(self) -> str:
        """The verdict with its status: `supported after 600 updates`, `settled: supported`, `still learning` or `open`."""
        if self.status is None:
            return self.verdict if self.updates is None else f"{self.verdict} after {self.updates:,} updates"
        return f"settled: {self.verdict}" if self.status == "settled" else self.status


class FailedClaim(Results):
    """A claim whose experiment failed; the others were tested."""

    claim: str
    number: int
    error: str
    log: str | None = Field(None, description="the file with the traceback, relative to the folder of the verdicts")

    def __str__(self) -> str:
        log = "" if self.log is None else f" (traceback: {self.log})"
        return f"{self.number}. {self.claim} FAILED: {self.error}{log}"


class Verdicts(Results):
    """What verdicts.json holds."""

    schema_version: int = SCHEMA_VERSION
    verdicts: tuple[Verdict, ...]
    failures: tuple[FailedClaim, ...] = ()
