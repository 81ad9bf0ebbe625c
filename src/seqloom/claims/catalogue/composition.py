"""Claim 8: sequence models do not compose: SCAN."""

from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.effects import EXACT, Part, contrast_of_corpora, point
from seqloom.claims.protocols import EXACT_TASK, small_arm
from seqloom.claims.rule import ask
from seqloom.claims.series import chart
from seqloom.claims.verdict import ChartSeries
from seqloom.config import merge
from seqloom.experiment.arms import LABELS, MAIN_RECIPES, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner

_MARGIN = 50.0
_SPLITS = {"scan-simple": "random", "scan-length": "length", "scan-add-jump": "add-jump"}


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Trains on three splits of the same commands: random, by length, and with `jump` alone."""
    # Nine words may ask for 48 actions.
    arms = {
        (split, recipe): small_arm(protocol, recipe, split, {"decoding": {"max_len_ratio": 6.0}})
        for split in _SPLITS
        for recipe in MAIN_RECIPES
    }
    results = runner.train(arms, seeds=protocol.seeds, measure=EXACT)
    questions = tuple(
        ask(
            f"{LABELS[recipe]}: is the accuracy far lower on the split {_SPLITS[split]} than on the random split?",
            contrast_of_corpora(EXACT, Part(1, results["scan-simple", recipe]), Part(-1, results[split, recipe])),
            unit=EXACT.unit,
            margin=_MARGIN,
        )
        for split in ("scan-add-jump", "scan-length")
        for recipe in MAIN_RECIPES
    )
    series = tuple(
        ChartSeries(
            label=LABELS[recipe],
            points=tuple(point(text, EXACT, results[split, recipe]) for split, text in _SPLITS.items()),
        )
        for recipe in MAIN_RECIPES
    )
    return Finding(questions, (chart("Exact-match accuracy", "split", "%", series),))


CLAIM = Claim(
    number=8,
    name="composition",
    statement="Sequence models do well on commands like those in training, but fail to combine known words in new ways.",
    source="Lake & Baroni 2018, experiments 1 to 3",
    published="99.8% at random, 13.8% by length (20.8% for the network that is best there), about 1% for jump",
    against="Csordás 2021: relative positions and longer training help Transformers; data augmentation solves jump (Andreas 2020).",
    supports="Each architecture falls by more than 50 points from the random split to both others.",
    contradicts="An architecture that falls by less: it generalises, or its random-split accuracy is below 50%.",
    protocols={
        "standard": Protocol(
            "Three seeds, three learning rates; 600 steps; 300 commands in each test split.",
            steps=600,
            options={"sentences": 300},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; 10,000 steps; 2,000 commands in each test split.",
            seeds=5,
            steps=10000,
            options={"sentences": 2000},
        ),
    },
    study=study,
    ladder=Ladder(
        steps=(300, 1200, 4800),
        seeds=(3, 5, 8),
        learned=90.0,
        options={"sentences": 500},
        # On the splits by length and by word, the test is unlike training: validation says what was learned.
        settings=merge(EXACT_TASK, {"training": {"validation_sentences": 200}}),
        models={TRANSFORMER: {"positions": "relative"}},
    ),
    reasons=(
        "Both recurrent networks do as published: after 600 updates their accuracy is 69% and 77% on the random split, 8% "
        "and 10% on the length split, and below 1% on the add-jump split. The Transformer also falls to less than 1% on "
        "both, but from 34%, so it has no 50 points to lose: it learns these commands more slowly. The published networks "
        "were trained for 100,000 commands."
    ),
)
