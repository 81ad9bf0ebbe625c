"""Claim 16: many heads beat one at the same cost."""

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.effects import BLEU, NATS, Part, contrast, point
from seqloom.claims.protocols import TRANSLATION_LADDER, translation_arm, translation_corpus
from seqloom.claims.rule import ask
from seqloom.claims.series import chart
from seqloom.claims.verdict import ChartSeries
from seqloom.experiment.arms import TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Trains Transformers that differ in the number of heads alone: width and parameters stay."""
    corpus = translation_corpus(runner, protocol)
    heads: list[int] = protocol["heads"]
    arms = {
        count: translation_arm(
            protocol,
            TRANSFORMER,
            corpus,
            {"model": {"num_heads": count}},
            variant="" if count == 4 else f"{count} head{'s' if count > 1 else ''}",
        )
        for count in heads
    }
    results = runner.train(arms, seeds=protocol.seeds, measure=NATS)
    question = ask(
        "Is the cross-entropy of four heads lower than that of one?",
        contrast(NATS, Part(1, results[1]), Part(-1, results[4])),
        unit=NATS.unit,
        margin=0.01,
    )
    charts = tuple(
        chart(
            title,
            "heads",
            unit,
            (ChartSeries(label="Transformer", points=tuple(point(float(n), measure, results[n]) for n in heads)),),
            log_x=True,
        )
        for title, unit, measure in (
            ("Cross-entropy of the test targets", "nats a token", NATS),
            ("Translation quality", "BLEU", BLEU),
        )
    )
    return Finding((question,), charts)


CLAIM = Claim(
    number=16,
    name="many-heads",
    statement="Many heads beat one at the same cost.",
    source="Vaswani 2017, table 3, rows A",
    published="one head 0.9 BLEU behind eight; too many heads fall behind again",
    against="Michel 2019: most heads of a trained model can be taken out with little loss.",
    supports="Lower cross-entropy with four heads than with one, the width being the same.",
    contradicts="No such difference, or one head ahead.",
    protocols={
        "standard": Protocol(
            "Three seeds, three learning rates; Multi30k English-German; 200 steps; 1, 4 and 8 heads.",
            steps=200,
            options={"heads": [1, 4, 8], "sentences": 500},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; Multi30k English-German; 5,000 steps; 1, 2, 4, 8 and 16 heads.",
            seeds=5,
            steps=5000,
            options={"heads": [1, 2, 4, 8, 16], "sentences": 1000},
        ),
    },
    study=study,
    ladder=TRANSLATION_LADDER,
    takes_data=True,
    reasons=(
        "The difference is in the published direction, 0.035 nats a token and two BLEU (11.7 with one head, 13.7 with "
        "eight), but three seeds differ from each other by as much. The published models were trained 500 times as "
        "long, and heads need time to take different parts."
    ),
)
