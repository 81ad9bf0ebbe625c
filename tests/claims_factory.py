"""Verdicts as claims hand them on, made up: of every answer, with lines and points, trained arms and none."""

import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from seqloom.claims.rule import ask, interval_of, together
from seqloom.claims.series import chart, measured
from seqloom.claims.verdict import (
    Audit,
    Chart,
    ChartSeries,
    Contrast,
    Point,
    Question,
    Rung,
    RungArm,
    Term,
    Verdict,
    Verdicts,
)
from seqloom.experiment.audit import AuditedArm
from seqloom.experiment.tuning import Trial

ENVIRONMENT = {
    "processor": "Imaginary Processor 9000",
    "device": "cpu",
    "threads": "2",
    "system": "Linux x86_64",
    "torch": "2.9.0",
    "seqloom": "0.1.0",
    "date": "2026-11-25",
}
LABELS = ("RNN", "RNN with attention", "Transformer")


@cache
def make_verdicts() -> Verdicts:
    """Six verdicts: supported, contradicted and inconclusive, live and recorded, the last of a claim that nobody knows."""
    return Verdicts(verdicts=(_recall(), _reversed_source(), _square(), _order(), _copying(), _unknown()))


def verdict(number: int, claim: str, questions: Sequence[Question], charts: Sequence[Chart], **changes: Any) -> Verdict:
    """A verdict of some questions; everything else may be changed."""
    leading = questions[0]
    bounds = (leading.low, leading.high) if leading.low is not None and leading.high is not None else None
    values: dict[str, Any] = {
        "claim": claim,
        "number": number,
        "verdict": together([question.answer for question in questions]),
        "effect": leading.effect,
        "unit": leading.unit,
        "interval": bounds,
        "level": leading.level,
        "arms": LABELS,
        "seeds": 3,
        "effort": "quick",
        "origin": "live",
        "published": f"the figure of claim {number}",
        "questions": tuple(questions),
        "charts": tuple(charts),
        "audit": Audit(arms=(), remarks=()),
        "caveats": (f"A caveat of claim {number}.",),
        "environment": ENVIRONMENT,
        "command": f"seqloom claims run {claim} --effort quick --out DIR",
        "seconds": 88.4,
    }
    return Verdict(**{**values, **changes})


def audited(scores: Mapping[str, Sequence[float]], trials: bool = True, task: str = "copy") -> Audit:
    """An audit of arms with these scores."""
    arms = []
    for index, (label, found) in enumerate(scores.items()):
        rates = [0.001 * (1 + index), 0.002 * (1 + index), 0.004 * (1 + index)]
        arms.append(
            AuditedArm(
                name=f"{label.lower().replace(' ', '-')}/small/{task}",
                label=label,
                parameters=171_233 + 1_000 * index,
                steps=2_000,
                tokens=1_843_211 + index,
                train_seconds=31.27 + index,
                learning_rate=rates[1],
                trials=tuple(
                    Trial(learning_rate=rate, val_loss=1.2345 + 0.1 * abs(turn - 1) + index, chosen=turn == 1)
                    for turn, rate in enumerate(rates)
                )
                if trials
                else (),
                beam=1,
                measure="share right",
                scores=tuple(found),
                best=max(found),
                recipe=f"name: {label.lower().replace(' ', '-')}\nmodel:\n  d_model: 64\n",
            )
        )
    return Audit(arms=tuple(arms), remarks=("Learning rates were searched over three values for each arm.",))


def contrast(scores: Mapping[str, Sequence[float]], first: str, second: str, sentences: int = 300) -> Contrast:
    """The first arm's mean less the second's."""
    return Contrast(
        terms=(
            Term(arm=first, weight=1, values=tuple(scores[first])),
            Term(arm=second, weight=-1, values=tuple(scores[second])),
        ),
        sentence_variance=1.44 if sentences else 0.0,
        num_sentences=sentences,
    )


