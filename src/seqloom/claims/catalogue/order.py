"""Claim 17: a Transformer needs position information: without it, it reads a bag of words."""

from typing import Any

from seqloom.claims.claim import Claim, Finding, Ladder, Protocol
from seqloom.claims.effects import EXACT, Part, bars, contrast
from seqloom.claims.protocols import small_arm
from seqloom.claims.rule import ask
from seqloom.claims.series import chart
from seqloom.claims.verdict import Contrast, Term
from seqloom.corpus import Corpus
from seqloom.corpus.generators.draw import Draw
from seqloom.experiment.arms import TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner
from seqloom.run.load import Run

_NUM_SHUFFLED = 200
_PROBE = "seqloom.claims.catalogue.order:answers_to_shuffled"


def answers_to_shuffled(run: Run, corpus: Corpus) -> dict[str, Any]:
    """How many outputs stay as they were when the words of the source are shuffled, in percent."""
    sources = [pair.src for _, pair in zip(range(_NUM_SHUFFLED), corpus.tests["test"].pairs(), strict=False)]
    shuffled = [_shuffle(source) for source in sources]
    plain = [generation.text for generation in run.translate(sources)]
    other = [generation.text for generation in run.translate(shuffled)]
    moved = [index for index, source in enumerate(sources) if shuffled[index] != source]
    same = sum(plain[position] == other[position] for position in moved)
    return {"same": 100 * same / max(1, len(moved)), "sentences": len(moved)}


def _shuffle(source: str) -> str:
    words, draw = source.split(), Draw(f"order/{source}")
    for position in range(len(words) - 1, 0, -1):
        other = draw.between(0, position)
        words[position], words[other] = words[other], words[position]
    return " ".join(words)


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Trains with positions and without; then shuffles the words of test sources."""
    arms = {
        positions: small_arm(
            protocol,
            TRANSFORMER,
            protocol["task"],
            {"model": {"positions": positions}},
            variant=f"{positions} positions" if positions != "none" else "no positions",
            probes=(_PROBE,),
        )
        for positions in ("sinusoidal", "none")
    }
    ordered, bag = runner.train(arms, seeds=protocol.seeds, measure=EXACT).values()
    same = [tuple(float(run.probe(_PROBE)["same"]) for run in item.runs) for item in (ordered, bag)]
    terms = tuple(
        Term(arm=item.arm.label, weight=weight, values=values)
        for item, weight, values in zip((bag, ordered), (1, -1), reversed(same), strict=True)
    )
    questions = (
        ask(
            f"{protocol['task']}: do positions raise the share of lists that are right?",
            contrast(EXACT, Part(1, ordered), Part(-1, bag)),
            unit=EXACT.unit,
            margin=20.0,
        ),
        ask(
            "Are more outputs unchanged by shuffling the source without positions?",
            Contrast(terms=terms),
            unit="percentage points of unchanged outputs",
            margin=50.0,
        ),
    )
    drawn = chart("Exact-match accuracy", "test", "%", bars(EXACT, [ordered, bag]))
    changed = (
        "Without positions the decoder still knows order by its causal mask, which shows it one more word at each step; what it "
        "cannot know is the order of the source."
    )
    return Finding(questions, (drawn,), (changed,))


CLAIM = Claim(
    number=17,
    name="order",
    statement="A Transformer needs position information: without positions its encoder sees a bag of words.",
    source="Vaswani 2017, section 3.5",
    published="no figure: self-attention without positions does not change when its inputs are permuted",
    against="Decoder-only models learn positions from the causal mask alone (Haviv 2022); an encoder has none.",
    supports="Without positions lists are not copied in order, and shuffled sources give the same outputs.",
    contradicts="Without positions the model still knows the order.",
    protocols={
        "quick": Protocol(
            "Two seeds; copying lists of 1 to 20 words; 600 steps.",
            seeds=2,
            steps=600,
            options={"task": "copy", "sentences": 200},
        ),
        "standard": Protocol(
            "Three seeds, three learning rates; copying lists of 1 to 20 words; 1,000 steps.",
            steps=1000,
            options={"task": "copy", "sentences": 200},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; copying lists of 1 to 20 words; 10,000 steps.",
            seeds=5,
            steps=10000,
            options={"task": "copy", "sentences": 1000},
        ),
    },
    study=study,
    ladder=Ladder(steps=(250, 1000, 4000)),
)
