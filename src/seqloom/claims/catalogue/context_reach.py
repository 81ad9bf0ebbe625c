"""Claim 15: how far back the gradient still flows."""

import math
from statistics import fmean

from seqloom.claims.catalogue.long_sentences import DOCS
from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.effects import CHRF
from seqloom.claims.protocols import translation_arm
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, measured
from seqloom.claims.verdict import Contrast, Term
from seqloom.experiment.arms import ATTENTIVE, LABELS, MAIN_RECIPES, RECURRENT, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner, RunRecord, Trained

_PROBE = "seqloom.claims.reach:gradient_by_distance"
_LOSSES = "seqloom.claims.reach:loss_by_position"
_STRETCH = 6
_NEAR, _FAR = (1, 4), (30, 40)


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Takes the runs of claim 1 and asks how much the loss at one target position depends on each word before it."""
    corpus = (runner.corpus or DOCS).model_copy(update={"max_words": protocol["max_words"]})
    arms = {recipe: translation_arm(protocol, recipe, corpus, probes=(_PROBE, _LOSSES)) for recipe in MAIN_RECIPES}
    results = runner.train(arms, seeds=protocol.seeds, measure=CHRF)
    questions = tuple(
        ask(
            f"Does the Transformer's gradient fall less over {_FAR[0]}-{_FAR[1]} words than that of the {LABELS[recipe]}?",
            Contrast(
                terms=tuple(
                    Term(arm=LABELS[item], weight=weight, values=_falls(results[item]))
                    for item, weight in ((recipe, 1), (TRANSFORMER, -1))
                )
            ),
            unit="powers of ten that the gradient falls",
            margin=0.5,
        )
        for recipe in (RECURRENT, ATTENTIVE)
    )
    charts = tuple(
        chart(
            f"Gradient of the loss at one target word, {state}",
            "distance in words",
            "relative to the largest gradient",
            tuple(
                measured(
                    LABELS[recipe],
                    [
                        {str(index): max(value, 1e-12) for index, value in enumerate(run.probe(_PROBE)[state]) if index}
                        for run in results[recipe].runs
                    ],
                )
                for recipe in MAIN_RECIPES
            ),
            log_x=False,
            log_y=True,
        )
        for state in ("trained", "untrained")
    )
    losses = chart(
        "Loss by position in the target",
        "target token",
        "nats a token",
        tuple(measured(LABELS[recipe], [_stretches(run) for run in results[recipe].runs]) for recipe in MAIN_RECIPES),
        log_x=False,
    )
    count = results[TRANSFORMER].runs[0].probe(_PROBE)["sentences"]
    return Finding(
        questions,
        (*charts, losses),
        (
            f"Measured on {count} test targets of at least 48 tokens.",
            "The questions are about gradients. The chart of losses by position is additional: the loss falls with the position if "
            "a model uses long contexts, which these models have not learned yet.",
        ),
    )


def _stretches(run: RunRecord) -> dict[str, float]:
    """The mean loss of groups of neighbouring positions, by their middle: single positions have too few tokens."""
    losses = run.probe(_LOSSES)
    return {
        str(position + _STRETCH // 2): fmean(losses[position : position + _STRETCH])
        for position in range(0, len(losses) - _STRETCH + 1, _STRETCH)
    }


def _falls(arm: Trained) -> tuple[float, ...]:
    """For each run the powers of ten between the mean gradient at near words and at far ones."""
    falls = []
    for run in arm.runs:
        norms = run.probe(_PROBE)["trained"]
        near, far = (sum(norms[low : high + 1]) / (high + 1 - low) for low, high in (_NEAR, _FAR))
        falls.append(math.log10(max(near, 1e-12)) - math.log10(max(far, 1e-12)))
    return tuple(falls)


CLAIM = Claim(
    number=15,
    name="context-reach",
    statement="The gradient of a recurrent network vanishes with distance; that of a Transformer does not.",
    source="Kaplan 2020, figure 7; Bengio 1994 on vanishing gradients",
    published="LSTM loss flat after about 100 tokens of context, Transformer loss still falling",
    against="Gates let gradients pass where a network has learned to remember (Hochreiter & Schmidhuber 1997).",
    supports="In the Transformer the gradient falls less with distance, by half a power of ten or more.",
    contradicts="In the Transformer the gradient falls as much or more.",
    protocols={
        "standard": Protocol(
            "The runs of claim 1: three seeds, three learning rates; 24 targets of 48 tokens.",
            steps=200,
            options={"sentences": 500, "max_words": 60},
        ),
        "thorough": Protocol(
            "The runs of claim 1: five seeds, three learning rates; training sentences of at most 100 words; 6,000 steps.",
            seeds=5,
            steps=6000,
            options={"sentences": 1000, "max_words": 100},
        ),
    },
    study=study,
    takes_data=True,
)