def points(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> tuple[ChartSeries, ...]:
    """A series for each arm, a point with its interval for each word."""
    found = []
    for label, by_place in scores.items():
        made = []
        for place, values in by_place.items():
            low, high = interval_of(Contrast(terms=(Term(arm=label, weight=1, values=tuple(values)),))) or (None, None)
            made.append(Point(x=place, y=sum(values) / len(values), low=low, high=high))
        found.append(ChartSeries(label=label, points=tuple(made)))
    return tuple(found)


def _recall() -> Verdict:
    scores = {"RNN": (23.1, 25.6, 24.2), "RNN with attention": (91.3, 95.0, 93.8), "Transformer": (99.1, 99.7, 98.9)}
    questions = [
        ask(
            f"4 pairs: does the {label} recall more values than the RNN without attention?",
            contrast(scores, label, "RNN"),
            unit="points of right values",
            margin=10.0,
        )
        for label in ("Transformer", "RNN with attention")
    ]
    places = {
        label: {"4 pairs": values, "8 pairs": [value * 0.9 for value in values]} for label, values in scores.items()
    }
    drawn = chart("Values recalled", "pairs of key and value", "% right", points(places))
    return verdict(6, "recall", questions, [drawn], audit=audited(scores))


def _reversed_source() -> Verdict:
    scores = {"RNN": (2.31, 2.29), "RNN, backwards": (2.305, 2.292), "Transformer": (1.71, 1.73)}
    question = ask(
        "Does reading backwards lower the cross-entropy of the RNN without attention?",
        contrast(scores, "RNN", "RNN, backwards"),
        unit="nats a token",
        margin=0.01,
    )
    places = {
        "RNN": {"forwards": scores["RNN"], "backwards": scores["RNN, backwards"]},
        "Transformer": {"forwards": scores["Transformer"], "backwards": scores["Transformer"]},
    }
    drawn = chart("Cross-entropy of the test targets", "the source is read", "nats a token", points(places))
    audit = audited(scores, trials=False)
    return verdict(2, "reversed-source", [question], [drawn], audit=audit, seeds=2, effort="quick")


def _square() -> Verdict:
    draw = random.Random(0)
    lengths = (64, 128, 256, 512, 1024, 2048)
    exponents = {"explicit attention": 1.9, "fused attention": 1.6, "recurrence": 1.0}
    rounds = {
        mixer: [{str(n): 2e-6 * n**power * draw.uniform(0.9, 1.1) for n in lengths} for _ in range(3)]
        for mixer, power in exponents.items()
    }
    fits = {mixer: tuple(power + 0.02 * turn for turn in range(3)) for mixer, power in exponents.items()}
    questions = [
        ask(
            "Does the time of explicit attention grow with nearly the square of the length?",
            Contrast(terms=(Term(arm="explicit attention", weight=1, values=fits["explicit attention"]),)),
            unit="exponent of time over length",
            margin=1.5,
        ),
        ask(
            "Does the time of fused attention grow faster than that of recurrence?",
            contrast(fits, "fused attention", "recurrence", sentences=0),
            unit="difference of exponents of time over length",
            margin=0.25,
        ),
    ]
    series = tuple(measured(mixer, found) for mixer, found in rounds.items())
    drawn = chart("Time of one layer", "length", "seconds", series, log=True)
    return verdict(12, "square-of-length", questions, [drawn], arms=tuple(exponents))


def _order() -> Verdict:
    scores = {"Transformer, sinusoidal positions": (97.0, 98.5), "Transformer, no positions": (0.5, 1.0)}
    question = ask(
        "copy: do positions raise the share of lists that are right?",
        contrast(scores, *scores, sentences=200),
        unit="points of exact match",
        margin=20.0,
    )
    drawn = chart(
        "Lists wholly right", "test", "%", points({label: {"test": values} for label, values in scores.items()})
    )
    return verdict(
        17, "order", [question], [drawn], audit=audited(scores), origin="recorded", effort="standard", seeds=3
    )


def _copying() -> Verdict:
    scores = {"RNN": (0.5, 1.0, 0.0), "RNN with attention": (99.0, 98.5, 99.5), "Transformer": (81.0, 86.0, 84.0)}
    beyond = {"RNN": (0.0, 0.0, 0.0), "RNN with attention": (62.0, 12.0, 88.0), "Transformer": (0.0, 0.5, 0.0)}
    questions = [
        ask(
            f"copy: does the {label} get far fewer lists of 21 to 40 words right than lists of 1 to 20?",
            contrast({"within": scores[label], "beyond": beyond[label]}, "within", "beyond", sentences=200),
            unit="points of exact match",
            margin=50.0,
        )
        for label in LABELS
    ]
    places = {label: {"1-20 words": scores[label], "21-40 words": beyond[label]} for label in LABELS}
    drawn = [
        chart("copy: lists wholly right", "length of the list", "%", points(places)),
        chart("copy: words right", "length of the list", "%", points(places)),
    ]
    once, again = (audited(scores, task=task) for task in ("copy", "reverse"))
    return verdict(4, "copying", questions, drawn, audit=once.model_copy(update={"arms": (*once.arms, *again.arms)}))


def _unknown() -> Verdict:
    values = {"one arm": (0.01, -0.02, 0.005), "another arm": (0.0, 0.01, -0.01)}
    question = ask(
        "Are both arms alike?",
        contrast(values, "one arm", "another arm", sentences=0),
        unit="points",
        margin=1.5,
        asks="alike",
    )
    series = (ChartSeries(label="one arm", points=(Point(x=1.0, y=0.0), Point(x=10.0, y=3.0, low=-1.0, high=7.0))),)
    drawn = chart("Something on a logarithmic axis", "size", "points", series, log=True)
    return verdict(99, "claim-of-a-newer-version", [question], [drawn], arms=tuple(values), caveats=())


def make_rung(steps: int = 800, *, improving: bool = False) -> Rung:
    """One budget of a ladder, with the questions of the first verdict."""
    questions = make_verdicts().verdicts[0].questions
    arm = RungArm(
        name="rnn-tiny/small/copy",
        label="RNN",
        val_losses=(2.0, 2.1),
        scores=(50.0, 51.0),
        improvement=0.2 if improving else 0.001,
        improving=improving,
        learned=True,
    )
    return Rung(steps=steps, verdict=together([item.answer for item in questions]), questions=questions, arms=(arm,))
