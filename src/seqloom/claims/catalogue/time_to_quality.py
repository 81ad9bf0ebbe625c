"""Claim 20: the Transformer reaches the recurrent network's best quality in less time."""

import math
from collections.abc import Sequence

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.effects import NATS
from seqloom.claims.protocols import TRANSLATION_LADDER, translation_arm, translation_corpus, translation_protocols
from seqloom.claims.rule import ask
from seqloom.claims.series import chart
from seqloom.claims.verdict import ChartSeries, Contrast, Point, Term
from seqloom.experiment.arms import ATTENTIVE, LABELS, MAIN_RECIPES, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner, RunRecord, Trained
from seqloom.run.info import ValidationPoint

_Curve = Sequence[ValidationPoint]


def time_to(curve: _Curve, loss: float) -> float:
    """Seconds of updates until a validation loss is reached, between validations by a straight line over the logarithm of time.

    A curve that never reaches it counts as having taken as long as it lasted, which favours that arm.
    """
    before = None
    for point in curve:
        if point.val_loss <= loss:
            if before is None:
                return point.seconds
            share = (before.val_loss - loss) / (before.val_loss - point.val_loss)
            return math.exp(math.log(before.seconds) + share * (math.log(point.seconds) - math.log(before.seconds)))
        before = point
    return curve[-1].seconds


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Reads the validation curves of the arms that claim 3 trains."""
    corpus = translation_corpus(runner, protocol)
    arms = {recipe: translation_arm(protocol, recipe, corpus) for recipe in MAIN_RECIPES}
    results = runner.train(arms, seeds=protocol.seeds, measure=NATS)
    if protocol.ladder is None:
        runner.check_times([run for arm in results.values() for run in arm.runs])
    questions = []
    for recipe in (item for item in MAIN_RECIPES if item != TRANSFORMER):
        target = sum(run.val_loss for run in results[recipe].runs) / len(results[recipe].runs)
        taken = {
            item: tuple(
                math.log2(time_to(run.info.finished.curve, target) * _share(run, protocol))
                for run in results[item].runs
            )
            for item in (recipe, TRANSFORMER)
        }
        questions.append(
            ask(
                f"Does the Transformer reach the {LABELS[recipe]}'s best validation loss ({target:.3f} nats a token) sooner?",
                Contrast(
                    terms=(
                        Term(arm=LABELS[recipe], weight=1, values=taken[recipe]),
                        Term(arm=LABELS[TRANSFORMER], weight=-1, values=taken[TRANSFORMER]),
                    )
                ),
                unit="log2 speed-up",
            )
        )
    questions.sort(key=lambda question: LABELS[ATTENTIVE] not in question.text)
    curves = tuple(_curve(LABELS[recipe], results[recipe], protocol) for recipe in MAIN_RECIPES)
    drawn = chart("Validation loss over time", "seconds of updates, one thread", "nats a token", curves, log_x=True)
    caveat = "Time is that of this machine's processor; on others, ratios differ."
    if protocol.ladder is not None:
        caveat += " It counts the seconds in which a run's thread computed, since other programs shared the processor."
    return Finding(tuple(questions), (drawn,), (caveat,))


def _share(run: RunRecord, protocol: Protocol) -> float:
    """What seconds are multiplied with. Ladders run for hours beside other programs: there it is the thread's share of its core."""
    return 1.0 if protocol.ladder is None else run.info.finished.processor_share


def _curve(label: str, arm: Trained, protocol: Protocol) -> ChartSeries:
    """The mean of the runs' curves, validation by validation."""
    shares = [_share(run, protocol) for run in arm.runs]
    rows = zip(*(run.info.finished.curve for run in arm.runs), strict=True)
    points = []
    for row in rows:
        losses = [point.val_loss for point in row]
        seconds = sum(point.seconds * share for point, share in zip(row, shares, strict=True)) / len(row)
        points.append(Point(x=seconds, y=sum(losses) / len(losses), low=min(losses), high=max(losses)))
    return ChartSeries(label=label, points=tuple(points))


CLAIM = Claim(
    number=20,
    name="time-to-quality",
    statement="The Transformer reaches the recurrent network's best quality in less time.",
    source="Vaswani 2017, abstract",
    published='"significantly less time to train": 41.0 BLEU after 3.5 days on 8 GPUs, a fraction of earlier systems\' costs',
    against="That was on GPUs; on a processor with few cores, parallel positions gain less.",
    supports="Less time until the recurrent network's best validation loss, each with its best learning rate.",
    contradicts="As much time or more.",
    protocols=translation_protocols(
        "; the runs of claim 3, four validations each", "; the runs of claim 3, four validations each"
    ),
    study=study,
    ladder=TRANSLATION_LADDER,
    takes_data=True,
    reasons=(
        "The Transformer needs three quarters of the time of the RNN without attention, and about 6% more than the RNN "
        "with attention (not significant). A step of all three takes about as long on one thread of a processor, where "
        "computing positions in parallel gains nothing; the published comparison was made on GPUs."
    ),
)
