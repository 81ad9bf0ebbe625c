"""Claim 12: attention costs the square of the length."""

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.costs import exponent
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, measured
from seqloom.claims.verdict import Contrast, Term
from seqloom.experiment.runner import ExperimentRunner

_MIXERS = ("explicit attention", "fused attention", "recurrence")
_MARGIN = 1.5


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Times one layer forward and backward over growing lengths, and reads its peak memory."""
    lengths, least = protocol["lengths"], protocol["least"]
    rounds = {
        mixer: runner.measure(
            "seqloom.claims.costs:mixing_cost",
            {"mixer": mixer, "lengths": lengths, "seconds": protocol["seconds"]},
            rounds=protocol.seeds,
        )
        for mixer in _MIXERS
    }

    def fits(mixer: str, what: str) -> tuple[float, ...]:
        return tuple(exponent({x: cost[what] for x, cost in item.items()}, least=least) for item in rounds[mixer])

    questions = [
        ask(
            f"Does the {what} of explicit attention grow with nearly the square of the length?",
            Contrast(terms=(Term(arm="explicit attention", weight=1, values=fits("explicit attention", field)),)),
            unit=f"exponent b, where {what} grows as length^b",
            margin=_MARGIN,
        )
        for what, field in (("time", "seconds"), ("memory", "mib"))
    ]
    questions.append(
        ask(
            "Does the time of fused attention grow faster than that of recurrence?",
            Contrast(
                terms=(
                    Term(arm="fused attention", weight=1, values=fits("fused attention", "seconds")),
                    Term(arm="recurrence", weight=-1, values=fits("recurrence", "seconds")),
                )
            ),
            unit="difference between the exponents b, where time grows as length^b",
            margin=0.25,
        )
    )
    charts = tuple(
        chart(
            title,
            "length",
            unit,
            tuple(
                measured(mixer, [{x: cost[field] for x, cost in item.items()} for item in results])
                for mixer, results in rounds.items()
            ),
            log=True,
        )
        for title, unit, field in (("Time of one layer", "seconds", "seconds"), ("Memory of one layer", "MiB", "mib"))
    )
    text = "; ".join(
        f"{mixer}: time {sum(fits(mixer, 'seconds')) / protocol.seeds:.2f}, memory {sum(fits(mixer, 'mib')) / protocol.seeds:.2f}"
        for mixer in _MIXERS
    )
    return Finding(tuple(questions), charts, (f"Exponents fitted to lengths from {least:,}: {text}.",))


CLAIM = Claim(
    number=12,
    name="square-of-length",
    statement="Self-attention costs the square of the length, in time and in memory.",
    source="Vaswani 2017, table 1",
    published="O(n^2 d) a layer against O(n d^2) for recurrence",
    against="A fused kernel never holds the matrix of weights: its memory grows linearly (Dao 2022), only its time does not.",
    supports="At long lengths exponents of time and memory of explicit attention above 1.5, and of fused time above recurrence's.",
    contradicts="One of the two below 1.5, or the time of fused attention growing no faster than that of recurrence.",
    protocols={
        "quick": Protocol(
            "Three rounds; one layer of width 128, one sequence of 64 to 2,048.",
            options={"lengths": [64, 128, 256, 512, 1024, 2048], "least": 512, "seconds": 0.4},
        ),
        "standard": Protocol(
            "Five rounds; one layer of width 128, one sequence of 64 to 4,096.",
            seeds=5,
            options={"lengths": [64, 128, 256, 512, 1024, 2048, 4096], "least": 1024, "seconds": 1.0},
        ),
        "thorough": Protocol(
            "Ten rounds; one layer of width 128, one sequence of 64 to 8,192.",
            seeds=10,
            options={"lengths": [64, 128, 256, 512, 1024, 2048, 4096, 8192], "least": 1024, "seconds": 3.0},
        ),
    },
    study=study,
)
