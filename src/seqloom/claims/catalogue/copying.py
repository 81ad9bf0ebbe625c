"""Claim 4: copy, reverse, duplicate, within the trained lengths and beyond them."""

from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.effects import EXACT, WORDS, Part, bars, contrast
from seqloom.claims.protocols import EXACT_TASK, small_arm
from seqloom.claims.rule import ask, effect_of
from seqloom.claims.series import chart
from seqloom.claims.verdict import Chart, Contrast, Question, Term
from seqloom.experiment.arms import LABELS, MAIN_RECIPES
from seqloom.experiment.runner import ExperimentRunner, Trained

_MARGIN = 50.0


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Trains on lists of 1 to 20 words; tests on as long ones and on longer ones."""
    questions: list[Question] = []
    charts: list[Chart] = []
    splits = [("test", "1-20 words"), ("beyond", "21-40 words"), *protocol["longer"]]
    arms = {
        (task, recipe): small_arm(protocol, recipe, task, splits=[split for split, _ in splits])
        for task in protocol["tasks"]
        for recipe in MAIN_RECIPES
    }
    trained = runner.train(arms, seeds=protocol.seeds, measure=EXACT)
    for task in protocol["tasks"]:
        results = [trained[task, recipe] for recipe in MAIN_RECIPES]
        questions += [
            ask(
                f"{task}: does the {LABELS[recipe]} lose most of its exact-match accuracy at 21 to 40 words?",
                _lost(item),
                unit="% relative loss of accuracy",
                margin=_MARGIN,
            )
            for recipe, item in zip(MAIN_RECIPES, results, strict=True)
        ]
        charts.append(chart(f"{task}: exact-match accuracy", "length of the list", "%", bars(EXACT, results, splits)))
        charts.append(chart(f"{task}: words right", "length of the list", "%", bars(WORDS, results, splits)))
    caveats = (
        "Synthetic lists of 26 words; results say little about text.",
        "Exact match is harder for longer lists: one wrong word makes a list wrong. The charts of words show the accuracy "
        "by word, which the paper reports.",
        "The question was changed after a first trial at quick effort: from points of accuracy to the "
        "relative loss of accuracy, because a model with a low accuracy has few points to lose.",
    )
    return Finding(tuple(questions), tuple(charts), caveats)


def _lost(arm: Trained) -> Contrast:
    """The part of its share of right lists that an arm loses beyond the trained lengths, in percent, for each run."""
    shares = [(EXACT.value(run, "test"), EXACT.value(run, "beyond")) for run in arm.runs]
    lost = tuple(100 * (1 - beyond / within) if within else 0.0 for within, beyond in shares)
    within, beyond = (contrast(EXACT, Part(1, arm, split)) for split in ("test", "beyond"))
    mean_within, mean_beyond = (max(effect_of(item), 1e-9) for item in (within, beyond))
    # That of a quotient, to the first order.
    variance = (100 * mean_beyond / mean_within) ** 2 * (
        within.sentence_variance / mean_within**2 + beyond.sentence_variance / mean_beyond**2
    )
    return Contrast(
        terms=(Term(arm=arm.arm.label, weight=1, values=lost),),
        sentence_variance=variance,
        num_sentences=min(within.num_sentences, beyond.num_sentences),
    )


CLAIM = Claim(
    number=4,
    name="copying",
    statement="All architectures lose most of their accuracy in copying, reversing and doubling lists beyond the trained lengths.",
    source="Delétang 2023, table 1 (Neural Networks and the Chomsky Hierarchy)",
    published="LSTM and Transformer both near chance on longer reversals and duplications",
    against="Jelassi 2024: Transformers copy well, even longer texts, if their position encoding permits it; models with monotonic "
    "attention do too.",
    supports="Every architecture loses more than half of its exact-match accuracy from trained lengths to 21-40 words.",
    contradicts="One that loses less than half.",
    protocols={
        "quick": Protocol(
            "Three seeds; copy and reverse; 600 steps; 200 lists in each test split.",
            steps=600,
            options={"tasks": ["copy", "reverse"], "sentences": 200, "longer": []},
        ),
        "standard": Protocol(
            "Three seeds, three learning rates; copy, reverse and duplicate; 600 steps; 200 lists in each test split.",
            steps=600,
            options={"tasks": ["copy", "reverse", "duplicate"], "sentences": 200, "longer": []},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; the same with 10,000 steps; 100 lists in each test split; tests to 100 words.",
            seeds=5,
            steps=10000,
            options={
                "tasks": ["copy-long", "reverse-long", "duplicate-long"],
                "sentences": 100,
                "longer": [["to-60", "41-60 words"], ["to-100", "61-100 words"]],
            },
        ),
    },
    study=study,
    ladder=Ladder(steps=(400, 1600, 6400), learned=90.0, settings=EXACT_TASK),
)
