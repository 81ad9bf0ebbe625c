"""Claim 11: training parallelises over positions; recurrence does not."""

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.costs import exponent
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, measured
from seqloom.claims.verdict import Contrast, Term
from seqloom.experiment.arms import LABELS, MAIN_RECIPES, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner

_MARGIN = 0.05


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Times a training step at growing lengths with the same number of tokens in every batch."""
    rounds = {}
    for recipe in MAIN_RECIPES:
        arguments = {
            "recipe": recipe,
            "lengths": protocol["lengths"],
            "tokens": protocol["tokens"],
            "seconds": protocol["seconds"],
        }
        rounds[recipe] = runner.measure("seqloom.claims.costs:step_seconds", arguments, rounds=protocol.seeds)
    fits = {recipe: tuple(exponent(item) for item in results) for recipe, results in rounds.items()}
    transformer = Term(arm=LABELS[TRANSFORMER], weight=-1, values=fits[TRANSFORMER])
    questions = tuple(
        ask(
            f"Does a step of the {LABELS[recipe]} slow down more than that of the Transformer if the same number of tokens is in "
            "fewer, longer sentences?",
            Contrast(terms=(Term(arm=LABELS[recipe], weight=1, values=fits[recipe]), transformer)),
            unit="difference between the exponents b, where time grows as length^b",
            margin=_MARGIN,
        )
        for recipe in MAIN_RECIPES
        if recipe != TRANSFORMER
    )
    series = tuple(measured(LABELS[recipe], results) for recipe, results in rounds.items())
    drawn = chart(
        f"A training step of {protocol['tokens']:,} tokens",
        "tokens in a sentence",
        "seconds",
        series,
        log=True,
    )
    fitted = "; ".join(f"{LABELS[recipe]} {sum(values) / len(values):.2f}" for recipe, values in fits.items())
    return Finding(questions, (drawn,), (f"Fitted exponents of time over length at equal tokens: {fitted}.",))


CLAIM = Claim(
    number=11,
    name="parallel-training",
    statement="Training is parallel over the positions of a sentence in a Transformer, but not in a recurrent network.",
    source="Vaswani 2017, table 1 and section 4",
    published="O(1) sequential operations per layer instead of O(n)",
    against="The cost of attention grows with the square of the length, so long sentences slow a Transformer down too.",
    supports="With equal tokens per batch, the time of a step grows faster with sentence length in recurrent networks.",
    contradicts="The time of the Transformer grows as fast or faster.",
    protocols={
        "quick": Protocol(
            "Three rounds; lengths 16 to 256; 2,048 tokens a batch.",
            options={"lengths": [16, 32, 64, 128, 256], "tokens": 2048, "seconds": 0.6},
        ),
        "standard": Protocol(
            "Five rounds; lengths 16 to 1,024; 4,096 tokens a batch.",
            seeds=5,
            options={"lengths": [16, 32, 64, 128, 256, 512, 1024], "tokens": 4096, "seconds": 1.5},
        ),
        "thorough": Protocol(
            "Ten rounds; lengths 16 to 4,096; 16,384 tokens a batch.",
            seeds=10,
            options={"lengths": [16, 64, 256, 1024, 4096], "tokens": 16384, "seconds": 5.0},
        ),
    },
    study=study,
    reasons=(
        "Two cores offer little parallelism, and a recurrence here is one operation over time whose steps are matrix "
        "products over all sentences of the batch; so the recurrent networks lose little until the batch has few "
        "sentences. From some 500 tokens on, the quadratic cost of attention dominates. The published statement counts "
        "operations and is about GPUs."
    ),
)
