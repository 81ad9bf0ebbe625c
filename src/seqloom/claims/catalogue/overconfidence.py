"""Claim 22: the gap between confidence and accuracy grows out of distribution."""

from itertools import islice
from statistics import fmean
from typing import Any

import numpy as np
import torch

from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.effects import EXACT
from seqloom.claims.protocols import EXACT_TASK, small_arm
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, mean_point
from seqloom.claims.verdict import ChartSeries, Contrast, Term
from seqloom.corpus import Corpus
from seqloom.data.batching import make_batch
from seqloom.data.example import Example
from seqloom.experiment.arms import LABELS, MAIN_RECIPES
from seqloom.experiment.runner import ExperimentRunner, Trained
from seqloom.run.load import Run

_MARGIN = 10.0
_NUM_LISTS = 200
_PROBE = "seqloom.claims.catalogue.overconfidence:certainty"
_SPLITS = {"test": "1-20 words", "beyond": "21-40 words"}
# The keys of the probe's values, and their labels in the charts.
_LABELS = {"sure": "confidence", "right": "accuracy"}


def certainty(run: Run, corpus: Corpus) -> dict[str, Any]:
    """Confidence (the probability of the most likely next word) and accuracy (whether it is right), in percent.

    For each test target the mean over its words. The previous words are those of the reference (teacher forcing), so that an
    error does not cause further errors.
    """
    vocab = run.tokenizer.vocab
    results: dict[str, Any] = {}
    for split in _SPLITS:
        pairs = list(islice(corpus.tests[split].pairs(), _NUM_LISTS))
        sources = run.tokenizer.encode_src([pair.src for pair in pairs])
        targets = run.tokenizer.encode_tgt([pair.tgt for pair in pairs])
        examples = [Example(np.asarray(src), np.asarray(tgt)) for src, tgt in zip(sources, targets, strict=True)]
        batch = make_batch(examples, pad_id=vocab.pad_id, bos_id=vocab.bos_id, eos_id=vocab.eos_id)
        with torch.no_grad():
            highest, likeliest = run.model.project(run.model(batch)).softmax(dim=-1).max(dim=-1)
        right = (likeliest == batch.tgt_out).to(highest)
        results[split] = {
            what: (100 * (values * batch.tgt_mask).sum(dim=1) / batch.tgt_mask.sum(dim=1)).tolist()
            for what, values in (("sure", highest), ("right", right))
        }
    return results


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Measures the confidence and accuracy of models that copy lists of 1 to 20 words, on such lists and on longer ones."""
    arms = {recipe: small_arm(protocol, recipe, "copy", probes=(_PROBE,)) for recipe in MAIN_RECIPES}
    results = runner.train(arms, seeds=protocol.seeds, measure=EXACT)
    questions = tuple(
        ask(
            f"Does the {LABELS[recipe]} lose more accuracy than confidence beyond the trained lengths?",
            _gap_growth(item),
            unit="percentage points of calibration gap (confidence - accuracy)",
            margin=_MARGIN,
        )
        for recipe, item in results.items()
    )
    charts = tuple(
        chart(
            f"Confidence and accuracy: {text}",
            "measure of the most likely next word",
            "%",
            tuple(
                ChartSeries(
                    label=LABELS[recipe],
                    points=tuple(mean_point(label, _values(item, split, what)) for what, label in _LABELS.items()),
                )
                for recipe, item in results.items()
            ),
        )
        for split, text in _SPLITS.items()
    )
    caveat = (
        "Training smooths the labels by a tenth, so even a perfect model is only about 90% confident: what counts is how the "
        "gap grows from trained lengths to longer ones."
    )
    # Ladders train without smoothing.
    return Finding(questions, charts, (caveat,) if protocol.ladder is None else ())


def _gap_growth(arm: Trained) -> Contrast:
    """The change of the calibration gap (confidence - accuracy) from trained to longer lists, in points; for each run."""
    excess = {
        # (runs, lists)
        split: np.array([run.probe(_PROBE)[split]["sure"] for run in arm.runs])
        - np.array([run.probe(_PROBE)[split]["right"] for run in arm.runs])
        for split in _SPLITS
    }
    values = excess["beyond"].mean(axis=1) - excess["test"].mean(axis=1)
    counts = [item.shape[1] for item in excess.values()]
    variance = sum(item.mean(axis=0).var(ddof=1) / item.shape[1] for item in excess.values())
    return Contrast(
        terms=(Term(arm=arm.arm.label, weight=1, values=tuple(values.tolist())),),
        sentence_variance=float(variance),
        num_sentences=min(counts),
    )


def _values(arm: Trained, split: str, what: str) -> tuple[float, ...]:
    return tuple(fmean(run.probe(_PROBE)[split][what]) for run in arm.runs)


CLAIM = Claim(
    number=22,
    name="overconfidence",
    statement="The calibration gap (confidence minus accuracy) grows out of distribution.",
    source="Ovadia 2019 (Can You Trust Your Model's Uncertainty?), section 4",
    published="calibration error grows with the distance from the training data, for every method tried",
    against="Kadavath 2022: large language models mostly know what they know; smoothed labels make models less sure (Müller 2019).",
    supports="In each architecture accuracy falls by more than 10 points more than confidence beyond the trained lengths.",
    contradicts="An architecture whose confidence falls as much as its accuracy.",
    protocols={
        "standard": Protocol(
            "The runs of claim 4: three seeds, three learning rates; copying lists; 600 steps; 200 lists in each test split.",
            steps=600,
            options={"sentences": 200},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; copying lists; 10,000 steps; 1,000 lists in each test split.",
            seeds=5,
            steps=10000,
            options={"sentences": 1000},
        ),
    },
    study=study,
    ladder=Ladder(steps=(400, 1600, 6400), learned=90.0, settings=EXACT_TASK),
    reasons=(
        "One of three is supported. In the RNN accuracy falls by 14 points more than confidence, from an underconfident "
        "model to a calibrated one. In the Transformer it falls by 10, which is at the margin (inconclusive). The RNN "
        "with attention predicts about 95% of the next words of longer lists correctly too, given the true words before, "
        "and stays as confident; a model that does not fail cannot be overconfident. The paper tests images and data that "
        "are changed much more."
    ),
)
