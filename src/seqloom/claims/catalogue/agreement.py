"""Claim 10: RNNs handle long-distance number agreement better than Transformers."""

from statistics import fmean
from typing import Any

from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.effects import EXACT
from seqloom.claims.protocols import EXACT_TASK, small_arm
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, mean_point
from seqloom.claims.verdict import ChartSeries, Contrast, Term
from seqloom.corpus import Corpus
from seqloom.corpus.generators.agreement import MOST, MOST_TRAINED, attractors, contrast
from seqloom.experiment.arms import ATTENTIVE, LABELS, MAIN_RECIPES, RECURRENT, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner, Trained
from seqloom.run.load import Run

_PROBE = "seqloom.claims.catalogue.agreement:agreeing"
_SENTENCES = 400


def agreeing(run: Run, corpus: Corpus) -> dict[str, Any]:
    """By the number of attractors: how many sentences have the right verb form likelier than the wrong one, in percent."""
    right: dict[int, list[bool]] = {}
    for split in ("test", "beyond"):
        pairs = [pair for _, pair in zip(range(_SENTENCES), corpus.tests[split].pairs(), strict=False)]
        plain, wrong = run.score(pairs), run.score([contrast(pair) for pair in pairs])
        for pair, item, other in zip(pairs, plain, wrong, strict=True):
            right.setdefault(attractors(pair.src), []).append(item.log_prob > other.log_prob)
    return {
        str(count): {"right": 100 * sum(results) / len(results), "sentences": len(results)}
        for count, results in sorted(right.items())
    }


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Trains on sentences with few attractors, and compares the likelihood of both verb forms with more of them."""
    arms = {recipe: small_arm(protocol, recipe, "agreement", probes=(_PROBE,)) for recipe in MAIN_RECIPES}
    results = runner.train(arms, seeds=protocol.seeds, measure=EXACT)
    questions = tuple(
        ask(
            f"With {MOST} attractors, does the {LABELS[recipe]} find the right form more often than the Transformer?",
            _ahead(results[recipe], results[TRANSFORMER]),
            unit="percentage points of right verb forms",
            margin=1.0,
        )
        for recipe in (RECURRENT, ATTENTIVE)
    )
    series = tuple(
        ChartSeries(
            label=LABELS[recipe],
            points=tuple(mean_point(float(count), _shares(item, count)) for count in range(MOST + 1)),
        )
        for recipe, item in results.items()
    )
    drawn = chart("Right verb forms", "nouns of the other number in between", "%", series)
    return Finding(
        questions, (drawn,), (f"A toy grammar. Training has at most {MOST_TRAINED} attractors; 50% is chance.",)
    )


def _ahead(trained: Trained, other: Trained) -> Contrast:
    """By how much one is right more often with the most attractors; sentences vary as draws that are right or wrong do."""
    terms = tuple(
        Term(arm=arm.arm.label, weight=weight, values=_shares(arm, MOST)) for arm, weight in ((trained, 1), (other, -1))
    )
    sentences = int(trained.runs[0].probe(_PROBE)[str(MOST)]["sentences"])
    variance = sum(fmean(term.values) * (100 - fmean(term.values)) / sentences for term in terms)
    return Contrast(terms=terms, sentence_variance=variance, num_sentences=sentences)


def _shares(arm: Trained, count: int) -> tuple[float, ...]:
    return tuple(float(run.probe(_PROBE)[str(count)]["right"]) for run in arm.runs)


CLAIM = Claim(
    number=10,
    name="agreement",
    statement="RNNs handle long-distance number agreement better than Transformers.",
    source="Tran 2018 (The Importance of Being Recurrent)",
    published="LSTM ahead of the Transformer in agreement accuracy at every number of attractors",
    against="Tang 2018: no clear winner in translation, and more heads help the Transformer.",
    supports="With four attractors both recurrent networks are ahead by more than 1 point.",
    contradicts="The Transformer is as good or better than one of them.",
    protocols={
        "standard": Protocol(
            "Three seeds, three learning rates; 1,200 steps; 400 sentences in each test split.",
            steps=1200,
            options={"sentences": 200},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; 10,000 steps; verb forms of 400 sentences in each test split.",
            seeds=5,
            steps=10000,
            options={"sentences": 1000},
        ),
    },
    study=study,
    ladder=Ladder(steps=(300, 1200, 4800), seeds=(5, 8, 12), learned=90.0, settings=EXACT_TASK),
    reasons=(
        "With four attractors all runs but one find the right form in 97 to 100% of sentences: the toy grammar is too "
        "easy to tell the architectures apart. One of three seeds of the RNN with attention finds it in 16%, worse "
        "than chance, so it follows the nouns in between; three seeds cannot average that away."
    ),
)
