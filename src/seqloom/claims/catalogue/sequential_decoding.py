"""Claim 13: decoding stays sequential."""

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.costs import exponent
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, measured
from seqloom.claims.verdict import Contrast, Term
from seqloom.experiment.arms import LABELS, MAIN_RECIPES, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Measures the time to generate n tokens one by one and to read n at once, and counts the values in the decoder state."""
    rounds = {
        recipe: runner.measure(
            "seqloom.claims.costs:decoding_seconds",
            {"recipe": recipe, "lengths": protocol["lengths"]},
            rounds=protocol.seeds,
        )
        for recipe in MAIN_RECIPES
    }
    longest = str(max(protocol["lengths"]))
    questions = [
        ask(
            f"Does the decoding time of the {LABELS[recipe]} grow in proportion to the number of tokens?",
            Contrast(
                terms=(
                    Term(
                        arm=LABELS[recipe],
                        weight=1,
                        values=tuple(exponent(item["stepwise"]) for item in rounds[recipe]),
                    ),
                )
            ),
            unit="exponent b, where time grows as length^b",
            # Supported if the whole interval is above 0.8. With time exactly proportional to length, b is 1; costs that do not
            # depend on length make b smaller, so the margin is below 1.
            margin=0.8,
        )
        # The Transformer's question comes first, because the claim is mainly about the Transformer.
        for recipe in (TRANSFORMER, *(recipe for recipe in MAIN_RECIPES if recipe != TRANSFORMER))
    ]
    questions.append(
        ask(
            f"Is generating {longest} tokens slower for the Transformer than reading {longest} tokens at once?",
            Contrast(
                terms=(
                    Term(
                        arm=LABELS[TRANSFORMER],
                        weight=1,
                        values=tuple(
                            item["stepwise"][longest] / item["at once"][longest] for item in rounds[TRANSFORMER]
                        ),
                    ),
                )
            ),
            unit="times as slow",
            # Yes if the whole interval is above 2: generating takes more than twice as long.
            margin=2.0,
        )
    )
    charts = (
        chart(
            "Time to generate a sentence",
            "generated tokens",
            "seconds",
            tuple(
                measured(LABELS[recipe], [item["stepwise"] for item in results]) for recipe, results in rounds.items()
            ),
            log=True,
        ),
        chart(
            "Size of the decoder state",
            "generated tokens",
            "values in the state",
            tuple(measured(LABELS[recipe], [item["cache"] for item in results]) for recipe, results in rounds.items()),
        ),
    )
    return Finding(
        tuple(questions), charts, ("The weights are random: the cost of a step does not depend on training.",)
    )


CLAIM = Claim(
    number=13,
    name="sequential-decoding",
    statement="Decoding is sequential in all architectures: a Transformer, too, generates one token after the other.",
    source="Vaswani 2017, section 3.1 (the decoder is auto-regressive)",
    published="no figure: it follows from the definition of the decoder",
    against="Known tokens are processed in parallel, so several tokens of a draft can be verified at once (Leviathan 2023).",
    supports="In all architectures time grows in proportion to the generated tokens, and generating is much slower than reading.",
    contradicts="Time grows clearly more slowly than the number of generated tokens.",
    protocols={
        "quick": Protocol("Three rounds; 16 to 256 tokens, one sentence.", options={"lengths": [16, 32, 64, 128, 256]}),
        "standard": Protocol(
            "Five rounds; 16 to 1,024 tokens, one sentence.",
            seeds=5,
            options={"lengths": [16, 32, 64, 128, 256, 512, 1024]},
        ),
        "thorough": Protocol(
            "Ten rounds; 16 to 4,096 tokens, one sentence.",
            seeds=10,
            options={"lengths": [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]},
        ),
    },
    study=study,
)
