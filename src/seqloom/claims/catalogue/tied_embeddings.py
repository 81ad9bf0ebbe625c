"""Claim 19: tied embeddings: the same quality with fewer parameters."""

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.effects import BLEU, Part, contrast, point
from seqloom.claims.protocols import TRANSLATION_LADDER, translation_arm, translation_corpus, translation_protocols
from seqloom.claims.rule import ask
from seqloom.claims.series import chart
from seqloom.claims.verdict import ChartSeries
from seqloom.experiment.arms import LABELS, MAIN_RECIPES
from seqloom.experiment.runner import ExperimentRunner

_MARGIN = 1.0


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Trains each architecture with one matrix for embeddings and output, and with three."""
    corpus = translation_corpus(runner, protocol)
    arms = {
        (recipe, tied): translation_arm(
            protocol,
            recipe,
            corpus,
            {} if tied else {"model": {"tied_embeddings": "none"}},
            variant="" if tied else "untied",
        )
        for recipe in MAIN_RECIPES
        for tied in (True, False)
    }
    results = runner.train(arms, seeds=protocol.seeds, measure=BLEU)
    questions = tuple(
        ask(
            f"{LABELS[recipe]}: is it no worse with one matrix than with three?",
            contrast(BLEU, Part(1, results[recipe, True]), Part(-1, results[recipe, False])),
            unit=BLEU.unit,
            margin=-_MARGIN,
        )
        for recipe in MAIN_RECIPES
    )
    sizes = "; ".join(
        f"{LABELS[recipe]} {results[recipe, True].runs[0].info.parameters:,} tied, "
        f"{results[recipe, False].runs[0].info.parameters:,} untied"
        for recipe in MAIN_RECIPES
    )
    series = tuple(
        ChartSeries(
            label=LABELS[recipe],
            points=tuple(point("tied" if tied else "untied", BLEU, results[recipe, tied]) for tied in (True, False)),
        )
        for recipe in MAIN_RECIPES
    )
    return Finding(questions, (chart("Translation quality", "embeddings", "BLEU", series),), (f"Parameters: {sizes}.",))


CLAIM = Claim(
    number=19,
    name="tied-embeddings",
    statement="Tied embeddings keep the quality with fewer parameters.",
    source="Press & Wolf 2017, table 7",
    published="a three-way tied translation model has less than half the size and about the same BLEU",
    against="On large data a separate output matrix can improve quality.",
    supports="Tied models lose no more than 1 BLEU (and may gain), in all architectures.",
    contradicts="One of them loses more than 1 BLEU.",
    protocols=translation_protocols("; margin 1 BLEU", "; margin 1 BLEU"),
    study=study,
    ladder=TRANSLATION_LADDER,
    takes_data=True,
    reasons=(
        "Untied models are ahead by 0.6 to 1.3 BLEU here, and the intervals include the margin of 1 BLEU. They have up to "
        "twice the parameters, and after 200 updates larger models have learned more; the published models were trained "
        "to convergence, where the difference disappears."
    ),
)
