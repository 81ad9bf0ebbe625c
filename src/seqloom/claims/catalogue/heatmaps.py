"""Claim 18: a heatmap of attention is an explanation."""

from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.effects import EXACT
from seqloom.claims.protocols import EXACT_TASK, small_arm
from seqloom.claims.rule import ask
from seqloom.claims.series import chart
from seqloom.claims.verdict import ChartSeries, Contrast, Point, Question, Term
from seqloom.experiment.arms import ATTENTIVE, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner

_PROBE = "seqloom.claims.reach:pointing"
_MARGIN = 80.0
_PAIRS = {
    "attention, truth": "attention and the true word",
    "gradient, truth": "gradient and the true word",
    "occlusion, truth": "occlusion and the true word",
    "attention, occlusion": "attention and occlusion",
    "attention, gradient": "attention and gradient",
}


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Asks attention, gradient and occlusion which word of a list the next word comes from, which is known."""
    questions: list[Question] = []
    charts = []
    arms = {
        (task, recipe): small_arm(protocol, recipe, task, probes=(_PROBE,))
        for task in protocol["tasks"]
        for recipe in (ATTENTIVE, TRANSFORMER)
    }
    trained = runner.train(arms, seeds=protocol.seeds, measure=EXACT)
    for task in protocol["tasks"]:
        results = [trained[task, recipe] for recipe in (ATTENTIVE, TRANSFORMER)]
        values = {
            item.arm.label: {pair: tuple(run.probe(_PROBE)[pair] for run in item.runs) for pair in _PAIRS}
            for item in results
        }
        questions += [
            ask(
                f"{task}, {label}: does attention nearly always point at the word whose removal increases the loss most?",
                Contrast(terms=(Term(arm=label, weight=1, values=pairs["attention, occlusion"]),)),
                unit="% of words",
                margin=_MARGIN,
            )
            for label, pairs in values.items()
        ]
        series = tuple(
            ChartSeries(
                label=label,
                points=tuple(
                    Point(x=_PAIRS[pair], y=sum(v) / len(v), low=min(v), high=max(v)) for pair, v in pairs.items()
                ),
            )
            for label, pairs in values.items()
        )
        charts.append(chart(f"{task}: how often two point at the same word", "methods compared", "%", series))
    caveat = (
        "The Transformer's attention is the mean over heads of its last layer but one; single heads may point better. Bars end at "
        "the lowest and the highest seed."
    )
    return Finding(tuple(questions), tuple(charts), (caveat,))


CLAIM = Claim(
    number=18,
    name="heatmaps",
    statement="A heatmap of attention is an explanation: it shows which word of the source the next word depends on.",
    source="Bahdanau 2015, figure 3, and many since",
    published="heatmaps that look like alignments; no agreement was measured",
    against="Jain & Wallace 2019: attention weights of RNNs often disagree with gradients; Wiegreffe & Pinter 2019 object.",
    supports="The word with the most attention is the one whose removal increases the loss most, for more than 80% of words.",
    contradicts="Attention points elsewhere more often.",
    protocols={
        "standard": Protocol(
            "The runs of claim 4: three seeds, three learning rates; copy and reverse; 60 lists.",
            steps=600,
            options={"tasks": ["copy", "reverse"], "sentences": 200},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; copying and reversing lists; 10,000 steps.",
            seeds=5,
            steps=10000,
            options={"tasks": ["copy", "reverse"], "sentences": 1000},
        ),
    },
    study=study,
    ladder=Ladder(steps=(400, 1600, 6400), learned=90.0, settings=EXACT_TASK),
    reasons=(
        "Three of four questions are answered: attention points at what matters. The fourth, reversing by the "
        "Transformer, differs between seeds more than its margin allows to tell. The papers that disagree speak of "
        "sentences; here the truth is known, and pointing at one word is all that the task asks for."
    ),
)
